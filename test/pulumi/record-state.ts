import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { type Board, bootBoard } from "../boards/board";
import { openStack, type Stack } from "../helpers/pulumi/engine";
import { examples } from "./examples";
import { card, clock, rebindByHand } from "./eyes";
import { recordedBoard, recordedStack, statesFolder } from "./recorded";

const repository = resolve(__dirname, "../..");

/**
 * Records the state that this version leaves: `npx tsx test/pulumi/record-state.ts`, once for a release, after `npm run build`. The
 * secrets in it are encrypted with the tests' passphrase; the key is this machine's throw-away key for its QEMU boards.
 */
async function record(): Promise<void> {
  const manifest = JSON.parse(await readFile(join(__dirname, "../../package.json"), "utf8")) as { version: string };
  const folder = join(statesFolder, manifest.version);
  await mkdir(folder, { recursive: true });
  const board = await bootBoard("arm64", { machineId: recordedBoard });
  try {
    await recordDevice(board, folder);
    await recordBoard(board, folder);
  } finally {
    await board.close();
  }
}

const keep = async (stack: Stack, file: string) => writeFile(file, withoutPaths(`${JSON.stringify(await stack.state(), null, 2)}\n`));

/** A binding as it was created, and as it is after a drift was repaired. */
async function recordDevice(board: Board, folder: string): Promise<void> {
  const stack = await openStack({ project: join(__dirname, "../../examples/first"), stack: recordedStack });
  try {
    await examples.first?.configure(stack, [board]);
    await stack.up();
    await keep(stack, join(folder, "from-engine.json"));
    await rebindByHand(board, card, "e1000e");
    await stack.up();
    await keep(stack, join(folder, "from-engine-repaired.json"));
    await stack.destroy();
  } finally {
    await stack.close();
  }
}

/** The same of a whole board, of which one device drifted. */
async function recordBoard(board: Board, folder: string): Promise<void> {
  const stack = await openStack({ project: join(__dirname, "program"), stack: recordedStack });
  const { host, port, privateKey, hostKey } = board;
  const bindings = {
    card: { bus: card[0], device: card[1], driver: "vfio-pci" },
    clock: { bus: clock[0], device: { address: "9010000" }, driver: null },
  };
  const program = { bench: { args: { connection: { host, port, privateKey, hostKey }, bindings } } };
  try {
    await writeFile(join(stack.folder, "bindings.json"), JSON.stringify(program));
    await stack.up();
    await keep(stack, join(folder, "board-from-engine.json"));
    await rebindByHand(board, clock, "rtc-pl031");
    await stack.up();
    await keep(stack, join(folder, "board-from-engine-repaired.json"));
    await stack.destroy();
  } finally {
    await stack.close();
  }
}

/** The engine notes where in the sources a resource was made: not where this machine keeps them. */
const withoutPaths = (state: string): string => state.replaceAll(new RegExp(`(\\.\\./)*${repository.slice(1)}/`, "g"), "repository/");

void record();
