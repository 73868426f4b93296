import { setTimeout as sleep } from "node:timers/promises";
import { apply, askOutcome, confirm, giveUpConnection, type Outcome } from "../board/board";
import { DevbindError } from "../errors";
import type { Connection } from "../schema";
import { addressOf } from "../ssh/connection";
import type { Observation, Transaction } from "../transaction";

/** How many answers, a second apart, that know nothing of a transaction mean that it never arrived. */
const believedUnknowns = 4;

/** What became of a transaction. Undefined: the board told its outcome, but gave no look any more. */
interface Ended {
  outcome: Outcome;
  observation: Observation | undefined;
}

/**
 * Sends the transaction once. Where the answer is lost, the outcome is asked for over a new login; nothing is sent twice.
 * @throws what the connection says, where the outcome cannot be learned, or where it is done and the board cannot be looked at
 */
export async function applyOnce(
  connection: Connection,
  transaction: Transaction,
  lookAfterwards: () => Promise<Observation>,
): Promise<Ended> {
  const answer = apply(connection, transaction).catch((error: unknown) => {
    if (isLost(error)) return error;
    throw error;
  });
  const heard = await (transaction.confirmSeconds === null ? answer : heardInTime(answer, transaction.confirmSeconds));
  if (heard !== undefined && "outcome" in heard && heard.outcome.is !== "unconfirmed") return heard;
  const outcome = await (transaction.confirmSeconds === null
    ? outcomeAfterLoss(connection, transaction, heard)
    : confirmedOutcome(connection, transaction, transaction.confirmSeconds, answer));
  const isFailure = outcome.is !== "done" && outcome.is !== "moved";
  return { outcome, observation: await (isFailure ? lookAfterwards().catch(() => undefined) : lookAfterwards()) };
}

const isLost = (error: unknown): error is DevbindError => error instanceof DevbindError && ["unreachable", "protocol"].includes(error.kind);

/** The answer, or undefined after a third of the time to confirm (10 s at most): the change may have cut the link that it comes over. */
const heardInTime = <T>(answer: Promise<T>, confirmSeconds: number): Promise<T | undefined> =>
  Promise.race([answer, sleep(Math.min(10_000, (confirmSeconds * 1000) / 3), undefined, { ref: false })]);

/** The script may still be on its way when the board is asked, so "unknown" is believed only when it was heard again and again. */
function outcomeAfterLoss(connection: Connection, transaction: Transaction, lost: unknown): Promise<Outcome> {
  return ask(transaction.timeoutSeconds * 2, lost, () => askOutcome(connection, transaction));
}

/** Logs in anew until the change is confirmed, or the board has undone it by itself and can be asked. */
async function confirmedOutcome(
  connection: Connection,
  transaction: Transaction,
  confirmSeconds: number,
  answer: Promise<unknown>,
): Promise<Outcome> {
  let isAnswered = false;
  const settle = () => {
    isAnswered = true;
  };
  answer.then(settle, settle);
  const login = { ...connection, perDialTimeout: Math.min(connection.perDialTimeout || 15, Math.max(5, confirmSeconds / 2)) };
  const seconds = confirmSeconds + 2 * transaction.timeoutSeconds + 60;
  try {
    return await ask(
      seconds,
      neverConfirmed(connection),
      () => confirm(login, transaction),
      () => isAnswered,
    );
  } finally {
    if (!isAnswered) await giveUpConnection(connection); // it may hang for as long as its keepalives allow
  }
}

/** Asks once a second for as long as given, also where a login is lost again; then throws what went wrong last. */
async function ask(seconds: number, lost: unknown, once: () => Promise<Outcome>, hasArrived = () => true): Promise<Outcome> {
  const deadline = Date.now() + seconds * 1000;
  let unknowns = 0;
  let last = lost;
  while (unknowns < believedUnknowns) {
    try {
      const outcome = await once();
      if (!["running", "unconfirmed", "unknown"].includes(outcome.is)) return outcome;
      if (outcome.is === "unknown" && hasArrived()) unknowns += 1;
    } catch (error) {
      if (!isLost(error)) throw error;
      last = error;
    }
    if (Date.now() > deadline) break;
    await sleep(1000);
  }
  throw unknowns > 0 ? lost : last;
}

const neverConfirmed = (connection: Connection): DevbindError =>
  new DevbindError("unreachable", {
    failed: `${addressOf(connection)} knows nothing of the change that was sent to it and waited to be confirmed.`,
    now: "If the board got it all the same, it undoes it by itself after confirmSeconds.",
    todo: "Run `pulumi up` again.",
  });
