import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Board, bootBoard, whyNoBoards } from "../boards/board";
import { giveUp } from "../boards/can-run";
import { pulumiCli } from "../helpers/pulumi/cli";
import { openStack, type Result, type RunOptions, type Stack } from "../helpers/pulumi/engine";

const minute = 60_000;
export const repository = join(__dirname, "../..");

/** What a binding is made of; not checked here, since tests give wrong things on purpose. */
export type Arguments = Record<string, unknown>;

/** What the program in `program/` makes: each binding by its name. */
export type Bindings = Record<string, { args: Arguments; options?: Record<string, unknown>; after?: string[] }>;

/** A stack of the program in `program/`. */
export interface ProgramStack extends Stack {
  /** What the program makes from now on. */
  write(bindings: Bindings): Promise<void>;
}

/** Real arm64 boards for the tests of a file, and stacks that are closed after them. */
export interface Lab {
  readonly boards: readonly Board[];
  /** The board of that number, from 0. */
  board(index?: number): Board;
  /** A stack of a project's copy, with a name of its own unless told. Its programs are not checked by TypeScript at every pass. */
  open(project: string, name?: string): Promise<Stack>;
  openProgram(bindings: Bindings): Promise<ProgramStack>;
}

const skipPreview = ["--skip-preview"];

/** One pass: an operation without its preview. */
export const onePass = (options: RunOptions = {}): RunOptions => ({
  ...options,
  extraArguments: [...skipPreview, ...(options.extraArguments ?? [])],
});

/**
 * Boots arm64 boards, one for each machine id, before a file's tests and ends them afterwards with all stacks. Where boards or the CLI
 * can't run, every test is skipped with the words that say why; with CI=true it fails with them. No ids: stacks alone.
 */
export function useLab(machineIds: readonly string[]): Lab {
  const boards: Board[] = [];
  const stacks: Stack[] = [];
  let why: string | undefined;
  beforeAll(async () => {
    why = await whyNot(machineIds.length > 0);
    if (why !== undefined) return;
    boards.push(...(await Promise.all(machineIds.map((machineId) => bootBoard("arm64", { machineId })))));
  }, 30 * minute);
  beforeEach((context) => {
    if (why !== undefined) giveUp(context, why);
  });
  afterAll(async () => {
    await Promise.all([...stacks.map((stack) => stack.close()), ...boards.map((board) => board.close())]);
  }, minute);

  const open = async (project: string, name?: string) => {
    const stack = await openStack({ project, stack: name });
    stacks.push(stack);
    stack.env.PULUMI_NODEJS_TRANSPILE_ONLY = "true";
    return stack;
  };
  const board = (index = 0) => {
    const found = boards[index];
    if (!found) throw new Error(`this lab has no board number ${index}`);
    return found;
  };
  const openProgram = async (bindings: Bindings) => {
    const stack = await open(join(__dirname, "program"));
    const write = (wanted: Bindings) => writeFile(join(stack.folder, "bindings.json"), JSON.stringify(wanted));
    await write(bindings);
    return { ...stack, write };
  };
  return { boards, board, open, openProgram };
}

async function whyNot(withBoards: boolean): Promise<string | undefined> {
  const why = withBoards ? await whyNoBoards() : undefined;
  if (why !== undefined) return why;
  return pulumiCli().then(
    () => undefined,
    (error: unknown) => `the Pulumi CLI can't run: ${error instanceof Error ? error.message : String(error)}`,
  );
}

/** A connection to a board as a program would write it. */
export const connectionTo = ({ host, port, privateKey, hostKey }: Board) => ({ host, port, privateKey, hostKey, dialErrorLimit: 1 });

/** Copies a step of an example over its project. */
export const overlay = (stack: Stack, step: string) => cp(join(stack.folder, step), stack.folder, { recursive: true });

/** What a pass did or would do, resource by resource in the order of their names: `card: update drift`. */
export const told = ({ steps }: Result): string[] =>
  steps
    .map(({ operation, name, changed, failed }) =>
      [`${name}:`, ...(failed ? ["failed"] : []), operation, ...(operation === "update" ? changed : [])].join(" "),
    )
    .sort();

/** What was said on a resource, `severity: text`. */
export const saidOn = (result: Result, resource: string): string[] =>
  result.messages.filter((message) => message.resource === resource).map(({ severity, text }) => `${severity}: ${text}`);

interface Exported {
  deployment: { resources: { urn: string; inputs?: Record<string, unknown>; outputs?: Record<string, unknown> }[] };
}

/** The resources of an exported state by name, the stack and its provider left out. */
export function resourcesOf(state: unknown): Map<string, { inputs: Record<string, unknown>; outputs: Record<string, unknown> }> {
  const bindings = (state as Exported).deployment.resources.filter(({ urn }) => /devbind:(DeviceBinding|BoardBindings)::/.test(urn));
  return new Map(
    bindings.map(({ urn, inputs = {}, outputs = {} }) => [urn.slice(urn.lastIndexOf("::") + 2), { inputs, outputs }] as const),
  );
}

export const inputsOf = (state: unknown, name: string) => resourcesOf(state).get(name)?.inputs;
export const outputsOf = (state: unknown, name: string) => resourcesOf(state).get(name)?.outputs;
