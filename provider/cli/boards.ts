import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { boardsAtOnce } from "../board/board";
import { chosenBoards, type LabBoard, readLab } from "../lab-file/file";
import { connectionWith } from "../lab-file/schema";
import { type Binding, bindingsOf, type Connection, type Problem, validateBoard } from "../schema";
import { addressOf } from "../ssh/connection";
import { Line } from "../ssh/line";
import { connectionOf, type HostOptions } from "./connect";
import { LabProblems, UsageError } from "./exit";
import { count, type Screen } from "./screen";
import { secretsIn } from "./secrets";

/** A board that the command is about. */
export interface Target {
  name: string;
  connection: Connection;
  /** What a lab file wishes of it, by name; none for a board of the command line. */
  bindings: Record<string, Binding>;
  /** Whether it is left out where it gives no answer: `whenUnreachable: "skip"`, unless somebody asked for it by name. */
  isSkippable: boolean;
}

export interface LabOptions {
  lab?: string;
  tag?: string[];
  /** organisation/project/stack/lab: whose claims are one's own. */
  as?: string;
}

/** What chooses boards on the command line. */
export type BoardOptions = Partial<HostOptions> & LabOptions;

/** The board of `--host`, or those of a lab file. */
export async function targetsOf(options: BoardOptions, names: readonly string[]): Promise<Target[]> {
  const { host, ...rest } = options;
  if (host === undefined) return labTargets(options, names);
  if (options.lab !== undefined || options.tag !== undefined) throw new UsageError("--host and --lab exclude each other.");
  if (names.length > 0) throw new UsageError(`Boards are named for a lab file only, and --host is one board: ${names.join(", ")}.`);
  const connection = await connectionOf({ host, ...rest });
  return [{ name: host, connection, bindings: {}, isSkippable: false }];
}

/**
 * The boards of a lab file: all, those that are named, those with a tag. What is relative in it starts at the folder that it lies in.
 * @throws LabProblems for a file that can't be right; UsageError for a board that it does not have
 */
export function labTargets({ lab = "lab.yaml", tag = [], as }: LabOptions, names: readonly string[]): Target[] {
  const path = resolve(lab);
  process.chdir(existsSync(dirname(path)) ? dirname(path) : ".");
  const { boards, problems } = readLab(path, lab);
  if (problems.length > 0) throw new LabProblems(problems);
  const { chosen, unknown, missingTags } = chosenBoards(boards, names, tag);
  if (unknown.length > 0)
    throw new UsageError(`${lab} has no board ${unknown.join(", ")}. It has: ${boards.map(({ name }) => name).join(", ")}.`);
  if (chosen.length === 0)
    throw new UsageError(`${lab} has no board${missingTags.length > 0 ? ` with the tag ${missingTags.join(" and the tag ")}` : ""}.`);
  const secrets = secretsIn(dirname(path));
  return chosen.map((board) => {
    const { name, inputs } = board;
    const claimant = as === undefined ? "unknown" : `${as}-${name}`;
    const { bindings, problems: wrong } = validateBoard({ ...inputs, connection: connectionWith(inputs.connection, secrets), claimant });
    if (bindings === undefined) throw new LabProblems(wrong.map((problem) => wordsOf(lab, board, problem)));
    const isSkippable = bindings.whenUnreachable === "skip" && !names.includes(name);
    return { name, connection: bindings.connection, bindings: bindingsOf(bindings), isSkippable };
  });
}

/** What is wrong only now that the secrets are known. */
const wordsOf = (lab: string, { name }: LabBoard, { property, message }: Problem): string =>
  `${lab}: boards.${name}.${property} ${message}.`;

/** Does some work for each board, all together in a line, with a word on how far it is. The answers come in the boards' order. */
export async function eachBoard<T>(screen: Screen, targets: readonly Target[], work: (target: Target) => Promise<T>): Promise<T[]> {
  const line = new Line(boardsAtOnce);
  let ended = 0;
  const say = () =>
    screen.progress(targets.length === 1 ? `asking ${targets[0]?.name}` : `${ended} of ${count(targets.length, "board")} answered`);
  say();
  try {
    return await Promise.all(
      targets.map(async (target) => {
        const leave = await line.place();
        try {
          return await work(target);
        } finally {
          leave();
          ended += 1;
          say();
        }
      }),
    );
  } finally {
    screen.quiet();
  }
}

/** "arndale-1 (root@10.0.0.21:22)"; for a board of the command line its address alone. */
export function nameOf({ name, connection }: Target): string {
  const address = addressOf(connection);
  return name.includes(connection.host) ? address : `${name} (${address})`;
}
