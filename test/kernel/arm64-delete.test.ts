import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, moveByHand, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const onVfio = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" };

onBoard("arm64", "what a delete leaves behind", (bench) => {
  test.each([
    ["restore", { driver: "e1000e", override: null }],
    ["unbind", { driver: null, override: null }],
    ["probe", { driver: "e1000e", override: null }],
    ["keep", { driver: "vfio-pci", override: "vfio-pci" }],
  ])('onDelete "%s" leaves %o', async (onDelete, left) => {
    const binding = bench.binding({ ...onVfio, onDelete });
    await binding.create();
    await binding.delete();
    expect(await stateOf(bench.board, card)).toEqual(left);
    await moveByHand(bench.board, card, "e1000e");
  });

  test("a second delete writes nothing and does not fail", async () => {
    const binding = bench.binding(onVfio);
    await binding.create();
    await binding.delete();
    await bench.writes();
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
  });

  test("a device that somebody else has claimed since is let go without a write", async () => {
    const binding = bench.binding(onVfio);
    await binding.create();
    const other = bench.binding({ ...onVfio, claimant: "org/other/dev/card", force: true });
    await other.create();
    await bench.writes();
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await other.delete();
    await moveByHand(bench.board, card, "e1000e");
  });

  test("a driver whose module somebody unloaded is loaded again by an update", async () => {
    const { board } = bench;
    const binding = bench.binding({ bus: "pci", device: "0000:00:03.0", driver: "pci-stub" });
    await binding.create();
    await board.shell("echo 0000:00:03.0 >/sys/bus/pci/drivers/pci-stub/unbind && rmmod pci-stub");
    expect(await binding.read()).toMatchObject({ currentDriver: null, driverOverride: "pci-stub" });
    await binding.update();
    expect(await stateOf(board, ["pci", "0000:00:03.0"])).toEqual({ driver: "pci-stub", override: "pci-stub" });
    await binding.delete();
  });
});
