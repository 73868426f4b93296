import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Board, bootBoard, whyNoBoards } from "../boards/board";
import { giveUp } from "../boards/can-run";
import { Checks } from "../demo/checks";
import { Screen } from "../demo/screen";
import { playLab } from "../demo-lab/acts";
import { asFound, type BoardName, type LabBoard, labBoards } from "../demo-lab/boards";
import { breaksFor } from "../demo-lab/breaks";
import { aimAt } from "../demo-lab/lab-file";
import { promisesFor } from "../demo-lab/promises";
import { repository, useLab } from "./lab";

/** `npm run demo:lab` on two boards. */
const names: readonly BoardName[] = ["arm-1", "uml-1"];
/** One board is rebound by hand, the other one is switched off. */
const seed = 13;

const lab = useLab([]);
const boards = new Map<BoardName, Board>();
let why: string | undefined;

beforeAll(async () => {
  why = await whyNoBoards("uml");
  if (why !== undefined) return;
  for (const name of names) boards.set(name, await bootBoard(labBoards[name].kind));
});
afterAll(() => Promise.all([...boards.values()].map((board) => board.close())));

test("a lab of two boards is brought up from its file, broken, seen, repaired, left alone, and given back", async (context) => {
  if (why !== undefined) giveUp(context, why);
  const stack = await lab.open(join(repository, "examples/lab"));
  await aimAt(stack.folder, boards);
  const found: LabBoard[] = [];
  for (const [name, board] of boards) found.push(await asFound(name, board));
  let printed = "";
  const screen = new Screen({ write: (text) => (printed += text) });
  const breaks = breaksFor(names, seed);
  expect(new Set(breaks.keys()), "every board is broken").toEqual(new Set(names));
  const checks = new Checks(screen, "lab", promisesFor(names, breaks));
  await playLab({ screen, checks, stack, boards: found, breaks });
  expect(checks.end(), printed).toBe(true);
  expect(printed.trimEnd().split("\n").at(-1)).toMatch(/^lab: (\d+) of \1 checks held$/);
});
