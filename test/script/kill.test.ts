import fc from "fast-check";
import { describe, expect } from "vitest";
import type { Answer } from "./answer";
import type { Device } from "./kernel";
import { addDevices, modelOf, type Plan, plans, stateOf, wishesOf } from "./plans";
import { killNow, until, writerOf } from "./processes";
import { stepsFor } from "./requests";
import { promise, useBoard } from "./setup";
import { dash, type Shell, shells } from "./shells";

const made = useBoard();
const runs = Number(process.env.DEVBIND_RUNS ?? 60);
const seed = Number(process.env.DEVBIND_SEED ?? 20);

/** Runs the plan's apply and kills at the given write (counted from 1), if it comes to that; says whether it did. */
async function applyKilled(shell: Shell, plan: Plan, devices: Device[], at: number): Promise<{ isKilled: boolean; answer: Answer }> {
  const { kernel } = made.board;
  kernel.writes = [];
  let isKilled = false;
  const running = made.board.startApply(shell, { timeoutSeconds: 200, wishes: wishesOf(plan, devices) });
  const kill = (pid: number, count: number) => {
    if (count !== at) return;
    isKilled = true;
    killNow(plan.withScript ? running.pid : undefined, writerOf(pid, running.pid) ?? pid, pid);
  };
  kernel.trap = plan.isAfter
    ? { after: (_, { pid }, count) => kill(pid, count) }
    : {
        before: (_, { pid }, count) => {
          kill(pid, count);
          return count === at ? 4 : undefined;
        },
      };
  const answer = await running.done;
  kernel.trap = {};
  return { isKilled, answer };
}

/** Nobody who was killed in a write is still in it. */
async function quiet(): Promise<void> {
  await until("every write is answered", () => made.board.kernel.writes.every(({ errno }) => errno >= 0));
}

async function lookWritesNothing(shell: Shell, devices: Device[]): Promise<string[]> {
  const { board } = made;
  board.kernel.writes = [];
  const files = board.stateFiles();
  const answer = await board.look(shell, ...devices.map(({ bus, name }) => ({ bus, name })));
  expect(board.kernel.writes).toEqual([]);
  expect(board.stateFiles()).toEqual(files);
  return answer.devices.map((device) => device.journal ?? "");
}

/** Where the runs of a shell were hit, so that a test that hits nothing cannot pass. */
let hit = { writer: 0, both: 0, recovery: 0 };

/** What the program does: look, apply, and look again where the board moved; five times at most here. */
async function converge(shell: Shell, plan: Plan, devices: Device[], before: unknown): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    const { outcome } = await made.board.apply(shell, { timeoutSeconds: 200, wishes: wishesOf(plan, devices) });
    if (outcome.recovered && outcome.is !== "done") expect(devices.map(stateOf), "recovered to the state before").toEqual(before);
    if (outcome.is !== "moved") return;
  }
  expect.fail("the board never held still");
}

async function holds(shell: Shell, plan: Plan): Promise<void> {
  const { board } = made;
  board.reset();
  board.hurry();
  const devices = addDevices(board.kernel, plan);
  const model = modelOf(plan);
  const first = await applyKilled(shell, plan, devices, plan.killAt);
  await quiet();
  if (first.isKilled && plan.withScript) {
    expect(await lookWritesNothing(shell, devices)).toEqual(devices.map(() => "interrupted"));
    hit.both++;
    if (plan.killRecoveryAt > 0 && (await applyKilled(shell, plan, devices, plan.killRecoveryAt)).isKilled) hit.recovery++;
    await quiet();
  } else {
    if (first.isKilled) hit.writer++;
    expect(first.answer.isComplete).toBe(true);
    expect(first.answer.outcome.is).toBe(first.isKilled || model.isRefused ? "undone" : "done");
    expect(devices.map(stateOf)).toEqual(first.isKilled ? model.before : model.after);
  }
  await converge(shell, plan, devices, model.before);
  expect(devices.map(stateOf)).toEqual(model.after);
  expect(await lookWritesNothing(shell, devices)).toEqual(devices.map(() => "-"));
  expect(board.stateFiles().filter((name) => !name.startsWith("outcome."))).toEqual([]);
  if (!model.isRefused) expect(stepsFor(wishesOf(plan, devices))).toEqual([]);
}

describe("a transaction that is killed at any write", () => {
  const title = "is undone by its script, or says interrupted and is undone by the next apply; then the wish comes true";
  for (const shell of shells) {
    const numRuns = shell === dash ? runs : Math.ceil(runs / 12);
    const limit = 120 + 10 * numRuns;
    const test = async () => {
      hit = { writer: 0, both: 0, recovery: 0 };
      await fc.assert(
        fc.asyncProperty(plans, (plan) => holds(shell, plan)),
        { numRuns, seed, interruptAfterTimeLimit: limit * 900, markInterruptAsFailure: true },
      );
      expect(hit.writer + hit.both, `hits inside a transaction: ${JSON.stringify(hit)}`).toBeGreaterThanOrEqual(Math.floor(numRuns / 3));
      if (numRuns >= 60) expect(Math.min(hit.writer, hit.both, hit.recovery), JSON.stringify(hit)).toBeGreaterThanOrEqual(5);
      if (process.env.DEVBIND_RUNS) console.info(`${shell.name}: ${numRuns} plans, killed: ${JSON.stringify(hit)}`);
    };
    promise(shell, `${title}: ${numRuns} random plans in ${shell.name}`, () => test(), limit);
  }
});
