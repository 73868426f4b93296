import * as pulumi from "@pulumi/pulumi";
import { lookDials } from "./board/board";
import { listBoard } from "./board/list";
import { DevbindError, nothingSent } from "./errors";
import { type DeviceFilter, type DeviceFilterInput, deviceFilterSchema, type Inventory, isWanted, type ListedDevice } from "./inventory";
import { warnOfUnchecked } from "./judge";
import { type ConnectionArgs, credentialProblems, type DeepFields } from "./resource";
import { type Connection, parseInputs } from "./schema";

/** A whole board as data. */
export type BoardView = Inventory;

/** Lists a board. */
export type List = (connection: Connection) => Promise<Inventory>;

/** Which board. */
export interface GetBoardArgs {
  connection: pulumi.Input<ConnectionArgs>;
}

/** Which devices of which board: those of which all that is given holds. */
export type GetDevicesArgs = GetBoardArgs & DeepFields<Omit<DeviceFilterInput, "connection">>;

const overSsh: List = (connection) => listBoard(connection, { dials: lookDials });
let injected: List | undefined;

/** For tests of programs: boards are listed by this function, also where there is no engine; undefined goes back to SSH. */
export function injectInventory(list: List | undefined): void {
  injected = list;
  listed = new WeakMap();
}

/**
 * Everything on a board as it is now: devices with their drivers, claims, and what transactions left. It writes nothing. All calls of
 * a program for one connection share one look. Unknown while an input is unknown; never secret, since nothing of the connection is in
 * it. Under `pulumi.runtime.setMocks` it is empty, unless `injectInventory` says otherwise.
 * Rejects with a `DevbindError` for an input that can't be right, and where the board gives no answer: the program can't go on then.
 */
export function getBoard(args: GetBoardArgs): pulumi.Output<BoardView> {
  return pulumi.unsecret(pulumi.output({ ...args }).apply(async (inputs) => (await ask("getBoard", inputs)).inventory));
}

/**
 * The devices of a board of which all holds that is given; as `getBoard` otherwise. Choose by what a device is (`pciId`, `modalias`,
 * `compatible`): once it is bound elsewhere, the `driver` it had before finds it no more.
 */
export function getDevices(args: GetDevicesArgs): pulumi.Output<ListedDevice[]> {
  const chosen = pulumi.output({ ...args }).apply(async (inputs) => {
    const { inventory, filter } = await ask("getDevices", inputs);
    return inventory.devices.filter((device) => isWanted(device, filter));
  });
  return pulumi.unsecret(chosen);
}

/** The board that checked inputs name, and the rest of them. */
async function ask(caller: string, inputs: Record<string, unknown>): Promise<{ inventory: Inventory; filter: DeviceFilter }> {
  const { problems, parsed } = parseInputs(deviceFilterSchema, inputs, () => false);
  const [problem] = [...problems, ...credentialProblems(parsed?.connection)];
  if (parsed === undefined || problem !== undefined) {
    if (problem?.text !== undefined) throw invalid(`${caller}: ${problem.text}`, problem.property);
    throw invalid(`${caller}: ${problem?.property} ${problem?.message}.`, problem?.property);
  }
  const { connection, ...filter } = parsed;
  // Among inputs null is nothing; here it is a driver's name, of those that have none.
  return { inventory: await shared(caller, connection), filter: inputs.driver === null ? { ...filter, driver: null } : filter };
}

const invalid = (failed: string, property?: string): DevbindError =>
  new DevbindError("invalid", { failed, now: failed.includes(nothingSent) ? "" : nothingSent, todo: "" }, property);

/** What each run of a program has asked for: one process may run several programs, or one again, each with an engine of its own. */
let listed = new WeakMap<object, Map<string, Promise<Inventory>>>();
const withoutEngine = {};

function shared(caller: string, connection: Connection): Promise<Inventory> {
  if (injected === undefined && !pulumi.runtime.hasEngine()) return Promise.resolve(nothing);
  const run = pulumi.runtime.getMonitor() ?? withoutEngine;
  const boards = listed.get(run) ?? new Map<string, Promise<Inventory>>();
  listed.set(run, boards);
  const key = JSON.stringify(connection);
  const known = boards.get(key);
  if (known) return known;
  warnOfUnchecked(undefined, { connection });
  const inventory = (injected ?? overSsh)(connection).catch((error: unknown) => {
    throw error instanceof DevbindError ? withoutAnswer(caller, error) : error;
  });
  boards.set(key, inventory);
  return inventory;
}

function withoutAnswer(caller: string, { kind, words, property }: DevbindError): DevbindError {
  const now = `${words.now} ${caller} has no devices to give, so the program ends here.`.trimStart();
  return new DevbindError(kind, { ...words, now }, property);
}

/** The board of a program that runs under mocks. */
const nothing: Inventory = {
  board: {
    ...{ boardId: "", bootId: "", hostName: "", kernel: "", stateFolder: null },
    ...{ isRoot: true, isSysfsWritable: true, condition: "quiet" as const },
  },
  devices: [],
  claims: [],
  journals: [],
};
