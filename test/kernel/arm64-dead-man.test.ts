import { expect, test } from "vitest";
import { configureCard } from "../boards/session-card";
import { connectionTo, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { openCut } from "./cut";
import { type DeviceName, driverOf, stateOf } from "./eyes";

const sessionCard: DeviceName = ["platform", "a003e00.virtio_mmio"];
const card: DeviceName = ["pci", "0000:00:01.0"];

const itself = {
  bus: "platform",
  device: "a003e00.virtio_mmio",
  force: true,
  confirmSeconds: 10,
  timeoutSeconds: 10,
  afterRebind: ["sh", "-c", configureCard],
};

onBoard("arm64", "a change that lasts only if a new login confirms it", (bench) => {
  test("gives the session's card back by itself, and says undone, when the change has cut the link", async () => {
    bench.isSpoilt = true;
    const binding = bench.binding({ ...itself, driver: null });
    expect(await refusalOf(binding.create())).toMatch(
      /^Cannot bind a003e00\.virtio_mmio on \S+ to no driver: no new login reached the board within 10 seconds \(confirmSeconds\), so the board undid it by itself\. a003e00\.virtio_mmio is back with "virtio-mmio"; nothing changed\. /,
    );
    expect(binding.state, "what Pulumi's state would hold").toBeUndefined();
    expect(await bench.writes()).toEqual(["unbind a003e00.virtio_mmio", "bind a003e00.virtio_mmio"]);
    expect(await stateOf(bench.board, sessionCard)).toEqual({ driver: "virtio-mmio", override: null });
  });

  test("binds the session's card anew, which cuts the link for a moment, and confirms it over a new login", async () => {
    bench.isSpoilt = true;
    const binding = bench.binding({ ...itself, driver: "virtio-mmio", triggers: [1] });
    await binding.create();
    await bench.writes();
    expect(await binding.update({ triggers: [2] })).toMatchObject({ currentDriver: "virtio-mmio" });
    expect(await bench.writes()).toEqual(["unbind a003e00.virtio_mmio", "bind a003e00.virtio_mmio"]);
  });

  test("leaves the session's card as it was when the command that should configure it fails", async () => {
    bench.isSpoilt = true;
    const binding = bench.binding({
      ...itself,
      driver: "virtio-mmio",
      triggers: [1],
      afterRebind: ["sh", "-c", `${configureCard}; echo no lease; exit 7`],
    });
    await binding.create();
    const words = await refusalOf(binding.update({ triggers: [2] }));
    expect(words).toContain('afterRebind failed (exit code 7, "no lease")');
    expect(words).toContain('a003e00.virtio_mmio is back with "virtio-mmio"; nothing changed. afterRebind failed after the undo');
  });

  test("confirms a change of a device that carries nothing over a login of its own", async () => {
    const { board } = bench;
    const cut = await openCut(board);
    try {
      const connection = { ...connectionTo(board), port: cut.port };
      const binding = bench.binding({ bus: "pci", device: "0000:00:01.0", driver: "vfio-pci", confirmSeconds: 30, connection });
      expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci" });
      expect(cut.connections()).toBeGreaterThanOrEqual(2);
      expect(await board.shell("ls /run/devbind/*/ | grep confirmed || true"), "files that wait for a confirmation").toBe("");
      await binding.delete();
      expect(await driverOf(board, card)).toBe("e1000e");
    } finally {
      await cut.close();
    }
  });

  test("undoes by itself also when its writer is killed while it waits, and nobody can log in", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    const killer = 'sleep 4; kill -9 "$(cat /run/devbind/*/journal.* | sed -n "s/^writer \\([0-9]*\\).*/\\1/p")"';
    await board.shell(`setsid sh -c '${killer.replaceAll("'", "'\\''")}' </dev/null >/dev/null 2>&1 &`);
    const binding = bench.binding({ ...itself, driver: null, confirmSeconds: 60 });
    const words = await refusalOf(binding.create());
    expect(words).toContain("the script on the board was killed");
    expect(await driverOf(board, sessionCard)).toBe("virtio-mmio");
  });
});
