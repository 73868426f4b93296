import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { bootBoard } from "../boards/board";
import { openStack } from "../helpers/pulumi/engine";
import { examples } from "./examples";
import { card, rebindByHand } from "./eyes";
import { recordedBoard, recordedStack, statesFolder } from "./recorded";

const repository = resolve(__dirname, "../..");

/**
 * Records the state that this version leaves: `npx tsx test/pulumi/record-state.ts`, once for a release, after `npm run build`. The
 * secrets in it are encrypted with the tests' passphrase; the key is this machine's throw-away key for its QEMU boards.
 */
async function record(): Promise<void> {
  const board = await bootBoard("arm64", { machineId: recordedBoard });
  const stack = await openStack({ project: join(__dirname, "../../examples/first"), stack: recordedStack });
  const manifest = JSON.parse(await readFile(join(__dirname, "../../package.json"), "utf8")) as { version: string };
  const folder = join(statesFolder, manifest.version);
  const keep = async (name: string) => writeFile(join(folder, name), withoutPaths(`${JSON.stringify(await stack.state(), null, 2)}\n`));
  try {
    await mkdir(folder, { recursive: true });
    await examples.first?.configure(stack, [board]);
    await stack.up();
    await keep("from-engine.json");
    await rebindByHand(board, card, "e1000e");
    await stack.up();
    await keep("from-engine-repaired.json");
  } finally {
    await stack.close();
    await board.close();
  }
}

/** The engine notes where in the sources a resource was made: not where this machine keeps them. */
const withoutPaths = (state: string): string => state.replaceAll(new RegExp(`(\\.\\./)*${repository.slice(1)}/`, "g"), "repository/");

void record();
