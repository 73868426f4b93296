import { join } from "node:path";
import { tmpdir } from "node:os";
import { type Board, bootBoard } from "../boards/board";
import { watchWrites } from "../kernel/witness";
import { cases } from "./cases";
import { type Case, Tally, type Trial } from "./frame";
import { type Option, optionsFrom } from "./options";
import { randomFrom } from "./random";

/**
 * `npm run faults`: attacks transactions on real boards in every way that is known, and counts how they ended. Ends with an exit code
 * other than 0 where a device was left half-bound, an outcome was lost, a case was not tried, or too few faults hit inside a dialogue.
 * `--short`: some of each case. `--seed N`: other trials. `--scale N`: so many times as many. `--boards N`: on so many boards at once (2). `--only words`: the cases whose names begin so.
 */
async function main(): Promise<void> {
  const options = optionsFrom(process.argv.slice(2));
  const chosen = cases.filter(({ name }) => options.only === undefined || name.startsWith(options.only));
  const tally = new Tally(
    chosen.map(({ name }) => name),
    join(tmpdir(), `devbind-faults-${process.pid}.log`),
  );
  console.log(`seed ${options.seed}; each trial is a line in ${tally.logPath}`);
  const waiting = [...chosen];
  await Promise.all(Array.from({ length: options.boards }, () => playAll(waiting, tally, options)));
  console.log(tally.text());
  process.exitCode = tally.isGood() ? 0 : 1;
}

/** Takes one case after the other, each on the same board. */
async function playAll(waiting: Case[], tally: Tally, options: Option): Promise<void> {
  let next = waiting.shift();
  if (next === undefined) return;
  const board = await bootBoard("arm64");
  try {
    for (; next !== undefined; next = waiting.shift()) {
      await watchWrites(board);
      await play(next, board, tally, options);
      await board.reset();
    }
  } finally {
    await board.close();
  }
}

async function play({ name, play: run }: Case, board: Board, tally: Tally, { isShort, scale, seed }: Option): Promise<void> {
  const started = Date.now();
  const record = (trial: Trial) => {
    tally.record(name, trial);
    if (trial.end === "half-bound" || trial.end === "lost")
      console.log(`${name}: ${trial.end}: ${trial.shape}, ${trial.hit}: ${trial.words}`);
  };
  const trials = (short: number, long: number) => (isShort ? short : Math.ceil(long * scale));
  try {
    await run({ board, isShort, random: randomFrom(seed, name), trials, record });
  } catch (error) {
    tally.breakOff(name, error);
    console.log(`${name} was broken off: ${error instanceof Error ? error.message : error}`);
  }
  console.log(`${tally.lineOf(name)}, in ${Math.round((Date.now() - started) / 1000)} s`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
