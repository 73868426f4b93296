import { afterEach, beforeAll, expect, test } from "vitest";
import { rows } from "../seed/rows";
import { onBoard } from "./bench";
import { refusalOf } from "./binding";
import { type DeviceName, groupOf, stateOf } from "./eyes";
import { installVfio, unloadVfio } from "./own-vfio";
import { play } from "./play";

const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const onPlatform = { bus: "platform", device: generator[1], driver: "vfio-platform" };
const withoutIommu = { "vfio.enable_unsafe_noiommu_mode": "1" };
const withoutBoth = { ...withoutIommu, reset_required: "0" };
const asFound = { driver: "virtio-mmio", override: null };

onBoard("arm64", "devices without IOMMU, given to vfio", (bench) => {
  beforeAll(() => installVfio(bench.board), 600_000);
  afterEach(() => unloadVfio(bench.board));
  const vfioModules = () => bench.board.shell("grep -o '^vfio[^ ]*' /proc/modules || true");

  test("gives a platform device to vfio-platform without IOMMU and reset, where both are asked for, and all of it back", () =>
    play(bench, rows.platformToVfio));

  test("gives an amba device to vfio-amba, which asks for no reset, and back", () => play(bench, rows.ambaToVfio));

  test("refuses, before any write, what is not asked for, and names each option", async () => {
    const none = await refusalOf(bench.binding(onPlatform).create());
    expect(none).toContain('The device is behind no IOMMU (it has no IOMMU group), without which "vfio-platform" takes none.');
    expect(none).toContain('"vfio-platform" wants to reset the device, and the board has no reset function for "virtio,mmio".');
    const some = await refusalOf(bench.binding({ ...onPlatform, moduleParameters: withoutIommu }).create());
    expect(some).not.toContain("IOMMU group");
    expect(some).toContain('`moduleParameters: { reset_required: "0" }` goes without');
    expect([await bench.writes(), await vfioModules()]).toEqual([[], ""]);
  });

  test("refuses, before any write, where vfio and vfio-platform are loaded otherwise, with the values", async () => {
    await bench.board.shell("modprobe vfio-platform");
    const message = await refusalOf(bench.binding({ ...onPlatform, moduleParameters: withoutBoth }).create());
    expect(message).toContain('The parameter enable_unsafe_noiommu_mode of the module vfio is "N", not "1", and the module is loaded.');
    expect(message).toContain('The parameter reset_required of the module vfio_platform is "Y", not "0", and the module is loaded.');
    expect(message).toContain("Unload vfio first, which is loaded without");
    expect(await bench.writes()).toEqual([]);
  });

  test("leaves it to the kernel where no list tells of reset functions, and undoes all of it when that refuses", async () => {
    const { board } = bench;
    await board.shell("cd /lib/modules/* && mv modules.alias kept.alias");
    try {
      const message = await refusalOf(bench.binding({ ...onPlatform, moduleParameters: withoutIommu }).create());
      expect(message).toContain("the kernel refused the write to bind (ENOENT).");
      expect(message).toContain('`moduleParameters: { reset_required: "0" }` goes without that, in kernels that allow it.');
      expect([await stateOf(board, generator), await vfioModules()]).toEqual([asFound, ""]);
    } finally {
      await board.shell("cd /lib/modules/* && mv kept.alias modules.alias");
    }
  });

  test("takes a PCI device in the mode without IOMMU too, by what an IOMMU gives it all the same", async () => {
    const binding = bench.binding({
      bus: "pci",
      device: "0000:00:01.0",
      driver: "vfio-pci",
      moduleParameters: { ...withoutIommu, disable_idle_d3: "Y" },
    });
    const group = await groupOf(bench.board, ["pci", "0000:00:01.0"]);
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", vfioPath: `/dev/vfio/${group}` });
    await binding.delete();
  });
});
