import { randomBytes } from "node:crypto";
import { z } from "zod";
import { DevbindError } from "../errors";
import type { Connection } from "../schema";
import { addressOf, type BoardConnection, connect } from "../ssh/connection";
import { giveUpConnection, withConnection } from "../ssh/pool";
import type { LookItem, Observation, Transaction } from "../transaction";
import { askKeptItems, keepItems } from "./keeping";
import { observation } from "./observation";
import {
  type AnswerLine,
  cutAnswer,
  encode,
  isComplete,
  list,
  type Operation,
  parseAnswer,
  quote,
  readLine,
  requestLine,
  text,
} from "./protocol";
import { boardScript } from "./script";
import { leftItems, lookItems, selectorItems } from "./selector-items";
import { askSiblingItems, siblingItems, siblingLines } from "./siblings";

const outcomeSchema = z.object({
  is: z.enum(["done", "undone", "stuck", "moved", "busy", "refused", "running", "unconfirmed", "interrupted", "unknown"]),
  problem: text.default("-"),
  word: text.optional(),
  device: z.string().optional(),
  kernel: quote.default(null),
  path: quote.default(null),
  holder: list.default([]),
  left: quote.default(null),
  undoing: quote.default(null),
  after: quote.default(null),
  log: quote.optional(),
});
/** What became of a transaction, in the board's words. */
export type Outcome = z.output<typeof outcomeSchema>;

/** Ends the board's shared connection, on which something hangs: the next who asks logs in anew. */
export { giveUpConnection };

/** A new transaction's id: the board keeps its outcome under it. */
export const newTransactionId = () => randomBytes(12).toString("hex");

/** Looks at devices of one board: one login (shared) and one exec; writes nothing. `dials` limits how often a dead board is tried. */
export async function look(
  connection: Connection,
  items: LookItem[],
  options: { dials?: number; timeoutSeconds?: number } = {},
): Promise<Observation> {
  const ids = items.flatMap(({ asksId }, index) => (asksId ? [["id", String(index)]] : []));
  const request = [...lookItems(items), ...ids, ...parameterItems(items), ...askKeptItems(items), ...askSiblingItems(items)];
  const lines = await ask(connection, "look", request, { timeoutSeconds: options.timeoutSeconds ?? 30, dials: options.dials });
  return observation(connection, items, lines);
}

/** Runs a transaction, once; the board holds it to its three outcomes. */
export async function apply(connection: Connection, transaction: Transaction): Promise<{ outcome: Outcome; observation: Observation }> {
  const lines = await ask(connection, "apply", applyItems(transaction), { timeoutSeconds: transaction.timeoutSeconds * 2 });
  return { outcome: outcomeOf(lines, connection, transaction), observation: observation(connection, transaction.devices, lines) };
}

/** What became of a transaction whose answer was lost; asked over a new login. */
export async function askOutcome(connection: Connection, transaction: Transaction): Promise<Outcome> {
  const head = applyItems({ ...transaction, afterRebind: [], devices: [], left: [], steps: [] });
  return outcomeOf(await ask(connection, "outcome", head, { timeoutSeconds: 30 }), connection, transaction);
}

/** @throws DevbindError "protocol" when the board tells of another transaction */
function outcomeOf(lines: AnswerLine[], connection: Connection, { id }: Transaction): Outcome {
  const line = lines.find(({ word }) => word === "outcome");
  return readLine(line, outcomeSchema.extend({ of: z.literal(id) }), addressOf(connection));
}

/**
 * Says over a login of its own that the board can still be reached, which makes a change last that waits for that; and what became
 * of the transaction. One dial.
 */
export async function confirm(connection: Connection, transaction: Transaction): Promise<Outcome> {
  const board = await connect(connection, { dials: 1 });
  try {
    const head = applyItems({ ...transaction, afterRebind: [], devices: [], left: [], steps: [] });
    return outcomeOf(await askOver(board, connection, "confirm", head, { limitSeconds: 15 }), connection, transaction);
  } finally {
    board.end();
  }
}

const parameterItems = (items: LookItem[]): string[][] =>
  items.flatMap(({ parameters = [] }, index) =>
    parameters.map(({ module, name, value }) => ["parameter", String(index), ...[module, name, value].map(encode)]),
  );

