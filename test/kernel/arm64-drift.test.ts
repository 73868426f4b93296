import { expect, test } from "vitest";
import { call } from "../../provider/runtime";
import type { Binding } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, events, moveByHand, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const onVfio = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" };
const generator = { bus: "platform", device: "a003c00.virtio_mmio", driver: "virtio-mmio" };

/** Whether the engine's refresh would find the resource changed, which it asks with the live state as the old one. */
async function isChanged(binding: Binding): Promise<boolean | undefined> {
  const live = await binding.read();
  const [answer] = await call(1, "diff", { bindings: [{ id: binding.id, olds: live, news: binding.inputs }] });
  return answer?.changes;
}

onBoard("arm64", "drift, and what is right already", (bench) => {
  test("adopts a device that is right already without a single write, and lets it go without one", async () => {
    const before = await events(bench.board);
    const binding = bench.binding({ ...onVfio, driver: "e1000e" });
    const outputs = await binding.create();
    expect(outputs).toMatchObject({ currentDriver: "e1000e", previousDriver: "e1000e", driverOverride: null });
    expect(outputs, "no group is viable for vfio yet").toMatchObject({ iommuGroup: "2", groupViable: false, vfioPath: null });
    await binding.update();
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
    expect(await events(bench.board)).toBe(before);
  });

  test("sees on refresh what somebody rebound by hand, and repairs it on update", async () => {
    const binding = bench.binding(onVfio);
    await binding.create();
    expect(await isChanged(binding)).toBe(false);
    await moveByHand(bench.board, card, "e1000e");
    expect(await binding.read()).toMatchObject({
      currentDriver: "e1000e",
      driverOverride: null,
      previousDriver: "e1000e",
      iommuGroup: "2",
    });
    expect(await isChanged(binding)).toBe(true);
    expect(await binding.update()).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e" });
    expect(await stateOf(bench.board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await moveByHand(bench.board, card, null);
    expect(await binding.read()).toMatchObject({ currentDriver: null });
    await binding.update();
    expect(await stateOf(bench.board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await binding.delete();
  });

  test("repairs a foreign override without letting go of the device", async () => {
    const binding = bench.binding(onVfio);
    await binding.create();
    await bench.board.shell("echo e1000e >/sys/bus/pci/devices/0000:00:01.0/driver_override");
    await bench.writes();
    expect(await binding.read()).toMatchObject({ currentDriver: "vfio-pci", driverOverride: "e1000e" });
    await binding.update();
    expect(await bench.writes()).toEqual(["override vfio-pci"]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await binding.delete();
  });

  test("gives back from any drift: a device that somebody gave back before is left alone", async () => {
    const binding = bench.binding(onVfio);
    await binding.create();
    await moveByHand(bench.board, card, "e1000e");
    await bench.writes();
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("unbinds and binds again when triggers change, and only then", async () => {
    const binding = bench.binding({ ...generator, triggers: ["firmware 1"] });
    await binding.create();
    await binding.update();
    expect(await bench.writes()).toEqual([]);
    const before = Number(await events(bench.board));
    await binding.update({ triggers: ["firmware 2"] });
    expect(await bench.writes()).toEqual(["unbind a003c00.virtio_mmio", "bind a003c00.virtio_mmio"]);
    expect(Number(await events(bench.board)), "an unbind and a bind are events").toBeGreaterThanOrEqual(before + 2);
    await binding.update();
    expect(await bench.writes()).toEqual([]);
    await binding.delete();
  });

  test("is gone on refresh when its device is, and is given up without a write", async () => {
    const { board } = bench;
    const binding = bench.binding(onVfio);
    await binding.create();
    await board.shell("echo 1 >/sys/bus/pci/devices/0000:00:01.0/remove");
    await bench.writes();
    expect(await binding.read()).toBeUndefined();
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
    await board.shell("echo 1 >/sys/bus/pci/rescan");
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
    await board.shell("rm -f /run/devbind/*/claim.*");
  });
});
