import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const teachingDevice: DeviceName = ["pci", "0000:00:12.0"];
const byId = { bus: "pci", device: { pciId: "1234:11e8" }, driver: "vfio-pci" };
const onVfio = { driver: "vfio-pci", override: "vfio-pci" };

onBoard("x86", "selectors on a PC", (bench) => {
  test("finds a device by its id, and again after the kernel removed it and found it anew, which forgets its override", async () => {
    const { board } = bench;
    const binding = bench.binding(byId);
    expect(await binding.create()).toMatchObject({ deviceName: teachingDevice[1], previousDriver: null });
    expect(await stateOf(board, teachingDevice)).toEqual(onVfio);
    await board.shell("echo 1 >/sys/bus/pci/devices/0000:00:12.0/remove");
    expect(await binding.read()).toBeUndefined();
    await board.shell("echo 1 >/sys/bus/pci/rescan");
    expect(await binding.read()).toMatchObject({ deviceName: teachingDevice[1], currentDriver: null, driverOverride: null });
    expect(await binding.update()).toMatchObject({ currentDriver: "vfio-pci", previousDriver: null });
    expect(await stateOf(board, teachingDevice)).toEqual(onVfio);
    await binding.delete();
    expect(await stateOf(board, teachingDevice)).toEqual({ driver: null, override: null });
  });

  test("finds the disk's controller by a pattern of its modalias, and gives it back with its disk", async () => {
    const { board } = bench;
    const binding = bench.binding({ ...byId, device: { modalias: "pci:*bc01sc08i02" } });
    expect(await binding.create()).toMatchObject({ deviceName: "0000:00:13.0", currentDriver: "vfio-pci", previousDriver: "nvme" });
    await binding.delete();
    expect(await stateOf(board, ["pci", "0000:00:13.0"])).toEqual({ driver: "nvme", override: null });
  });
});