/** The request's items for an apply, as `devbind.sh` reads them. */
export function applyItems(transaction: Transaction): string[][] {
  const override = (value: string | null | undefined, hasOverride: boolean) =>
    hasOverride ? (value === undefined ? "-any" : encode(value)) : "-unsupported";
  const devices = transaction.devices.flatMap(({ seen, wish, past, ...device }) => [
    ...selectorItems(device.selector, device.known),
    [
      "device",
      ...[device.bus, device.device, device.driver, device.module].map(encode),
      seen.isGone ? "-gone" : encode(seen.driver),
      override(seen.override, seen.hasOverride),
      wish.driver === undefined ? "-any" : encode(wish.driver),
      override(wish.override, seen.hasOverride),
      device.claim,
      ...[past.driver, past.override].map(encode),
    ],
  ]);
  const ids = transaction.devices.flatMap(({ newId }, index) =>
    newId ? [["id", String(index), ...[newId.id, ...newId.others].map(encode)]] : [],
  );
  const steps = transaction.steps.map((step) => ["step", String(step.device), step.word, encode(step.value)]);
  const head = [
    "transaction",
    transaction.id,
    encode(transaction.claimant),
    String(transaction.timeoutSeconds),
    transaction.force ? "yes" : "no",
    ...(transaction.confirmSeconds === null ? [] : [String(transaction.confirmSeconds)]),
  ];
  const after = transaction.afterRebind.length > 0 ? [["after", ...transaction.afterRebind.map(encode)]] : [];
  const more = [...ids, ...parameterItems(transaction.devices), ...keepItems(transaction.devices), ...siblingItems(transaction.devices)];
  return [head, ...after, ...devices, ...leftItems(transaction), ...more, ...steps];
}

/**
 * Asks over the board's shared connection. `linesMaximum`: how many lines the answer may have where that does not follow from the
 * request, as in a list; it may then take as many bytes as any answer.
 */
export async function ask(
  connection: Connection,
  operation: Operation,
  items: string[][],
  { timeoutSeconds, dials, linesMaximum }: { timeoutSeconds: number; dials?: number; linesMaximum?: number },
): Promise<AnswerLine[]> {
  const limits = { limitSeconds: timeoutSeconds + 30, linesMaximum };
  let isSent = false;
  try {
    return await withConnection(
      connection,
      (board) => {
        isSent = true;
        return askOver(board, connection, operation, items, limits);
      },
      { dials },
    );
  } catch (error) {
    // A shared connection may have died since it was used last, as by a reboot; looking once more changes nothing.
    const isLost = error instanceof DevbindError && error.kind === "unreachable";
    if (!isLost || !isSent || (operation !== "look" && operation !== "list")) throw error;
    return await withConnection(connection, (board) => askOver(board, connection, operation, items, limits), { dials });
  }
}

/** How often a look dials that nothing must wait for: a board that is off must not hold a preview or a command for ten dials. */
export const lookDials = 2;
/** How many boards are looked at together; the dials among them wait in the line that all of the package shares. */
export const boardsAtOnce = 64;

/** What login scripts may print before the answer, what the answer may take for each item of the request (or sibling of a device), and in all. */
const chatterBytes = 256 * 1024;
const itemBytes = 64 * 1024;
const answerBytes = 4 * 1024 * 1024;

async function askOver(
  board: BoardConnection,
  connection: Connection,
  operation: Operation,
  items: string[][],
  { limitSeconds, linesMaximum }: { limitSeconds: number; linesMaximum?: number },
): Promise<AnswerLine[]> {
  const nonce = randomBytes(12).toString("hex");
  const lines = items.length + siblingLines(items);
  const answer = await board.run({
    input: boardScript() + requestLine(nonce, operation, items),
    isComplete: (stdout) => isComplete(stdout, nonce),
    maximumBytes: linesMaximum === undefined ? Math.min(answerBytes, chatterBytes + itemBytes * lines) : answerBytes,
    timeoutSeconds: limitSeconds,
  });
  const address = addressOf(connection);
  if (!answer.complete) throw cutAnswer(address, answer);
  return parseAnswer(answer.stdout, nonce, address, linesMaximum ?? lines + 2);
}
