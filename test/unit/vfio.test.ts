import { describe, expect, it } from "vitest";
import { planDevice, wishOf } from "../../provider/plan/plan";
import { blockedWords, blockersOf } from "../../provider/plan/vfio";
import type { BindingInput, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice, bound } from "./made";

type Vfio = NonNullable<Device["vfio"]>;
const vfio = (changed: Partial<Vfio> = {}): Vfio => ({ hasIommu: false, noIommu: null, hasReset: null, needsReset: null, ...changed });

const refused = (wished: Partial<BindingInput>, seen: Partial<Device>) => {
  const [binding, device] = [aBinding(wished), aDevice({ iommuGroup: null, ...seen })];
  return planDevice(binding, wishOf(binding, device, false), aBoard(), device).refusals;
};
const noGroup = 'The device is behind no IOMMU (it has no IOMMU group), without which "vfio-pci" takes none.';
const option = '`moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" }` goes without it, and nothing protects the board then';
const asked = { moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" } };

describe("a device without IOMMU group is refused to vfio before the unbind, as what may still change,", () => {
  it.each<[string, Partial<Vfio>, string]>([
    ["with the option, where vfio is not loaded", {}, `Switch the IOMMU on; ${option}.`],
    [
      "with what stands before the option, where vfio is loaded",
      { noIommu: "N" },
      `Unload vfio first, which is loaded without: then ${option}.`,
    ],
    [
      "without the option, where the kernel does not know it",
      { noIommu: "absent" },
      "Switch the IOMMU on, or use a kernel with CONFIG_VFIO_NOIOMMU: this one never goes without.",
    ],
  ])("%s", (_, changed, todo) => {
    expect(refused({}, { vfio: vfio(changed) })).toEqual([{ property: "driver", isCertain: false, reason: noGroup, todo }]);
  });

  it("also where an IOMMU is there, but the device's probe gave it no group", () => {
    expect(refused({}, { vfio: vfio({ hasIommu: true }) })).toHaveLength(1);
  });

  it.each<[string, Partial<BindingInput>, Partial<Device>]>([
    ["one with a group", {}, { iommuGroup: "3", vfio: vfio() }],
    ["any device in no-IOMMU mode", {}, { vfio: vfio({ noIommu: "Y" }) }],
    ["any device where the mode is asked for, and vfio is yet to be loaded", asked, { vfio: vfio() }],
    ["one that never had a driver: its group comes with the probe", {}, { driver: null, vfio: vfio({ hasIommu: true }) }],
    ["one of a driver that makes do without", { driver: "vfio_mdev" }, { vfio: vfio() }],
    ["one of another driver", { driver: "uio_pci_generic" }, { vfio: vfio() }],
    ["one that has vfio-pci already", {}, { ...bound, vfio: vfio() }],
  ])("but not %s", (_, wished, seen) => expect(refused(wished, seen)).toEqual([]));

  it.each(["mlx5_vfio_pci", "nvgrace-gpu-vfio-pci", "vfio-platform", "vfio_amba", "vfio-fsl-mc"])("for %s too", (driver) => {
    expect(refused({ driver }, { vfio: vfio() })).toHaveLength(1);
  });
});

describe("a device of the device tree that can't be reset is refused to vfio-platform,", () => {
  const onPlatform = { bus: "platform", driver: "vfio-platform" };
  const seen = (changed: Partial<Vfio> = {}) => ({
    iommuGroup: "1",
    compatible: ["arm,pl031"],
    vfio: vfio({ hasReset: false, ...changed }),
  });
  const reason = '"vfio-platform" wants to reset the device, and the board has no reset function for "arm,pl031".';
  const goes = '`moduleParameters: { reset_required: "0" }` goes without, and the device is not reset between two users';

  it("with the option, where it is not loaded", () => {
    expect(refused(onPlatform, seen())).toEqual([{ property: "driver", isCertain: false, reason, todo: `Install its module; ${goes}.` }]);
  });

  it("with what stands before the option, where it is loaded", () => {
    const todo = `Unload vfio-platform first, which is loaded without the option: then ${goes}.`;
    expect(refused(onPlatform, seen({ needsReset: "Y" }))).toEqual([{ property: "driver", isCertain: false, reason, todo }]);
  });

  it.each<[string, Partial<BindingInput>, Partial<Device>]>([
    ["where it was loaded so", {}, seen({ needsReset: "N" })],
    ["where the option is asked for", { moduleParameters: { reset_required: "0" } }, seen()],
    ["where it is asked for by the module's name", { moduleParameters: { "vfio_platform.reset_required": "N" } }, seen()],
    ["where the board has a function", {}, seen({ hasReset: true })],
    ["where that is not known", {}, seen({ hasReset: null })],
  ])("but not %s", (_, wished, device) => expect(refused({ ...onPlatform, ...wished }, device)).toEqual([]));
});

describe("who is in the way of a group", () => {
  const members = [
    { name: "0000:00:02.0", driver: "e1000e" },
    { name: "0000:00:1c.0", driver: "pcieport" },
    { name: "0000:00:1f.0", driver: null },
    { name: "0000:00:1f.1", driver: "pci-stub" },
    { name: "0000:00:1f.2", driver: "mlx5_vfio_pci" },
    { name: "0000:00:1f.3", driver: "ahci" },
  ];

  it("is whoever has a driver that does DMA, and is not vfio's", () => {
    expect(blockersOf(members)).toEqual(["0000:00:02.0 (e1000e)", "0000:00:1f.3 (ahci)"]);
  });

  it("is told of a vfio driver's device, which counts itself out", () => {
    expect(blockedWords("vfio-pci", aDevice({ groupMembers: members }))).toBe(
      "The IOMMU group 3 of 0000:00:02.0 is not viable, so no VM can have it, while others of it have a driver outside vfio: " +
        "0000:00:1f.3 (ahci). Give each of them to vfio too, or to no driver: `wholeIommuGroup: true` takes all along.",
    );
  });

  it("is nobody for another driver, or where all others are free", () => {
    expect(blockedWords("e1000e", aDevice({ groupMembers: members }))).toBeUndefined();
    expect(blockedWords(null, aDevice({ groupMembers: members }))).toBeUndefined();
    expect(blockedWords("vfio-pci", aDevice({ groupMembers: members.slice(0, 5) }))).toBeUndefined();
  });
});
