import { join } from "node:path";
import type { Checks } from "../demo/checks";
import { isUntouched, type Sight } from "../demo/eyes";
import type { Screen } from "../demo/screen";
import type { Stack } from "../helpers/pulumi/engine";
import { devbind as runCommand } from "../ssh/devbind";
import { type BoardName, drivers, type LabBoard, lookAt } from "./boards";
import type { Break } from "./breaks";
import type { PromiseName } from "./promises";

/** Everything that the story of a lab is played with. */
export interface Stage {
  screen: Screen;
  checks: Checks<PromiseName>;
  /** A stack of examples/lab's copy, whose lab file is that of the boards. */
  stack: Stack;
  boards: readonly LabBoard[];
  breaks: ReadonlyMap<BoardName, Break>;
}

export type Act = (stage: Stage) => Promise<void>;

/** What all boards were like at one moment, by the system's ssh. */
export type Sights = ReadonlyMap<BoardName, Sight[]>;

export async function lookAtAll(boards: readonly LabBoard[]): Promise<Sights> {
  return new Map(await Promise.all(boards.map(async ({ name, board, devices }) => [name, await lookAt(board, devices)] as const)));
}

/** Runs the devbind command on the lab file, as a person in its folder would, and shows what it prints. */
export async function devbind({ screen, stack }: Stage, ...words: string[]) {
  const ended = await screen.step(
    `$ devbind ${words.join(" ")}`,
    () => runCommand(words, { cwd: stack.folder, env: stack.env }),
    ({ code }) => `  exit code ${code}`,
  );
  screen.quote([...linesOf(ended.out), ...linesOf(ended.err)]);
  return ended;
}

export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** Runs `pulumi up` or `pulumi destroy` with its preview, and says which boards' resources were not left as they are. */
export async function pulumi({ screen, stack }: Stage, name: "up" | "destroy") {
  const result = await screen.step(`$ pulumi ${name}`, () => stack[name]());
  const done = result.steps.filter(({ pass, operation, failed }) => pass === "update" && operation !== "same" && !failed);
  const changed = (operation: string) =>
    done
      .filter((step) => step.operation === operation && step.name.startsWith("bench-"))
      .map((step) => step.name.slice("bench-".length))
      .sort();
  return { result, changed };
}

/** Checks that each of these boards has the drivers that the file says. */
export function checkWished({ checks }: Stage, promise: "bound" | "repaired", boards: readonly LabBoard[], sights: Sights): void {
  for (const { name, devices } of boards) {
    const seen = sights.get(name) ?? [];
    const holds = devices.every(({ wished }, index) => seen[index] !== undefined && seen[index].driver === wished);
    checks.check(`${name} ${promise}`, holds, drivers(devices, seen));
  }
}

/** Checks that nobody wrote to these boards between two looks. */
export function checkUntouched(
  { checks }: Stage,
  promise: "lookedOnly" | "leftAlone" | "nothingWritten",
  boards: readonly LabBoard[],
  [earlier, later]: readonly [Sights, Sights],
): void {
  for (const { name, devices } of boards) {
    const [first, second] = [earlier.get(name) ?? [], later.get(name) ?? []];
    const holds = devices.every((_, index) => {
      const [one, other] = [first[index], second[index]];
      return one !== undefined && other !== undefined && isUntouched(one, other, true);
    });
    checks.check(`${name} ${promise}`, holds, `uevent counter ${first[0]?.uevents}, then ${second[0]?.uevents}`);
  }
}

/** The boards that this happened to; without a way, those that nothing happened to. */
export const brokenBy = ({ boards, breaks }: Stage, ...ways: (Break | undefined)[]): LabBoard[] =>
  boards.filter(({ name }) => ways.includes(breaks.get(name)));

export const namesOf = (boards: readonly LabBoard[]): string[] => boards.map(({ name }) => name).sort();

export const sameNames = (one: readonly string[], other: readonly string[]): boolean => one.join() === other.join();

/** The lab file of the stack. */
export const labFileOf = ({ stack }: Stage): string => join(stack.folder, "lab.yaml");
