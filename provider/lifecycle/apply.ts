import { setTimeout as sleep } from "node:timers/promises";
import { apply, askOutcome, confirm, giveUpConnection, type Outcome } from "../board/board";
import { DevbindError } from "../errors";
import type { Connection } from "../schema";
import type { Observation, Transaction } from "../transaction";

/** How many answers, a second apart, that know nothing of a transaction mean that it never arrived. */
const believedUnknowns = 4;
/** How long an answer may take before a change that waits to be confirmed is asked for over a new login: its link may be dead. */
const patienceMilliseconds = 3000;

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
  answer.catch(() => {}); // a change that waits to be confirmed may be left without hearing this answer
  const heard = await (transaction.confirmSeconds === null ? answer : Promise.race([answer, silence()]));
  if (heard !== undefined && !(heard instanceof DevbindError) && heard.outcome.is !== "unconfirmed") return heard;
  const outcome = await (heard instanceof DevbindError && transaction.confirmSeconds === null
    ? outcomeAfterLoss(connection, transaction, heard)
    : confirmedOutcome(connection, transaction));
  if (heard === undefined) await giveUpConnection(connection); // it may hang for as long as its keepalives allow
  const isFailure = outcome.is !== "done" && outcome.is !== "moved";
  return { outcome, observation: await (isFailure ? lookAfterwards().catch(() => undefined) : lookAfterwards()) };
}

const silence = () => sleep(patienceMilliseconds, undefined, { ref: false });

const isLost = (error: unknown): error is DevbindError => error instanceof DevbindError && ["unreachable", "protocol"].includes(error.kind);

/** The script may still be on its way when the board is asked, so "unknown" is believed only when it was heard again and again. */
function outcomeAfterLoss(connection: Connection, transaction: Transaction, lost: DevbindError): Promise<Outcome> {
  return ask(transaction.timeoutSeconds * 2, lost, () => askOutcome(connection, transaction));
}

/** Logs in anew until the change is confirmed, or the board has undone it by itself and can be asked. */
function confirmedOutcome(connection: Connection, transaction: Transaction): Promise<Outcome> {
  const login = { ...connection, perDialTimeout: Math.min(connection.perDialTimeout || 5, 5) };
  const seconds = (transaction.confirmSeconds ?? 0) + 2 * transaction.timeoutSeconds + 60;
  return ask(seconds, new Error("the board was never reached"), () => confirm(login, transaction));
}

/** Asks once a second for as long as given, also where a login is lost again; then throws what went wrong last. */
async function ask(seconds: number, lost: Error, once: () => Promise<Outcome>): Promise<Outcome> {
  const deadline = Date.now() + seconds * 1000;
  let unknowns = 0;
  let last = lost;
  while (unknowns < believedUnknowns) {
    try {
      const outcome = await once();
      if (!["running", "unconfirmed", "unknown"].includes(outcome.is)) return outcome;
      if (outcome.is === "unknown") unknowns += 1;
    } catch (error) {
      if (!isLost(error)) throw error;
      last = error;
    }
    if (Date.now() > deadline) break;
    await sleep(1000);
  }
  throw unknowns > 0 ? lost : last;
}
