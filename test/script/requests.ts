import { encode } from "../../provider/board/protocol";
import type { Device } from "./kernel";

/** What chooses a device in place of its name: its key and value, and the device that was known so far. */
export type Selector = [key: string, value: string, known?: string];

/** A device to look at; the driver and module that are wished for it, if any. */
export interface LookWish {
  bus: string;
  /** Null where a selector chooses it. */
  name: string | null;
  selector?: Selector;
  driver?: string;
  module?: string;
  /** Which others are looked at with it. */
  along?: ("group" | "slot")[];
}

/** What is wished for one device: undefined leaves it as it is. */
export interface Wish {
  device: Device;
  driver?: string | null;
  override?: string | null;
  /** What it was seen as, where the plan is older than the model. */
  seen?: { driver: string | null; override?: string | null };
  /** What chose it, and must still mean it. */
  selector?: Selector;
  claim?: "take" | "keep" | "drop";
  past?: { driver: string | null; override?: string | null };
  /** Whether the plan saw no such device. */
  isGone?: boolean;
}

export interface Step {
  device: number;
  word: "module" | "override" | "new-id" | "remove-id" | "unbind" | "bind" | "probe";
  value: string | null;
}

export interface Transaction {
  wishes: Wish[];
  id?: string;
  claimant?: string;
  timeoutSeconds?: number;
  force?: boolean;
  /** How long it waits for a login that confirms it. */
  confirmSeconds?: number;
  /** The command that runs after it and after its undo. */
  afterRebind?: string[];
  /** Devices of which our claims are dropped; `of`: the device that has left there, which takes along what the claim tells. */
  left?: { bus: string; name: string; of?: number }[];
  /** Items of other kinds, as they travel. */
  extras?: string[][];
  /** The writes; by default those that lead from what was seen to the wish. */
  steps?: Step[];
}

export function lookItems(wishes: LookWish[]): string[][] {
  const devices = wishes.flatMap(({ bus, name, selector, driver, module }) => [
    ...selectorItem(selector),
    ["device", encode(bus), encode(name), encode(driver ?? null), encode(module ?? null)],
  ]);
  return [...devices, ...wishes.flatMap(({ along = [] }, index) => along.map((kind) => ["siblings", String(index), kind]))];
}

const selectorItem = (selector?: Selector): string[][] => {
  if (!selector) return [];
  const [key, ...values] = selector;
  return [["selector", key, ...values.map((value) => encode(value ?? null))]];
};

/** The default claimant of a test's transaction. */
export const claimant = "organization/lab/dev/board";

/** The items of an apply (or, without devices, of an outcome). */
export function applyItems(transaction: Transaction & { id: string }): string[][] {
  const { wishes, id, timeoutSeconds = 20, force = false } = transaction;
  const { confirmSeconds, afterRebind } = transaction;
  const head = ["transaction", id, encode(transaction.claimant ?? claimant), String(timeoutSeconds), force ? "yes" : "no"];
  if (confirmSeconds !== undefined) head.push(String(confirmSeconds));
  const after = afterRebind ? [["after", ...afterRebind.map(encode)]] : [];
  const steps = transaction.steps ?? stepsFor(wishes);
  const devices = wishes.flatMap((wish) => [...selectorItem(wish.selector), deviceItem(wish)]);
  const left = (transaction.left ?? []).map(({ bus, name, of }) => [
    "left",
    ...[bus, name].map(encode),
    ...(of === undefined ? [] : [String(of)]),
  ]);
  const extras = transaction.extras ?? [];
  return [
    head,
    ...after,
    ...devices,
    ...left,
    ...extras,
    ...steps.map((step) => ["step", String(step.device), step.word, encode(step.value)]),
  ];
}

function deviceItem({ device, driver, override, seen = device, claim = "keep", past = seen, isGone }: Wish): string[] {
  const overrideWord = (value: string | null | undefined) =>
    device.override === undefined ? "-unsupported" : value === undefined ? "-any" : encode(value);
  return [
    "device",
    encode(device.bus),
    encode(device.name),
    driver === undefined ? "-" : encode(driver),
    "-",
    isGone ? "-gone" : encode(seen.driver),
    overrideWord(seen.override),
    driver === undefined ? "-any" : encode(driver),
    overrideWord(override),
    claim,
    encode(past.driver),
    encode(past.override ?? null),
  ];
}

/** The order of DESIGN: overrides, then everything unbound that must be, then bound. */
export function stepsFor(wishes: Wish[]): Step[] {
  const overrides: Step[] = [];
  const unbinds: Step[] = [];
  const binds: Step[] = [];
  for (const [index, { device, driver, override, seen = device }] of wishes.entries()) {
    if (device.override !== undefined && override !== undefined && override !== seen.override)
      overrides.push({ device: index, word: "override", value: override });
    if (driver === undefined || driver === seen.driver) continue;
    if (seen.driver !== null) unbinds.push({ device: index, word: "unbind", value: seen.driver });
    if (driver !== null) binds.push({ device: index, word: "bind", value: driver });
  }
  return [...overrides, ...unbinds, ...binds];
}
