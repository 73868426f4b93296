import type { Board } from "../boards/board";
import type { Client, Told } from "./client";
import type { End } from "./frame";
import { type Glance, glanceAt, hasJournal, inWords, isSame, settle } from "./glance";
import { beforeOf, type Shape, wishOf } from "./shapes";

export interface Verdict {
  end: End;
  words: string;
}

/**
 * What the fault made of the transaction, when the world has settled and one more update ran. `told`: what its client said;
 * `client`: who goes on with the same resource. Half-bound is a device that is neither as before nor as wished without a journal, or
 * that the next update does not put right; lost is an outcome that was told wrongly, or an undo that never came.
 */
export async function aftermathOf(board: Board, client: Client, told: Told): Promise<Verdict> {
  const { shape } = client;
  await settle(board);
  const at = await glanceAt(board, shape.device);
  const wrong = halfBound(shape, at) ?? toldWrongly(shape, told, at) ?? (await looksWrong(board, client, at));
  const failed = wrong ?? (await convergesWrong(board, client, at)) ?? (await writesAgain(board, client));
  const words = `told ${told.is}; was ${inWords(at)}${hasJournal(at) ? " with a journal" : ""}`;
  if (failed !== undefined) return { end: failed.end, words: `${failed.words}; ${words}; ${JSON.stringify(at)}; said: ${told.words}` };
  if (hasJournal(at)) return { end: "undone", words: `${words}, undone by the next update` };
  return { end: told.is === "done" || !isSame(at, beforeOf(shape)) ? "done" : "undone", words };
}

function halfBound(shape: Shape, at: Glance): Verdict | undefined {
  if (shape.isPastOpen || hasJournal(at) || isSame(at, beforeOf(shape)) || isSame(at, wishOf(shape))) return undefined;
  return { end: "half-bound", words: "neither as before nor as wished, and no journal" };
}

function toldWrongly(shape: Shape, told: Told, at: Glance): Verdict | undefined {
  const lost = (words: string): Verdict => ({ end: "lost", words });
  switch (told.is) {
    case "done":
      return hasJournal(at) || !isSame(at, wishOf(shape)) ? lost("told done, and it is not") : undefined;
    case "undone":
    case "untouched":
      return hasJournal(at) || !isSame(at, beforeOf(shape)) ? lost(`told ${told.is}, and it is not as before`) : undefined;
    case "stuck":
      return hasJournal(at) ? undefined : lost("told stuck, and there is no journal");
    case "nothing":
      return undefined;
    case "unknown":
      return !hasJournal(at) && !isSame(at, beforeOf(shape)) ? lost("done, and the client never learned of it") : undefined;
  }
}

/** A look says `interrupted` where there is a journal, and writes nothing. */
async function looksWrong(board: Board, client: Client, at: Glance): Promise<Verdict | undefined> {
  if (!hasJournal(at)) return undefined;
  const journal = await client.journal();
  const after = await glanceAt(board, client.shape.device);
  if (journal !== "interrupted") return { end: "lost", words: `a look says "${journal}"` };
  if (after.writes.length > 0 || after.left.join() !== at.left.join()) return { end: "lost", words: "a look has written" };
  return undefined;
}

/** The next update undoes what was left and makes the wish true, with nothing left over and the true past in the state. */
async function convergesWrong(board: Board, client: Client, at: Glance): Promise<Verdict | undefined> {
  const { shape } = client;
  const told = await client.attackedOperation();
  await settle(board);
  const now = await glanceAt(board, shape.device);
  const wrong = (words: string): Verdict => ({ end: "half-bound", words: `${words}: ${told.words}: ${JSON.stringify(now)}` });
  if (told.is !== "done") return wrong("the next update failed");
  if (!isSame(now, wishOf(shape))) return wrong("the next update did not bring what was wished");
  if (hasJournal(now)) return wrong("the next update left a journal");
  if (now.claim.length > 0 === (shape.isDelete ?? false)) return wrong("the claim is not what it should be");
  if (hasJournal(at) && !now.outcomes.some((line) => line.includes("is=undone")))
    return { end: "lost", words: `the undo is not told of: ${JSON.stringify(now)}` };
  const { previousDriver = null, previousOverride = null } = client.state ?? {};
  if (!shape.isDelete && !shape.isPastOpen && (previousDriver !== shape.from.driver || previousOverride !== shape.from.override))
    return wrong(`the state's past is ${previousDriver} (override ${previousOverride})`);
  return undefined;
}

/** The update after that finds nothing to do. */
async function writesAgain(board: Board, client: Client): Promise<Verdict | undefined> {
  const told = await client.attackedOperation();
  const { writes } = await glanceAt(board, client.shape.device);
  if (told.is === "done" && writes.length === 0) return undefined;
  return { end: "half-bound", words: `the update after that: ${told.words}, wrote ${writes.join(", ")}` };
}
