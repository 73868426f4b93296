import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { plain } from "../errors";
import { missingDriver, parseInputs, validateBoard } from "../schema";
import { projectFolder } from "../ssh/paths";
import { isMapping, type Layered, layered, mapOf } from "./layers";
import { type Found, Problems } from "./problems";
import { isLabInputs, isReference, type LabInputs, labSchema } from "./schema";
import { readYaml } from "./yaml";

/** One board of a lab file, its layers laid on each other: defaults, then its profiles in their order, then what it says itself. */
export interface LabBoard {
  name: string;
  tags: string[];
  inputs: LabInputs;
}

/** A lab file, read. Boards only where there is no problem. */
export interface Lab {
  boards: LabBoard[];
  /** "lab.yaml:12:7: boards.arndale-3.bindings.i2c.driver is missing", in the order of the lines. */
  problems: string[];
}

const bytesMaximum = 1024 * 1024;

/**
 * Reads a lab file and checks all of it, without a look at any board: its form, each layer, and each board as its layers make it. Every
 * problem is told at the line that it comes from, also where that is a profile's. Relative paths in it start at its own folder.
 * `shown` is the file's name in messages.
 */
export function readLab(path: string, shown = path): Lab {
  const text = textOf(path);
  if (typeof text !== "string") return { boards: [], problems: [`${shown}: ${text.problem}`] };
  const { written, problems, place } = readYaml(text);
  const at = (offset: number) => `${shown}:${place(offset)}`;
  if (problems.length > 0) return { boards: [], problems: told(problems, at).map((problem) => `${problem}.`) };
  const wrong = new Problems();
  for (const problem of parseInputs(labSchema, mapOf(written), () => false).problems) wrong.add(written, problem, problem.property);
  const boards = [...(written.fields?.get("boards")?.fields ?? [])].map(([name, own]) => layered(name, own, written, wrong));
  for (const board of boards) checkBoard(board, wrong);
  checkAddresses(boards, wrong);
  if (wrong.found.length > 0) return { boards: [], problems: told(wrong.found, at) };
  return { boards: boards.map((board) => labBoard(board, dirname(resolve(path)))), problems: [] };
}

function textOf(path: string): string | { problem: string } {
  try {
    if (statSync(path).size > bytesMaximum) return { problem: "is larger than 1 MiB." };
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) return { problem: "is not UTF-8." };
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { problem: "there is no such file." };
    return { problem: `can't be read: ${error instanceof Error ? plain(error.message) : "no reason given"}.` };
  }
}

/** In the order of the lines. */
const told = (found: readonly Found[], at: (offset: number) => string): string[] =>
  [...found].sort((one, other) => one.offset - other.offset).map(({ offset, message }) => plain(`${at(offset)}: ${message}`));

/** As a `BoardBindings` would be checked, with every secret known. */
function checkBoard({ name, written }: Layered, wrong: Problems): void {
  const inputs: Record<string, unknown> = { bindings: {}, ...mapOf(written) };
  const { problems } = validateBoard({ ...inputs, connection: withoutReferences(inputs.connection) }, () => false);
  const bindings = [...(written.fields?.get("bindings")?.fields ?? [])];
  const missing = bindings.filter(([, { fields }]) => fields !== undefined && !fields.has("driver"));
  for (const { property, message } of [...problems, ...missing.map(([entry]) => missingDriver(`bindings.${entry}.`))]) {
    const path = property === "inputs" ? "" : property;
    wrong.add(written, { property: ["boards", name, ...(path === "" ? [] : [path])].join("."), message }, path);
  }
}

function withoutReferences(value: unknown): unknown {
  if (isReference(value)) return "a secret";
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutReferences(inner)]));
}

/** Two names for one board would bind its devices against each other. */
function checkAddresses(boards: readonly Layered[], wrong: Problems): void {
  const known = new Map<string, string>();
  for (const { name, written } of boards) {
    const { connection } = mapOf(written);
    if (typeof connection !== "object" || connection === null || !("host" in connection)) continue;
    const { host, port = 22, configFile, proxy, jumps }: Record<string, unknown> = { ...connection };
    const key = JSON.stringify([host, port, configFile, proxy, jumps]);
    const other = known.get(key);
    if (other === undefined) known.set(key, name);
    else
      wrong.add(
        written,
        { property: `boards.${name}.connection.host`, message: `is the address of boards.${other} too` },
        "connection.host",
      );
  }
}

/** Fields whose values are paths. */
const paths = ["privateKeyPath", "configFile", "knownHosts", "agentSocketPath"];

function labBoard({ name, tags, written }: Layered, folder: string): LabBoard {
  const inputs = { bindings: {}, ...withPaths(withoutNulls(mapOf(written)), folder) };
  if (!isLabInputs(inputs)) throw new Error(`the board ${name} was checked, and yet it is not right`);
  return { name, tags, inputs };
}

/** Null says something of a driver alone. */
function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(value).filter(([key, inner]) => inner !== null || key === "driver");
  return Object.fromEntries(kept.map(([key, inner]) => [key, isMapping(inner) ? withoutNulls(inner) : inner]));
}

function withPaths(inputs: Record<string, unknown>, folder: string): Record<string, unknown> {
  const { connection, ...rest } = inputs;
  return { ...rest, connection: pathsIn(connection, folder) };
}

function pathsIn(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => pathsIn(inner, folder));
  if (!isMapping(value)) return value;
  const fields = Object.entries(value).map(([key, inner]) => [key, paths.includes(key) ? pathAt(inner, folder) : pathsIn(inner, folder)]);
  return Object.fromEntries(fields);
}

/** Written from the project's folder, so that what state keeps is the same in every checkout. */
function pathAt(path: unknown, folder: string): unknown {
  if (Array.isArray(path)) return path.map((one) => pathAt(one, folder));
  if (typeof path !== "string" || isAbsolute(path) || path === "~" || path.startsWith("~/")) return path;
  return relative(projectFolder(), resolve(folder, path)) || ".";
}

/**
 * The boards that are named (none: all) and have all of the tags; names that are no board's; and, where the tags leave no board, those
 * of them that nobody has, or all. Tags that leave nothing are a mistake: taken at their word they would give up every board.
 */
export function chosenBoards(
  boards: readonly LabBoard[],
  names: readonly string[],
  tags: readonly string[],
): { chosen: LabBoard[]; unknown: string[]; missingTags: string[] } {
  const hasTags = (board: LabBoard) => tags.every((tag) => board.tags.includes(tag));
  const isNamed = ({ name }: LabBoard) => names.length === 0 || names.includes(name);
  const chosen = boards.filter((board) => isNamed(board) && hasTags(board));
  const nobodys = tags.filter((tag) => !boards.some((board) => board.tags.includes(tag)));
  return {
    chosen,
    missingTags: chosen.length > 0 ? [] : nobodys.length > 0 ? nobodys : [...tags],
    unknown: names.filter((name) => !boards.some((board) => board.name === name)),
  };
}
