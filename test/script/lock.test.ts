import { mkdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { Answer } from "./answer";
import type { Device } from "./kernel";
import { bootId, identityOf } from "./processes";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";

const made = useBoard();
const dead = `999999999.17.${bootId}`;
const deadBreaker = `999999998.18.${bootId}`;

function addDevice(): Device {
  const { kernel } = made.board;
  kernel.addDriver("platform", "a");
  kernel.addDriver("platform", "b");
  return kernel.addDevice({ bus: "platform", name: "dev0", driver: "a", override: null, matches: ["a", "b"] });
}

/** Puts a link into the state folder, as somebody left it. */
function leave(name: string, owner: string): void {
  mkdirSync(made.board.state, { recursive: true, mode: 0o700 });
  symlinkSync(owner, join(made.board.state, name));
}

inEveryShell((shell) => {
  const left: [string, Record<string, string>][] = [
    ["a dead owner", { lock: dead }],
    ["a process whose pid is used again", { lock: `${process.pid}.1.${bootId}` }],
    ["another boot", { lock: identityOf(process.pid).replace(bootId, "another-boot") }],
    ["a dead owner, with the link of a breaker that died too", { lock: dead, [`broke.${dead}`]: deadBreaker }],
    ["an owner that died while it removed its own lock", { lock: dead, [`broke.${dead}`]: dead }],
    [
      "an owner that died so, with the link of a breaker that died too",
      { lock: dead, [`broke.${dead}`]: dead, [`broke.broke.${dead}`]: deadBreaker },
    ],
    [
      "two dead breakers over each other",
      { lock: dead, [`broke.${dead}`]: deadBreaker, [`broke.${deadBreaker}`]: `999999997.19.${bootId}` },
    ],
  ];
  promise(shell, "breaks a lock whose owner is dead, is another process or of another boot, and breakers that died at it", async () => {
    for (const [who, links] of left) {
      made.board.reset();
      const device = addDevice();
      for (const [name, owner] of Object.entries(links)) leave(name, owner);
      expect((await made.board.look(shell, { bus: "platform", name: "dev0" })).board.condition, who).toBe("quiet");
      const { outcome } = await made.board.apply(shell, { wishes: [{ device, driver: "b" }] });
      expect(outcome, who).toEqual({ is: "done" });
      expect(
        made.board.stateFiles().filter((name) => !name.startsWith("outcome.")),
        who,
      ).toEqual([]);
    }
  });
});

describe("a lock whose owner lives", () => {
  promise(dash, "is waited for, half of the time given, and then nothing is written", async () => {
    const { board } = made;
    board.hurry();
    const device = addDevice();
    const me = identityOf(process.pid);
    leave("lock", me);
    expect((await board.look(dash, { bus: "platform", name: "dev0" })).board.condition).toBe("busy");
    const { outcome } = await board.apply(dash, { timeoutSeconds: 4, wishes: [{ device, driver: "b" }] });
    expect(outcome).toEqual({ is: "busy", owner: me });
    expect(board.kernel.writes).toEqual([]);
    expect(readlinkSync(join(board.state, "lock"))).toBe(me);
    board.reset();
  });
});

/** Six scripts at one device; what each wrote, in order, and what each said. */
async function six(shell: Shell, round: number): Promise<{ writers: number[]; answers: Answer[] }> {
  const { board } = made;
  board.reset();
  board.hurry();
  const device = addDevice();
  if (round % 2 === 0) leave("lock", dead);
  if (round % 4 === 0) leave(`broke.${dead}`, deadBreaker);
  board.kernel.trap.before = () => new Promise((resolve) => setTimeout(() => resolve(undefined), 3));
  const probe = { device: 0, word: "probe" as const, value: null };
  const seen = { driver: "a", override: null };
  // Half of them only ask for probes, which leave everything as it is; the others rebind, so that only the first of those can.
  const wishes = (index: number) =>
    index % 2 === 0 ? { wishes: [{ device, seen }], steps: [probe, probe, probe] } : { wishes: [{ device, seen, driver: "b" }] };
  const running = [0, 1, 2, 3, 4, 5].map((index) => board.startApply(shell, { timeoutSeconds: 200, ...wishes(index) }));
  const answers = await Promise.all(running.map(({ done }) => done));
  return { writers: board.kernel.writes.map(({ pid }) => pid), answers };
}

describe("six at once on one device", () => {
  const rounds = Number(process.env.DEVBIND_ROUNDS ?? 20);
  promise(
    dash,
    `go one after the other, ${rounds} times over, also where a dead one left the lock`,
    async () => {
      for (let round = 0; round < rounds; round++) {
        const { writers, answers } = await six(dash, round);
        const turns = writers.filter((pid, index) => pid !== writers[index - 1]);
        expect(turns, "each writer's writes are together").toEqual([...new Set(turns)]);
        const outcomes = answers.map(({ outcome }) => outcome.is);
        expect(outcomes.filter((is) => is !== "done" && is !== "moved")).toEqual([]);
        expect(
          outcomes.filter((_, index) => index % 2 === 1).filter((is) => is === "done"),
          "one rebinds",
        ).toHaveLength(1);
        expect(made.board.stateFiles().filter((name) => !name.startsWith("outcome."))).toEqual([]);
      }
    },
    200,
  );
});
