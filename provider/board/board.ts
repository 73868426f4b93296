import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import type { Board, Connection, Device } from "../schema";
import { addressOf } from "../ssh/connection";
import { withConnection } from "../ssh/pool";
import { encode, field, isComplete, list, parseAnswer, readLine, requestLine, text, yes, yesOrNothing, type AnswerLine } from "./protocol";
import { boardScript } from "./script";

/** A device to look at, and the driver and module that are wished for it. */
export interface LookItem {
  bus: string;
  device: string;
  driver: string | null;
  module: string | null;
}

/** A board and its devices, in the order they were asked for. */
export interface Observation {
  board: Board;
  devices: Device[];
}

/** One write of a transaction. `device` is the place in its list of devices; `value` a driver, module or override (null clears). */
export interface Step {
  device: number;
  word: "module" | "override" | "unbind" | "bind" | "probe";
  value: string | null;
}

/** What is asked for one device: what it was seen as, what it shall be (undefined: anything), and whose it is. */
export interface TransactionDevice extends LookItem {
  seen: { driver: string | null; override: string | null; hasOverride: boolean };
  wish: { driver?: string | null; override?: string | null };
  claim: "take" | "keep" | "drop";
  past: { driver: string | null; override: string | null };
}

export interface Transaction {
  id: string;
  claimant: string;
  timeoutSeconds: number;
  force: boolean;
  devices: TransactionDevice[];
  steps: Step[];
}

const outcomeSchema = z.object({
  is: z.enum(["done", "undone", "stuck", "moved", "busy", "refused", "running", "interrupted", "unknown"]),
  problem: text.default("-"),
  word: text.optional(),
  device: z.string().optional(),
  kernel: field.default(null),
  path: field.default(null),
  holder: list.default([]),
  left: field.default(null),
  undoing: field.default(null),
});
/** What became of a transaction, in the board's words. */
export type Outcome = z.output<typeof outcomeSchema>;

/** A new transaction's id: the board keeps its outcome under it. */
export const newTransactionId = () => randomBytes(12).toString("hex");

/** Looks at devices of one board: one login (shared) and one exec; writes nothing. `dials` limits how often a dead board is tried. */
export async function look(
  connection: Connection,
  items: LookItem[],
  options: { dials?: number; timeoutSeconds?: number } = {},
): Promise<Observation> {
  const request = items.map((item) => ["device", encode(item.bus), encode(item.device), encode(item.driver), encode(item.module)]);
  const lines = await ask(connection, "look", request, options.timeoutSeconds ?? 30, options.dials);
  return observation(connection, items, lines);
}

/** Runs a transaction, once; the board holds it to its three outcomes. */
export async function apply(connection: Connection, transaction: Transaction): Promise<{ outcome: Outcome; observation: Observation }> {
  const lines = await ask(connection, "apply", applyItems(transaction), transaction.timeoutSeconds * 2);
  const outcome = readLine(
    lines.find((line) => line.word === "outcome"),
    outcomeSchema,
    addressOf(connection),
  );
  return { outcome, observation: observation(connection, transaction.devices, lines) };
}

/** What became of a transaction whose answer was lost; asked over a new login. */
export async function askOutcome(connection: Connection, transaction: Transaction): Promise<Outcome> {
  const head = applyItems({ ...transaction, devices: [], steps: [] });
  const lines = await ask(connection, "outcome", head, 30);
  return readLine(
    lines.find((line) => line.word === "outcome"),
    outcomeSchema,
    addressOf(connection),
  );
}

/** The request's items for an apply, as `devbind.sh` reads them. */
export function applyItems(transaction: Transaction): string[][] {
  const override = (value: string | null | undefined, hasOverride: boolean) =>
    hasOverride ? (value === undefined ? "-any" : encode(value)) : "-unsupported";
  const devices = transaction.devices.map(({ seen, wish, past, ...device }) => [
    "device",
    ...[device.bus, device.device, device.driver, device.module, seen.driver].map(encode),
    override(seen.override, seen.hasOverride),
    wish.driver === undefined ? "-any" : encode(wish.driver),
    override(wish.override, seen.hasOverride),
    device.claim,
    ...[past.driver, past.override].map(encode),
  ]);
  const steps = transaction.steps.map((step) => ["step", String(step.device), step.word, encode(step.value)]);
  const head = [
    "transaction",
    transaction.id,
    encode(transaction.claimant),
    String(transaction.timeoutSeconds),
    transaction.force ? "yes" : "no",
  ];
  return [head, ...devices, ...steps];
}

