import { isDeepStrictEqual } from "node:util";
import { look, newTransactionId } from "../board/board";
import { DevbindError, plain } from "../errors";
import { unexpected } from "../plan/expect";
import { claimantOf } from "../plan/guards";
import { noSteps, planDevice, type Wish } from "../plan/plan";
import { choiceDifference } from "../plan/select";
import { siblingBinding } from "../plan/together";
import type { Binding, Board, Device, Outputs, Sibling } from "../schema";
import { addressOf } from "../ssh/connection";
import { applyOnce } from "./apply";
import { converge, type Part, type Try } from "./converge";
import { notWritten } from "./outcome";
import type { Attempt } from "./request";

/** A binding to be given up, and what the resource knew of it. */
export interface Leaving {
  binding: Binding;
  last: Outputs | undefined;
  /** What the program called it, where one resource has many. */
  entry?: string;
}

/**
 * Gives devices of one board back as `onDelete` says, and releases their claims. Run twice: fine. A device that is gone, that was
 * given back already or forgotten by a reboot, that somebody else has claimed since, or that sits on another board behind the old
 * address is let go without a write; so are one that is not what `expect` says and, unless our claim covers it, one that a selector
 * finds and the state doesn't know: that is said.
 * @throws DevbindError `unreachable` for a board that is off, unless every binding says `deleteUnreachable`
 */
export async function remove(leaving: Leaving[]): Promise<void> {
  const all = leaving.flatMap((one) => [one, ...(one.last?.siblings ?? []).map((sibling) => asLeaving(one.binding, one.last, sibling))]);
  try {
    const { board, tries } = await converge(all.map(leavingPart));
    sayLetGo(tries);
    await forget(all, board, tries);
  } catch (error) {
    const isLetGo = all.every(({ binding }) => binding.deleteUnreachable);
    if (error instanceof DevbindError && error.kind === "unreachable" && isLetGo) return;
    throw error;
  }
}

/** A device that was taken along, as if it had been bound by itself. */
export function asLeaving(binding: Binding, last: Outputs | undefined, sibling: Sibling): Leaving {
  const { bus, deviceName, previousDriver, previousOverride } = sibling;
  const own = last && { ...last, deviceName, previousDriver, previousOverride, siblings: [] };
  return { binding: siblingBinding(binding, bus, deviceName), last: own };
}

/** How a binding is given up: its device is wished back as it was. */
export function leavingPart(one: Leaving): Part {
  const back = asBefore(one.binding, one.last);
  return {
    binding: back,
    known: one.last?.deviceName,
    entry: one.entry,
    isLeaving: true,
    plan: (board, device) => [attemptFor(back, one, board, device)],
  };
}

/** Says which devices were let go without a write, and why, where somebody should know. */
export function sayLetGo(tries: readonly Try[]): void {
  for (const { binding, letGo } of tries)
    if (letGo !== undefined) console.warn(plain(`${claimantOf(binding)}: let go without a write: ${letGo}.`));
}

/** Takes away what the board keeps over a reboot for devices that are not there now: else they would be bound when they come back. */
export async function forget(leaving: Leaving[], { boardId }: Board, tries: readonly Try[]): Promise<void> {
  const isGone = ({ binding, last }: Leaving) =>
    last?.boardId === boardId && tries.some(({ part, device }) => part.isLeaving && !device.isPresent && isFor(part.binding, binding));
  const kept = leaving.filter((one) => one.binding.persist && isGone(one));
  const first = kept[0];
  if (!first) return;
  const { connection, timeoutSeconds } = first.binding;
  const left = kept.flatMap(({ binding: { bus }, last }) => (last === undefined ? [] : [{ bus, device: last.deviceName }]));
  const nothing = { force: false, confirmSeconds: null, afterRebind: [], devices: [], steps: [] };
  const transaction = { id: newTransactionId(), claimant: claimantOf(first.binding), timeoutSeconds, ...nothing, left };
  const { outcome } = await applyOnce(connection, transaction, () => look(connection, []));
  if (outcome.is !== "done") throw notWritten(outcome, left.map(({ device }) => device).join(", "), addressOf(connection), transaction);
}

