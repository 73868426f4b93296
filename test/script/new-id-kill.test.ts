import { describe, expect } from "vitest";
import type { Answer } from "./answer";
import type { Device } from "./kernel";
import { killNow, until, writerOf } from "./processes";
import type { Transaction } from "./requests";
import { promise, useBoard } from "./setup";
import { dash, type Shell, shells } from "./shells";
import { addEdu, addIdDrivers, byNewId, giveBack, idsOf } from "./twins";

const made = useBoard();

/** Where a transaction is killed: at which write, before or after the kernel did it, with or without its script. */
interface Kill {
  at: number;
  isAfter: boolean;
  withScript: boolean;
}

/** Runs it and kills; says whether it came to that. */
async function applyKilled(shell: Shell, transaction: Transaction, { at, isAfter, withScript }: Kill): Promise<boolean> {
  const { kernel } = made.board;
  kernel.writes = [];
  let isKilled = false;
  const running = made.board.startApply(shell, { timeoutSeconds: 200, ...transaction });
  const kill = (pid: number, count: number) => {
    if (count !== at) return undefined;
    isKilled = true;
    killNow(withScript ? running.pid : undefined, writerOf(pid, running.pid) ?? pid, pid);
    return 4;
  };
  kernel.trap = isAfter ? { after: (_, { pid }, count) => void kill(pid, count) } : { before: (_, { pid }, count) => kill(pid, count) };
  await running.done;
  kernel.trap = {};
  await until("every write is answered", () => kernel.writes.every(({ errno }) => errno >= 0));
  return isKilled;
}

/** The next apply on the device, which undoes first what was killed: to what it was. */
const settle = (shell: Shell, device: Device): Promise<Answer> =>
  made.board.apply(shell, { timeoutSeconds: 200, wishes: [{ device: { ...device, driver: "nobody's" } }], steps: [] });

/** What a board has: the free twin's driver, the device's, and all ids. */
const stateOf = (edu: Device, twin: Device) => [edu.driver, edu.override ?? null, twin.driver, idsOf(made.board, "stub")];

/** A device and a free one of the same id, and what somebody else has added. */
function scene(isFree: boolean, hasOverride: boolean, foreign: string | undefined): { edu: Device; twin: Device } {
  const { board } = made;
  board.reset();
  board.hurry();
  addIdDrivers(board);
  const more: Partial<Device> = { ...(isFree && { driver: null }), ...(hasOverride && { override: null }) };
  const edu = addEdu(board, more);
  const twin = addEdu(board, { name: "0000:00:05.0", driver: null, matches: ["old"] });
  if (foreign !== undefined) board.kernel.idsOf("pci", "stub").add(foreign, () => false);
  return { edu, twin };
}

const cases: [isFree: boolean, hasOverride: boolean, foreign: string | undefined][] = [
  [false, false, undefined],
  [false, true, "1234 11e8"],
  [true, true, undefined],
  [true, false, "1234 11e8 1af4 1100"],
];
const kills = [1, 2, 3].flatMap((at) =>
  [true, false].flatMap((isAfter) => [true, false].map((withScript): Kill => ({ at, isAfter, withScript }))),
);

async function isUndone(shell: Shell, kill: Kill, [isFree, hasOverride, foreign]: (typeof cases)[number]): Promise<boolean> {
  const { edu, twin } = scene(isFree, hasOverride, foreign);
  const before = stateOf(edu, twin);
  const isKilled = await applyKilled(shell, byNewId(edu, "stub", [twin.name]), kill);
  if (!isKilled) return false;
  await settle(shell, edu);
  expect(stateOf(edu, twin), JSON.stringify({ kill, isFree, hasOverride, foreign })).toEqual(before);
  expect(made.board.stateFiles().filter((name) => !name.startsWith("outcome."))).toEqual([]);
  return true;
}

/** The way back, killed: the device is on the driver that the id brought again, and the id and its claim are there. */
async function isBoundAgain(shell: Shell, kill: Kill): Promise<boolean> {
  const { edu, twin } = scene(false, false, undefined);
  twin.driver = "old";
  await made.board.apply(shell, byNewId(edu, "stub", [twin.name]));
  const [before, files] = [stateOf(edu, twin), made.board.stateFiles().filter((name) => name.startsWith("claim"))];
  if (!(await applyKilled(shell, giveBack(edu, "stub", "old"), kill))) return false;
  await settle(shell, edu);
  expect(stateOf(edu, twin), JSON.stringify(kill)).toEqual(before);
  expect(made.board.stateFiles().filter((name) => !name.startsWith("outcome."))).toEqual(files);
  return true;
}

/** All that a shell is given to do; so many of the kills must come to something. */
async function holds(shell: Shell, every: number): Promise<void> {
  const some = kills.filter((_, index) => index % every === 0);
  let hits = 0;
  for (const kill of some) {
    for (const one of cases) if (await isUndone(shell, kill, one)) hits++;
    if (await isBoundAgain(shell, kill)) hits++;
  }
  expect(hits).toBeGreaterThan((some.length * (cases.length + 1)) / 2);
}

describe("an id that is added or taken back in a transaction that is killed at any write", () => {
  const title = "is as it was after the next apply, and so are its device, its claim, a free twin and the ids of others";
  for (const shell of shells) promise(shell, `${title}: in ${shell.name}`, () => holds(shell, shell === dash ? 1 : 5), 300);
});
