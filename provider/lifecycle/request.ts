import { isDeepStrictEqual } from "node:util";
import { DevbindError, nothingSent } from "../errors";
import { moduleOf, parametersOf } from "../plan/modules";
import type { DevicePlan } from "../plan/plan";
import type { Binding, Device, Outputs } from "../schema";
import { outputsSchema, validate, wishFields } from "../schema";
import type { LookItem, Observation, SiblingKind, TransactionDevice } from "../transaction";

/** Inputs or state as the engine hands them over. */
export type Properties = Record<string, unknown>;

/** What the provider keeps beside the user's inputs; no part of the wish. */
const internal = [
  "__provider",
  "observed",
  "drift",
  "lastDrift",
  "boardId",
  "devices",
  "deviceNames",
  ...Object.keys(outputsSchema.shape).filter((key) => key !== "claimant"),
];

/** Only what the user (and the constructor) wrote: no observation, drift or output. */
export function wishesOf(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !internal.includes(key)));
}

/**
 * The binding that inputs or state stand for.
 * @throws DevbindError `invalid`, naming every property that is wrong
 */
export function bindingOf(properties: Properties): Binding {
  const { problems, binding } = validate(wishesOf(properties));
  if (binding) return binding;
  const found = problems.map(({ property, message }) => `${property} ${message}`);
  throw new DevbindError("invalid", {
    failed: `The inputs of this binding are wrong: ${found.join("; ") || "some are not known yet"}.`,
    now: nothingSent,
    todo: "Correct the program.",
  });
}

/** The outputs in a resource's state; undefined for a resource that has none yet. */
export const outputsOf = (properties: Properties): Outputs | undefined => outputsSchema.safeParse(properties).data;

/** What to look at for a binding; `known` is the device that was bound so far, where it may decide between several. */
export const lookItem = (binding: Binding, known?: string): LookItem => ({
  bus: binding.bus,
  device: binding.device,
  driver: binding.driver,
  module: moduleOf(binding),
  ...(known === undefined || typeof binding.device === "string" ? {} : { known }),
  ...(binding.strategy === "new-id" && binding.driver !== null && { asksId: true }),
  ...(binding.moduleParameters && { parameters: parametersOf(binding) }),
  ...(binding.persist && { asksKept: true }),
  ...((binding.wholeIommuGroup || binding.wholeSlot) && { takesAlong: alongOf(binding) }),
});

function alongOf({ wholeIommuGroup, wholeSlot }: Binding): SiblingKind[] {
  return [...(wholeIommuGroup ? (["group"] as const) : []), ...(wholeSlot ? (["slot"] as const) : [])];
}

/** What a transaction tells of those that are taken along: its plan holds only while they are the same. */
export function seenAlong(binding: Binding, { isPresent, siblings }: Device): TransactionDevice["along"] {
  const kinds = alongOf(binding);
  return isPresent && siblings && kinds.length > 0 ? { kinds, names: siblings.map(({ name }) => name) } : undefined;
}

/** Whether two values of the input `device` say the same, also where an id is written in capitals once. */
export function isSameChoice(one: unknown, other: unknown): boolean {
  const [first, second] = [one, other].map((device) => wishFields.device.safeParse(device).data ?? device);
  return isDeepStrictEqual(first, second);
}

/** The driver and override that a binding goes back to. */
export type Past = { driver: string | null; override: string | null };

/** What an attempt works on: a device as it was seen, and the plan, the claim and the past that follow. */
export interface Attempt {
  binding: Binding;
  device: Device;
  plan: DevicePlan;
  claim: "take" | "keep" | "drop";
  /** Whether another's claim on the device may be taken over. */
  mayTake: boolean;
  past: Past;
  /** Where the device was before it moved or went away: our claim on that place is dropped. */
  left?: string;
  /** Why a device that is given up is let go without a write, where somebody should know. */
  letGo?: string;
}

/** The device in its place of an observation, which has one for each that was asked for. */
export function deviceAt(observation: Pick<Observation, "devices">, index: number): Device {
  const device = observation.devices[index];
  if (!device) throw new Error("an observation has a device for each one that was asked for");
  return device;
}
