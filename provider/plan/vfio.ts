import type { Binding, Device } from "../schema";
import type { Refusal } from "./guards";
import { wishedParameter } from "./modules";

/** What a VM needs of a device, and what stands in its way: the words of Documentation/driver-api/vfio.rst. */

const isVfio = (driver: string): boolean => /(^|[-_])vfio([-_]|$)/.test(driver);

/** vfio's drivers of devices on a bus; those of mediated devices, channels and adjunct processors make do without an IOMMU. */
const needsGroup = (driver: string): boolean => /(^|[-_])vfio[-_](pci|platform|amba|fsl[-_]mc|cdx)$/.test(driver);

/** vfio-amba, which uses the same code, goes without a reset where there is none. */
const isOnPlatform = (driver: string): boolean => /^vfio[-_]platform$/.test(driver);

/** Drivers that don't spoil an IOMMU group: vfio's own, and those that do no DMA. */
const isHarmless = (driver: string): boolean => isVfio(driver) || driver === "pcieport" || driver === "pci-stub";

/** The devices that keep a group from being viable, as "name (driver)". */
export const blockersOf = (members: Device["groupMembers"]): string[] =>
  members.flatMap(({ name, driver }) => (driver === null || isHarmless(driver) ? [] : [`${name} (${driver})`]));

/** Who is in the way of a device that is to be given to a VM, as a sentence; undefined where nobody is. `taken`: who goes with it. */
export function blockedWords(
  driver: string | null,
  { name, iommuGroup, groupMembers }: Device,
  taken: readonly string[] = [name],
): string | undefined {
  if (driver === null || !isVfio(driver)) return undefined;
  const blockers = blockersOf(groupMembers.filter((member) => !taken.includes(member.name)));
  if (blockers.length === 0) return undefined;
  return (
    `The IOMMU group ${iommuGroup} of ${name} is not viable, so no VM can have it, while others of it have a driver outside vfio: ` +
    `${blockers.join(", ")}. Give each of them to vfio too, or to no driver: \`wholeIommuGroup: true\` takes all along.`
  );
}

/** What vfio would refuse for certain, where that can be told before anything is unbound. */
export function vfioRefusals(binding: Binding, driver: string, device: Device): Refusal[] {
  return [groupRefusal(binding, driver, device), resetRefusal(binding, driver, device)].filter((refusal) => refusal !== undefined);
}

/** A device that never had a driver gets its group only in its first probe: what will be is not known then, unless there is no IOMMU. */
function groupRefusal(binding: Binding, driver: string, { iommuGroup, driver: current, vfio }: Device): Refusal | undefined {
  if (!needsGroup(driver) || iommuGroup !== null || vfio === undefined || vfio.noIommu === "Y") return undefined;
  if (current === null && vfio.hasIommu) return undefined;
  const wished = wishedParameter(binding, "vfio", "enable_unsafe_noiommu_mode");
  if (vfio.noIommu === null && isOn(wished)) return undefined;
  const option = '`moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" }` goes without it, and nothing protects the board then';
  const todo = {
    N: `Unload vfio first, which is loaded without: then ${option}.`,
    absent: "Switch the IOMMU on, or use a kernel with CONFIG_VFIO_NOIOMMU: this one never goes without.",
    unloaded: `Switch the IOMMU on; ${option}.`,
  };
  return {
    property: "driver",
    isCertain: false,
    reason: `The device is behind no IOMMU (it has no IOMMU group), without which "${driver}" takes none.`,
    todo: todo[vfio.noIommu ?? "unloaded"],
  };
}

function resetRefusal(binding: Binding, driver: string, { compatible, vfio }: Device): Refusal | undefined {
  if (!isOnPlatform(driver) || vfio?.hasReset !== false || vfio.needsReset === "N") return undefined;
  const own = wishedParameter(binding, driver.replaceAll("-", "_"), "reset_required");
  if (vfio.needsReset === null && own !== undefined && !isOn(own)) return undefined;
  const option = '`moduleParameters: { reset_required: "0" }` goes without, and the device is not reset between two users';
  return {
    property: "driver",
    isCertain: false,
    reason: `"${driver}" wants to reset the device, and the board has no reset function for "${compatible[0] ?? ""}".`,
    todo:
      vfio.needsReset === null
        ? `Install its module; ${option}.`
        : `Unload ${driver} first, which is loaded without the option: then ${option}.`,
  };
}

const isOn = (value: string | undefined): boolean => value !== undefined && /^([1yt]|on)/i.test(value);
