import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { whyNoFuse } from "./fuse";
import { MadeBoard } from "./made-board";
import { until } from "./processes";
import { type Shell, shells } from "./shells";

const isCi = Boolean(process.env.CI) && process.env.CI !== "false";
const noFuse = whyNoFuse();

/** What holds a promise in one shell. */
type Promised = (shell: Shell) => Promise<void> | void;

/** A promise that holds in one shell: skipped with the words that bring what is missing; with CI=true a failure. */
export function promise(shell: Shell, title: string, test: Promised, timeoutSeconds = 60): void {
  const missing = noFuse ?? shell.missing;
  if (!missing) it(title, () => test(shell), timeoutSeconds * 1000);
  else if (isCi) it(title, () => expect.fail(missing));
  else it.skip(`${title} (${missing})`, () => undefined);
}

/** The same promises in every shell. */
export function inEveryShell(promises: (shell: Shell) => void): void {
  for (const shell of shells) describe(shell.name, () => promises(shell));
}

/** A made board for the tests of a file, fresh for each of them. */
export function useBoard(): { board: MadeBoard } {
  const holder = {} as { board: MadeBoard };
  if (noFuse) return holder;
  beforeAll(async () => {
    holder.board = await MadeBoard.make();
  });
  beforeEach(() => holder.board.reset());
  afterEach(() =>
    until(
      () => `no locks and halves are left in the state folder: ${leftLocks(holder.board)}`,
      () => leftLocks(holder.board).length === 0,
      10,
    ),
  );
  afterAll(() => holder.board.close());
  return holder;
}

function leftLocks(board: MadeBoard): string[] {
  return board.stateFiles().filter((name) => /^(lock|broke|new|done|undone|asked)\b/.test(name));
}
