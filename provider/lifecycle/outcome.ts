import type { Outcome } from "../board/board";
import { DevbindError, type StuckBinding, StuckError, stuckError, undoneError } from "../errors";
import { addsId, type Wish } from "../plan/plan";
import type { Board } from "../schema";
import type { Observation, Transaction } from "../transaction";
import type { Part, Try } from "./converge";
import { lostWords } from "./dependents";
import { outputsOfPart } from "./result";

/** What was tried, and how the board was seen after it: not at all where it gave its outcome but no look any more. */
export interface Tried {
  parts: readonly Part[];
  tries: readonly Try[];
  transaction: Transaction;
  board: Board;
  after: Observation | undefined;
  address: string;
  /** What lost its driver along with the devices, and did not come back. */
  lost: readonly string[];
}

/** The error that an outcome other than done is; a stuck one carries what each part knows now, or was seen as before. */
export function failure(outcome: Outcome, tried: Tried): DevbindError {
  const { tries, transaction, after, address, lost } = tried;
  const index = Number(outcome.device ?? 0) || 0;
  const { plan, device: before } = tries[index] ?? tries[0] ?? {};
  const device = after?.devices[index];
  const words = {
    deed: tries[index]?.claim === "drop" ? ("give back" as const) : ("bind" as const),
    device: before?.name ?? "the device",
    address,
    wish: plan ? driverWords(plan.wish) : "its driver",
    problem: outcome.problem,
    isOverridden: typeof plan?.wish.driver === "string" && (plan.wish.override === plan.wish.driver || addsId(plan)),
    step: outcome.word,
    kernel: outcome.kernel,
    log: outcome.log,
    wantsId: before?.hasOverride === false && before.wanted?.takesIds === "both",
    others: tries.length - 1,
    stateNow: !device ? "is back as it was" : device.driver ? `is back with "${device.driver}"` : "is without a driver, as before",
    lost: lost.length > 0 ? lostWords(lost) : "",
    after: outcome.after,
    confirmSeconds: transaction.confirmSeconds,
  };
  if (outcome.is === "undone") return undoneError(words);
  if (outcome.is === "stuck") {
    const stateNow = !device ? "could not be looked at any more" : device.driver ? `has "${device.driver}"` : "has no driver";
    const now = { ...words, stateNow };
    return new StuckError(stuckError(now, outcome.holder, outcome.left), bindingsNow(tried));
  }
  return notWritten(outcome, words.device, address, transaction);
}

function bindingsNow({ parts, tries, board, after }: Tried): StuckBinding[] {
  const now = tries.map((one, index) => ({ ...one, device: after?.devices[index] ?? one.device }));
  return parts.flatMap((part) => {
    const hasOwn = now.some((one) => one.part === part && !one.isSibling);
    const { entry, isLeaving } = part;
    return hasOwn ? [{ entry, isLeaving, outputs: outputsOfPart(part, after?.board ?? board, now) }] : [];
  });
}

/** The words of an outcome without a write. */
export function notWritten(outcome: Outcome, device: string, address: string, transaction: Transaction): DevbindError {
  if (outcome.is === "busy")
    return new DevbindError("busy", {
      failed: `Another transaction on ${address} did not end within ${Math.floor(transaction.timeoutSeconds / 2)} seconds.`,
      now: "Nothing was written by this update.",
      todo: "Wait for it, then run `pulumi up` again.",
    });
  if (outcome.problem === "killed")
    return new DevbindError("refused", {
      failed: `The script on ${address} was killed before it wrote anything to ${device}.`,
      now: "Nothing was written.",
      todo: "Find out what ends processes there (`dmesg` tells of an out-of-memory killer), then run `pulumi up` again.",
    });
  if (outcome.problem === "session")
    return new DevbindError("refused", {
      failed: `${address} ends all that a login has started when the login ends: its control group cannot be left.`,
      now: "Nothing was written: a cut link would cut the transaction.",
      todo: "Log in as root on the board itself, not in a container.",
    });
  if (outcome.problem === "state")
    return new DevbindError("refused", {
      failed: `${address} has no room for the transaction's journal: its state folder is full, read-only or somebody else's.`,
      now: "Nothing was written.",
      todo: "Make room on the tmpfs under /run, then run `pulumi up` again.",
    });
  if (outcome.problem === "persist")
    return new DevbindError("refused", {
      failed: `${address} cannot keep the binding of ${device} over a reboot: its /etc/devbind has no room, or can't be written.`,
      now: "Nothing was changed.",
      todo: "Make room in the file system of /etc, or leave `persist` out.",
    });
  if (outcome.is === "interrupted")
    return new DevbindError("stuck", {
      failed: `The transaction on ${device} at ${address} was interrupted on the board.`,
      now: "The device may be between two drivers; its journal is kept.",
      todo: "Run `pulumi up` again: it undoes the rest first.",
    });
  return new DevbindError("refused", {
    failed: `${address} refused the transaction on ${device} (${outcome.problem}).`,
    now: "Nothing was written.",
    todo: "An earlier transaction on it is stuck; end what holds the device, then run `pulumi up` again.",
  });
}

const driverWords = ({ driver }: Wish): string =>
  driver === undefined ? "whatever matches" : driver === null ? "no driver" : `"${driver}"`;
