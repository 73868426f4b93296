import { z } from "zod";
import { boardSchema, connectionSchema, kernelName } from "./schema";
import { selectorFields } from "./selector";
import { wildcardMatches } from "./wildcard";

/** A whole board as data, and which of its devices are asked for. A leaf. */

const place = { bus: z.string(), device: z.string() };
const placeSchema = z.object(place);
/** A device by where it is. */
export type Place = z.infer<typeof placeSchema>;

/** One device as a board lists it; null for what it does not have. */
const listedDeviceSchema = z.object({
  bus: z.string(),
  name: z.string(),
  driver: z.string().nullable(),
  /** Whether its bus has overrides at all. */
  hasOverride: z.boolean(),
  /** Null also for a device that the kernel holds, of which it is not read. */
  override: z.string().nullable(),
  modalias: z.string().nullable(),
  compatible: z.array(z.string()),
  deviceTreePath: z.string().nullable(),
  /** Vendor, device and those of the subsystem: "8086:10d3:1af4:1100". */
  pciId: z.string().nullable(),
  /** Vendor and product of a USB device; its interfaces have none. */
  usbId: z.string().nullable(),
  iommuGroup: z.string().nullable(),
  /** The network interfaces of which it is the nearest device of its bus. */
  networkInterfaces: z.array(z.string()),
  /** Why it must not be taken away. */
  guard: z.string().nullable(),
  claimant: z.string().nullable(),
  sysfsPath: z.string(),
  /** Whether a file keeps its binding over a reboot. */
  isKept: z.boolean(),
});
export type ListedDevice = z.infer<typeof listedDeviceSchema>;

/** A claim on a device, which may be gone. */
const listedClaimSchema = z.object({
  ...place,
  /** Whether it is claimed now; false where only a file tells of it that keeps it over a reboot. */
  isClaimed: z.boolean(),
  claimant: z.string(),
  previousDriver: z.string().nullable(),
  previousOverride: z.string().nullable(),
  transaction: z.string().nullable(),
  isPresent: z.boolean(),
  isKept: z.boolean(),
});
export type ListedClaim = z.infer<typeof listedClaimSchema>;

/** A transaction that is neither done nor undone: its writer is gone, at it, or held by the kernel. */
const listedJournalSchema = z.object({
  transaction: z.string(),
  claimant: z.string(),
  is: z.enum(["interrupted", "running", "stuck"]),
  devices: z.array(placeSchema),
});
export type ListedJournal = z.infer<typeof listedJournalSchema>;

export const inventorySchema = z.object({
  board: boardSchema,
  devices: z.array(listedDeviceSchema),
  claims: z.array(listedClaimSchema),
  journals: z.array(listedJournalSchema),
});
export type Inventory = z.infer<typeof inventorySchema>;

/** Which devices of which board a program asks for: those of which all that is given holds. */
export const deviceFilterSchema = z.strictObject({
  connection: connectionSchema,
  bus: kernelName.optional(),
  /** The driver that has it now; null for none. */
  driver: kernelName.nullish(),
  modalias: selectorFields.modalias,
  compatible: selectorFields.compatible,
  pciId: selectorFields.pciId,
  usbId: selectorFields.usbId,
  networkInterface: selectorFields.networkInterface,
  /** True leaves out what carries the SSH session, a mounted disk, the console and the like; false asks for these only. */
  unguarded: z.boolean({ error: "must be true or false" }).optional(),
});
export type DeviceFilter = Omit<z.output<typeof deviceFilterSchema>, "connection">;
export type DeviceFilterInput = z.input<typeof deviceFilterSchema>;

/** Whether all that a filter names holds of the device. A selector of the same words means the same devices. */
export function isWanted(device: ListedDevice, filter: DeviceFilter): boolean {
  const { bus, driver, modalias, compatible, pciId, usbId, networkInterface, unguarded } = filter;
  return [
    bus === undefined || device.bus === bus,
    driver === undefined || device.driver === driver,
    modalias === undefined || (device.modalias !== null && wildcardMatches(modalias, device.modalias)),
    compatible === undefined || device.compatible.includes(compatible),
    pciId === undefined || device.pciId === pciId || device.pciId?.startsWith(`${pciId}:`) === true,
    usbId === undefined || device.usbId === usbId,
    networkInterface === undefined || device.networkInterfaces.includes(networkInterface),
    unguarded === undefined || unguarded === (device.guard === null),
  ].every(Boolean);
}