async function ask(
  connection: Connection,
  operation: "look" | "apply" | "outcome",
  items: string[][],
  timeoutSeconds: number,
  dials?: number,
): Promise<AnswerLine[]> {
  const nonce = randomBytes(12).toString("hex");
  const input = boardScript() + requestLine(nonce, operation, items);
  const answer = await withConnection(
    connection,
    (board) =>
      board.run({
        command: "exec sh -s",
        input,
        isComplete: (stdout) => isComplete(stdout, nonce),
        maximumBytes: 4 * 1024 * 1024,
        timeoutSeconds: timeoutSeconds + 30,
      }),
    { dials },
  );
  return parseAnswer(answer.stdout, nonce, addressOf(connection));
}

const boardLine = z.object({
  boot: text,
  condition: z.enum(["quiet", "busy"]),
  uid: text,
  machine: field,
  uuid: field,
  serial: field,
  kernel: text,
  host: text,
  state: field,
  writable: yes,
});

function observation(connection: Connection, items: LookItem[], lines: AnswerLine[]): Observation {
  const address = addressOf(connection);
  const board = readLine(
    lines.find((line) => line.word === "board"),
    boardLine,
    address,
  );
  const devices = lines.filter((line) => line.word === "device");
  return {
    board: {
      boardId: boardId(board, connection),
      bootId: board.boot,
      hostName: board.host,
      kernel: board.kernel,
      isRoot: board.uid === "0",
      isSysfsWritable: board.writable,
      stateFolder: board.state,
      condition: board.condition,
    },
    devices: items.map((item, index) =>
      deviceOf(
        item,
        devices.find((line) => line.fields.index === String(index)),
        address,
      ),
    ),
  };
}

/** A hash of what the board says of itself; a board that says nothing is its address. */
function boardId(board: z.output<typeof boardLine>, connection: Connection): string {
  const facts = [board.machine, board.uuid ?? board.serial].filter((fact) => fact !== null);
  if (facts.length === 0) return `address:${connection.host}:${connection.port}`;
  return createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 32);
}

const absentLine = z.object({ present: z.literal("no"), bus: yes, similar: list });
const deviceLine = z.object({
  driver: field,
  unbindable: yes,
  path: text,
  journal: z.enum(["-", "interrupted", "running", "stuck"]),
  override: z.string(),
  modalias: field,
  compatible: list,
  group: field,
  members: z.string(),
  node: field,
  registered: yesOrNothing,
  bindable: yesOrNothing,
  loadable: yesOrNothing,
  similar: list,
  guard: field,
  claimant: field,
  claimDriver: field,
  claimOverride: field,
});

function deviceOf(item: LookItem, line: AnswerLine | undefined, address: string): Device {
  const nothing = {
    bus: item.bus,
    name: item.device,
    driver: null,
    canUnbind: false,
    override: null,
    hasOverride: false,
    journal: "none" as const,
  };
  const unknown = {
    modalias: null,
    compatible: [],
    sysfsPath: null,
    iommuGroup: null,
    groupMembers: [],
    vfioPath: null,
    wanted: null,
    guard: null,
    claim: null,
  };
  if (line?.fields.present === "no") {
    const absent = readLine(line, absentLine, address);
    return { ...nothing, ...unknown, isPresent: false, isBusPresent: absent.bus, similarNames: absent.similar };
  }
  const found = readLine(line, deviceLine, address);
  return {
    ...nothing,
    isBusPresent: true,
    isPresent: true,
    similarNames: found.similar,
    driver: found.driver,
    canUnbind: found.unbindable,
    override: found.override.startsWith("-") ? null : field.parse(found.override),
    hasOverride: found.override !== "-unsupported",
    journal: found.journal === "-" ? "none" : found.journal,
    modalias: found.modalias,
    compatible: found.compatible,
    sysfsPath: found.path,
    iommuGroup: found.group,
    groupMembers: membersOf(found.members),
    vfioPath: found.node,
    wanted:
      found.registered === null ? null : { isRegistered: found.registered, canBind: found.bindable === true, isLoadable: found.loadable },
    guard: found.guard,
    claim: found.claimant === null ? null : { claimant: found.claimant, driver: found.claimDriver, override: found.claimOverride },
  };
}

function membersOf(word: string): Device["groupMembers"] {
  if (word === "-") return [];
  return word.split(",").map((member) => {
    const [name = "-", driver = "-"] = member.split(";");
    return { name: field.parse(name) ?? "", driver: field.parse(driver) };
  });
}
