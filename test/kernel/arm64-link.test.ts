import { afterEach, beforeEach, expect, test } from "vitest";
import { boardScript } from "../../provider/board/script";
import { connectionTo, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type Cut, openCut } from "./cut";
import { type DeviceName, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const onVfio = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" };
/** In the second request of a login (the first one looks, the second one changes), before the 24 KiB that dropbear takes at once. */
const inSecondRequest = () => boardScript().length + 12_000;

onBoard("arm64", "a link that is cut, and a board that is reset", (bench) => {
  let cut: Cut;
  beforeEach(async () => {
    cut = await openCut(bench.board);
  });
  afterEach(() => cut.close());
  const underWay = () =>
    bench.board.shell("until ls /run/devbind/*/journal.* /run/devbind/*/outcome.* 2>/dev/null | grep -q .; do usleep 10000; done");
  const throughCut = () => bench.binding({ ...onVfio, connection: { ...connectionTo(bench.board), port: cut.port } });

  test("ends a transaction whose link was cut, once, and tells its outcome to the client that asks again", async () => {
    const { board } = bench;
    const binding = throughCut();
    await board.shell("rm -f /run/devbind/*/outcome.*");
    cut.afterSending(inSecondRequest(), underWay);
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e", driverOverride: "vfio-pci" });
    expect(cut.count()).toBe(1);
    expect(await bench.writes(), "nothing is sent twice").toEqual(["override vfio-pci", "unbind 0000:00:01.0", "bind 0000:00:01.0"]);
    expect(await stateOf(board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await binding.delete();
  });

  test("tells of a refusal by the kernel that came while the link was cut", async () => {
    const { board } = bench;
    const binding = throughCut();
    binding.inputs = { ...binding.inputs, bus: "platform", device: "a003c00.virtio_mmio", driver: "fw_cfg" };
    await board.shell("rm -f /run/devbind/*/outcome.*");
    cut.afterSending(inSecondRequest(), underWay);
    expect(await refusalOf(binding.create())).toContain(
      'the kernel refused the write to bind (EBUSY). a003c00.virtio_mmio is back with "virtio-mmio"; nothing changed.',
    );
    expect(cut.count()).toBe(1);
  });

  test("writes nothing when the link is cut before the request has arrived whole, and says so", async () => {
    const binding = throughCut();
    cut.afterSending(inSecondRequest());
    expect(await refusalOf(binding.create())).toContain(`root@127.0.0.1:${cut.port}`);
    expect(cut.count()).toBe(1);
    expect(await bench.writes()).toEqual([]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci" });
    await binding.delete();
  });

  test("after a reset: reads what the board is now, binds again, and still knows the first driver", async () => {
    const { board } = bench;
    const binding = bench.binding(onVfio);
    const before = await binding.create();
    await bench.reset();
    expect(await board.shell("ls -d /run/devbind 2>/dev/null || echo none"), "no claim outlives a boot").toBe("none");
    expect(await binding.read()).toMatchObject({ currentDriver: "e1000e", driverOverride: null, previousDriver: "e1000e", vfioPath: null });
    await board.shell("echo 0000:00:01.0 >/sys/bus/pci/drivers/e1000e/unbind");
    const after = await binding.update();
    expect(after).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e", boardId: before.boardId });
    expect(after.bootId).toBe(await board.shell("cat /proc/sys/kernel/random/boot_id"));
    expect(after.bootId).not.toBe(before.bootId);
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });
});
