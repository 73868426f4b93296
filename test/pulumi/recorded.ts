import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Board } from "../boards/board";

export const statesFolder = join(__dirname, "../state");
/** The machine id of the board that recorded states are of, and the stack's name in them. */
export const recordedBoard = "e1".repeat(16);
export const recordedStack = "recorded";

/** All recorded states of all versions, as `0.1.0/from-engine.json`: of one device, or of a whole board. */
export const recordedStates = (of: "from-engine" | "board-from-engine" = "from-engine"): string[] =>
  readdirSync(statesFolder).flatMap((version) =>
    readdirSync(join(statesFolder, version))
      .filter((file) => file.startsWith(of) && file.endsWith(".json"))
      .map((file) => `${version}/${file}`),
  );

interface State {
  deployment: { resources: { inputs?: { connection?: object }; outputs?: { connection?: object } }[] };
}

/** How the engine's JSON marks a secret. */
const secretMark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

/** A recorded state whose board is this one: port and keys are others in every run and on every machine. */
export async function stateFor(name: string, { host, port, hostKey, privateKey }: Board): Promise<string> {
  const state = JSON.parse(await readFile(join(statesFolder, name), "utf8")) as State;
  const address = { host, port, hostKey, privateKey: { ...secretMark, plaintext: JSON.stringify(privateKey) } };
  for (const { inputs, outputs } of state.deployment.resources) {
    for (const side of [inputs, outputs]) if (side?.connection) Object.assign(side.connection, address);
  }
  return JSON.stringify(state);
}
