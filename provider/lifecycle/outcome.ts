import type { Outcome } from "../board/board";
import { DevbindError, StuckError, stuckError, undoneError } from "../errors";
import type { Wish } from "../plan/plan";
import type { Observation, Transaction } from "../transaction";
import { type Attempt, deviceAt, outputsFrom } from "./request";

/** The error that an outcome other than done is; a stuck one carries what the resources know now. */
export function failure(
  outcome: Outcome,
  tries: Attempt[],
  transaction: Transaction,
  observation: Observation,
  address: string,
): DevbindError {
  const index = Number(outcome.device ?? 0) || 0;
  const { binding, plan } = tries[index] ?? tries[0] ?? { binding: undefined, plan: undefined };
  const device = observation.devices[index];
  const words = {
    deed: tries[index]?.claim === "drop" ? ("give back" as const) : ("bind" as const),
    device: binding?.device ?? "the device",
    address,
    wish: plan ? driverWords(plan.wish) : "its driver",
    problem: outcome.problem,
    step: outcome.word,
    kernel: outcome.kernel,
    stateNow: device?.driver ? `is back with "${device.driver}"` : "is without a driver, as before",
  };
  if (outcome.is === "undone") return undoneError(words);
  if (outcome.is === "stuck") {
    const now = { ...words, stateNow: device?.driver ? `has "${device.driver}"` : "has no driver" };
    const outputs = tries.map((one, place) => outputsFrom(one.binding, observation, deviceAt(observation, place), one.past));
    return new StuckError(stuckError(now, outcome.holder, outcome.left), outputs);
  }
  return notWritten(outcome, words.device, address, transaction);
}

function notWritten(outcome: Outcome, device: string, address: string, transaction: Transaction): DevbindError {
  if (outcome.is === "busy")
    return new DevbindError("busy", {
      failed: `Another transaction on ${address} did not end within ${Math.floor(transaction.timeoutSeconds / 2)} seconds.`,
      now: "Nothing was written by this update.",
      todo: "Wait for it, then run `pulumi up` again.",
    });
  if (outcome.problem === "state")
    return new DevbindError("refused", {
      failed: `${address} has no room for the transaction's journal: its state folder is full, read-only or somebody else's.`,
      now: "Nothing was written.",
      todo: "Make room on the tmpfs under /run, then run `pulumi up` again.",
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
