import { z } from "zod";
import { selectorKeys } from "../selector";
import { orNull } from "./words";

/** A board as a look finds it. */
export const boardSchema = z.object({
  boardId: z.string(),
  bootId: z.string(),
  hostName: z.string(),
  kernel: z.string(),
  isRoot: z.boolean(),
  isSysfsWritable: z.boolean(),
  stateFolder: orNull(z.string()),
  condition: z.enum(["quiet", "busy"]),
  /** Whether a binding can be kept over a reboot, where that was asked. */
  keeping: z
    .object({
      /** Why not: no systemd; /etc is read-only, in memory, or an overlay of which that is not known. */
      obstacle: z.enum(["systemd", "readonly", "memory", "unknown"]).nullable(),
      /** What brings bindings back at boot: there and ours, missing or changed, or something of that name that is not ours. */
      unit: z.enum(["right", "wrong", "foreign"]),
    })
    .nullish(),
});
export type Board = z.infer<typeof boardSchema>;

const claimSchema = z.object({
  claimant: z.string(),
  driver: orNull(z.string()),
  override: orNull(z.string()),
  /** The network interface by which the device was chosen, where it was chosen so. */
  networkInterface: z.string().nullish(),
  /** The drivers to which an id was added for this device. */
  idDrivers: z.array(z.string()).optional(),
});

/** A file that keeps a binding over reboots: broken; whole; or right, as the board would write it today. */
const keptSchema = z.object({
  is: z.enum(["broken", "whole", "right"]),
  claimant: orNull(z.string()),
  driver: orNull(z.string()),
  /** Undefined where the bus has no overrides. */
  override: z.string().nullish(),
});

const boundSchema = z.object({ name: z.string(), driver: orNull(z.string()) });

const wantedSchema = z.object({
  isRegistered: z.boolean(),
  canBind: z.boolean(),
  isLoadable: orNull(z.boolean()),
  /** Why no module can be loaded at all: the kernel has none, takes none any more until it is booted, or none is installed for it. */
  lack: z.enum(["kernel", "disabled", "release"]).nullish(),
  /** Whether it takes new ids, and lets go of them again. */
  takesIds: z.enum(["no", "add", "both"]).nullish(),
  /** Whether an id that its module lists matches the device; null where that is not known or does not matter. */
  isMatch: z.boolean().nullish(),
});

/**
 * How a module parameter is: `wrong`, or `fixed` in a module that is the kernel's own; `hidden` where the module shows no such
 * parameter; `unloaded`, and `none` where the module that would be loaded has no such parameter.
 */
const parameterSchema = z.object({
  module: orNull(z.string()),
  name: z.string(),
  is: z.enum(["right", "wrong", "fixed", "hidden", "unloaded", "none"]),
  value: orNull(z.string()),
});

/** What vfio asks of board and device; null where it is not loaded, or not known. */
const vfioSchema = z.object({
  hasIommu: z.boolean(),
  /** Whether it goes without an IOMMU; "absent" where the kernel knows no such mode. */
  noIommu: z.enum(["Y", "N", "absent"]).nullable(),
  /** Whether the board has a reset function for the device. */
  hasReset: z.boolean().nullable(),
  /** Whether the driver wants one. */
  needsReset: z.enum(["Y", "N"]).nullable(),
});

/**
 * A device as a look finds it. Where `isPresent` is false only `isBusPresent`, `similarNames` and `matches` mean anything; for a
 * selector that does not mean exactly one, `name` then says it in words.
 */
const loneDeviceSchema = z.object({
  bus: z.string(),
  name: z.string(),
  isBusPresent: z.boolean(),
  isPresent: z.boolean(),
  /** The names that there are, or what a selector could have said. */
  similarNames: z.array(z.string()).default([]),
  /** The devices that a selector means, where these are several. */
  matches: z.array(boundSchema).default([]),
  /** What it was chosen by, where that was not its name. */
  selector: z.object({ key: z.enum(selectorKeys), value: z.string() }).nullish(),
  driver: orNull(z.string()),
  canUnbind: z.boolean().default(false),
  override: orNull(z.string()),
  hasOverride: z.boolean().default(false),
  journal: z.enum(["none", "interrupted", "running", "stuck"]).default("none"),
  modalias: orNull(z.string()),
  compatible: z.array(z.string()).default([]),
  sysfsPath: orNull(z.string()),
  iommuGroup: orNull(z.string()),
  groupMembers: z.array(boundSchema).default([]),
  /** The bound devices below it and those that it supplies: they lose their drivers with it. */
  dependents: z.array(boundSchema).default([]),
  /** The processes that have one of its files in /dev open, as "name/pid". */
  holders: z.array(z.string()).default([]),
  vfioPath: orNull(z.string()),
  wanted: orNull(wantedSchema),
  /** What new_id would be given for it (null: its files don't tell), and who else has this id; only where it was asked for. */
  newId: z.object({ id: orNull(z.string()), others: z.array(boundSchema) }).optional(),
  /** The module parameters that were asked for. */
  parameters: z.array(parameterSchema).optional(),
  vfio: vfioSchema.optional(),
  guard: orNull(z.string()),
  claim: orNull(claimSchema),
  /** What brings the device to a driver at the next boot, where something does. */
  kept: keptSchema.nullish(),
  /** The files of others that give it a driver too, where that was asked. */
  coOwners: z.array(z.string()).optional(),
});
export const deviceSchema = loneDeviceSchema.extend({
  /** Those that are taken along with it, where that was asked: of its IOMMU group, of its slot. */
  siblings: z.array(loneDeviceSchema).optional(),
});
export type Device = z.infer<typeof deviceSchema>;

/** What the program's look gives to the provider's check: an observation, or why there is none. */
export const observedSchema = z.object({
  lookedAt: z.string(),
  board: boardSchema.optional(),
  device: deviceSchema.optional(),
  /** Why the board gave no answer; `isCertain` where no waiting helps: an unknown host key, wrong credentials. */
  unreachable: z.string().optional(),
  isCertain: z.boolean().optional(),
  /** The program has refused these inputs already, on the resource. */
  invalid: z.boolean().optional(),
});
export type Observed = z.infer<typeof observedSchema>;

/** What a look of a whole board's bindings gives, each device under its entry's name. */
export const boardObservedSchema = observedSchema.omit({ device: true }).extend({ devices: z.record(z.string(), deviceSchema).optional() });
export type BoardObserved = z.infer<typeof boardObservedSchema>;

/** A device that was taken along with the one that a binding names. */
const siblingSchema = z.object({
  bus: z.string(),
  deviceName: z.string(),
  currentDriver: orNull(z.string()),
  previousDriver: orNull(z.string()),
  previousOverride: orNull(z.string()),
});
export type Sibling = z.infer<typeof siblingSchema>;

/** What the resource knows after an operation, beside its inputs. */
export const outputsSchema = z.object({
  currentDriver: orNull(z.string()),
  previousDriver: orNull(z.string()),
  previousOverride: orNull(z.string()),
  driverOverride: orNull(z.string()),
  deviceName: z.string(),
  modalias: orNull(z.string()),
  iommuGroup: orNull(z.string()),
  groupViable: z.boolean().default(false),
  groupBlockers: z.array(z.string()).default([]),
  vfioPath: orNull(z.string()),
  sysfsPath: orNull(z.string()),
  boardId: z.string(),
  bootId: z.string(),
  claimant: z.string(),
  siblings: z.array(siblingSchema).default([]),
  /** Why the board was left out at the last update (`whenUnreachable: "skip"`); null where it was not. */
  skipped: orNull(z.string()),
});
export type Outputs = z.infer<typeof outputsSchema>;
