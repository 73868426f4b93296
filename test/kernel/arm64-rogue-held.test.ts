import { beforeEach, expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const device = "a003c00.virtio_mmio";
const generator: DeviceName = ["platform", device];
const onRogue = { bus: "platform", device, driver: "devbind-rogue" };
const card = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" };
const untilFree = { timeout: 60_000, interval: 500 };

onBoard("arm64", "a driver that does not come back", (bench) => {
  const parameters = "/sys/module/devbind_rogue/parameters";
  const behave = (parameter: string, value: string | number) => bench.board.shell(`echo ${value} >${parameters}/${parameter}`);
  const stateNow = () => stateOf(bench.board, generator);
  const stuckJournals = () => bench.board.shell("ls /run/devbind/*/stuck.* 2>/dev/null || true");

  beforeEach(() =>
    bench.board.shell(
      `modprobe devbind_rogue && cd ${parameters} && echo 0 >probe_seconds && for each in oops holds; do echo N >$each; done`,
    ),
  );

  test("says that a driver holds the device it should let go of, lets others go on, and finishes the undo when it does", async () => {
    const binding = bench.binding({ ...onRogue, timeoutSeconds: 4 });
    await binding.create();
    await behave("holds", "Y");
    expect(await refusalOf(binding.update({ driver: "virtio-mmio" }))).toBe(
      `Binding ${device} on ${addressOf(bench.board)} to "virtio-mmio" is stuck: the kernel holds the write to unbind and does not come ` +
        `back. ${device} is between two drivers; the board finishes the undo by itself when the kernel lets go. ` +
        "End what holds the device, then run `pulumi up` again.",
    );
    const other = bench.binding(card);
    expect(await other.create()).toMatchObject({ currentDriver: "vfio-pci" });
    await other.delete();
    expect(await refusalOf(binding.update())).toContain("An earlier transaction on the device is stuck");

    await behave("holds", "N");
    await expect.poll(stuckJournals, untilFree).toBe("");
    expect(await stateNow()).toEqual({ driver: "devbind-rogue", override: "devbind-rogue" });
    expect(await binding.update()).toMatchObject({ currentDriver: "virtio-mmio", previousDriver: "virtio-mmio" });
    await binding.delete();
    expect(await stateNow()).toEqual({ driver: "virtio-mmio", override: null });
  });

  test("waits for a slow probe", async () => {
    await behave("probe_seconds", 3);
    const binding = bench.binding({ ...onRogue, timeoutSeconds: 30 });
    expect(await binding.create()).toMatchObject({ currentDriver: "devbind-rogue" });
    await binding.delete();
  });

  test("undoes a probe that took longer than was given, as soon as it ends", async () => {
    await behave("probe_seconds", 10);
    const binding = bench.binding({ ...onRogue, timeoutSeconds: 3 });
    expect(await refusalOf(binding.create())).toContain("the kernel holds the write to bind and does not come back.");
    await expect.poll(stuckJournals, untilFree).toBe("");
    expect(await stateNow()).toEqual({ driver: "virtio-mmio", override: null });
    await binding.delete();
  });

  test("comes to an end on a device whose probe crashed, then and from then on, while others go on", async () => {
    bench.isSpoilt = true;
    await behave("oops", "Y");
    const binding = bench.binding({ ...onRogue, timeoutSeconds: 4 });
    expect(await refusalOf(binding.create())).toContain("is stuck: ");
    expect(await bench.board.shell("dmesg | grep -c 'Internal error: Oops'")).toBe("1");
    expect(await refusalOf(binding.update())).toMatch(/stuck|does not answer|held/);
    const other = bench.binding(card);
    expect(await other.create()).toMatchObject({ currentDriver: "vfio-pci" });
    await other.delete();
  });
});