const isFor = (one: Binding, other: Binding): boolean => one.bus === other.bus && isDeepStrictEqual(one.device, other.device);

/** On restore the driver that is wished is the previous one, and so is the module that may have to be loaded. No parameters are asked for. */
function asBefore(binding: Binding, last: Outputs | undefined): Binding {
  const alone = { persist: false, wholeIommuGroup: false, wholeSlot: false };
  const plainly: Binding = { ...binding, ...alone, strategy: "bind", moduleParameters: undefined };
  return binding.onDelete === "restore" ? { ...plainly, driver: last?.previousDriver ?? null, module: undefined } : plainly;
}

function attemptFor(binding: Binding, { binding: { driver: wished }, last }: Leaving, board: Board, device: Device): Attempt {
  const past = { driver: last?.previousDriver ?? null, override: last?.previousOverride ?? null };
  const isOtherBoard = last !== undefined && last.boardId !== board.boardId;
  const owner = device.claim?.claimant ?? device.kept?.claimant ?? claimantOf(binding);
  const isOthers = owner !== claimantOf(binding);
  // Without a claim it was given back already, or a reboot forgot it; only what still looks as it was asked for is still ours.
  const isGivenBack = device.claim === null && device.driver !== wished;
  if (isOtherBoard) return letGoOf(binding, device, past);
  const isOurs = !isOthers && device.claim !== null;
  const isKept = device.kept?.claimant === claimantOf(binding);
  const letGo = (more: Partial<Attempt> = {}) => letGoOf(binding, device, past, { ...(isKept && { mayTake: true }), ...more }, isKept);
  if (!device.isPresent) return letGo({ letGo: choiceDifference(binding.device, device), ...(isOurs && { left: placeOf(binding, last) }) });
  if (isOthers) return letGo();
  if (!isOurs && last !== undefined && device.name !== last.deviceName) return letGo(otherDevice(last, device));
  const differences = unexpected(binding.expect, device);
  if (differences.length > 0) return letGo({ letGo: `its ${differences.join("; its ")}`, ...(isOurs && { left: device.name }) });
  if (isGivenBack) return letGo();
  const plan = planDevice(binding, wishFor(binding, past, device), board, device);
  return { binding, device, plan, claim: device.claim === null ? "keep" : "drop", mayTake: binding.force, past };
}

/** Where the device was that is gone: our claim on that place is dropped. */
const placeOf = ({ device }: Binding, last: Outputs | undefined): string | undefined =>
  typeof device === "string" ? device : last?.deviceName;

function wishFor(binding: Binding, past: Attempt["past"], device: Device): Wish {
  const override = (value: string | null | undefined) => (device.hasOverride ? value : undefined);
  switch (binding.onDelete) {
    case "restore":
      return { driver: past.driver, override: override(past.override), isRebind: false };
    case "unbind":
      return { driver: null, override: override(null), isRebind: false };
    case "probe":
      return { driver: undefined, override: override(null), isRebind: false };
    case "keep":
      return { driver: undefined, override: undefined, isRebind: false };
  }
}

/** A selector finds a device that was never bound, while the one that was has gone from its place, or is no longer what was meant. */
const otherDevice = (last: Outputs, { name }: Device): Partial<Attempt> => ({
  left: last.deviceName,
  letGo: `its selector means ${name} now, and what was bound is ${last.deviceName}`,
});

/** Nothing is written to the device; what is kept for it over a reboot goes all the same. */
function letGoOf(binding: Binding, device: Device, past: Attempt["past"], more: Partial<Attempt> = {}, isKept = false): Attempt {
  const wish = { driver: undefined, override: undefined, isRebind: false };
  return {
    binding,
    device,
    plan: { differences: [], refusals: [], ...noSteps(), wish, keep: isKept ? "drop" : undefined },
    claim: "keep",
    mayTake: false,
    past,
    ...more,
  };
}
