import { expect, test } from "vitest";
import { refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, groupOf, stateOf } from "./eyes";

const edu: DeviceName = ["pci", "0000:00:12.0"];
const card: DeviceName = ["pci", "0000:00:10.0"];
const onVfio = ([bus, device]: DeviceName) => ({ bus, device, driver: "vfio-pci" });

onBoard("x86", "ways to vfio on a PC", (bench) => {
  test("gives a device to vfio-pci by a new id, and the id, the device and the modules back", async () => {
    const { board } = bench;
    const group = await groupOf(board, edu);
    const binding = bench.binding({ ...onVfio(edu), strategy: "new-id", moduleParameters: { disable_idle_d3: "1" } });
    expect(await binding.create()).toMatchObject({
      currentDriver: "vfio-pci",
      driverOverride: null,
      vfioPath: `/dev/vfio/${group}`,
      groupViable: true,
    });
    expect(await board.shell("cat /sys/module/vfio_pci/parameters/disable_idle_d3")).toBe("Y");
    expect(await binding.update({ strategy: "auto" }), "another way, the same driver").toMatchObject({ currentDriver: "vfio-pci" });
    await board.shell("echo 0000:00:12.0 >/sys/bus/pci/drivers/vfio-pci/unbind");
    const bind = "echo 0000:00:12.0 2>&1 >/sys/bus/pci/drivers/vfio-pci/bind || true";
    expect(await board.shell(bind), "the id went with the strategy").toContain("No such device");
    await binding.update();
    expect(await stateOf(board, edu)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await binding.delete();
    expect([await driverOf(board, edu), await board.shell("grep -c ^vfio_pci /proc/modules || true")]).toEqual([null, "0"]);
  });

  test("refuses before any write the mode without IOMMU, where the kernel does not know it", async () => {
    const wish = { ...onVfio(card), moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" } };
    expect(await refusalOf(bench.binding(wish).create())).toContain('The module vfio shows no parameter "enable_unsafe_noiommu_mode".');
    expect([await bench.writes(), await bench.board.shell("grep -c ^vfio /proc/modules || true")]).toEqual([[], "0"]);
  });
});

onBoard(
  "x86",
  "a PC whose IOMMU is off",
  (bench) => {
    test.each([
      ["a device that has a driver", card],
      ["a device that never had one", edu],
    ])("refuses %s to vfio-pci before the unbind, and names the option", async (_, device) => {
      const message = await refusalOf(bench.binding(onVfio(device)).create());
      expect(message).toContain(
        'The device is behind no IOMMU (it has no IOMMU group), without which "vfio-pci" takes none. Nothing was written.',
      );
      expect(message).toContain('`moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" }` goes without it');
      expect(await bench.writes()).toEqual([]);
    });

    test("says that this kernel never goes without, once vfio is loaded; and vfio itself refuses then too", async () => {
      await bench.board.shell("modprobe vfio-pci");
      const message = await refusalOf(bench.binding(onVfio(card)).create());
      expect(message).toContain("use a kernel with CONFIG_VFIO_NOIOMMU: this one never goes without.");
      await bench.board.shell("echo vfio-pci >/sys/bus/pci/devices/0000:00:12.0/driver_override");
      const bind = "echo 0000:00:12.0 2>&1 >/sys/bus/pci/drivers/vfio-pci/bind || true";
      expect(await bench.board.shell(bind)).toContain("Invalid argument");
      await bench.board.shell("echo >/sys/bus/pci/devices/0000:00:12.0/driver_override");
    });
  },
  { kernelArguments: "intel_iommu=off" },
);
