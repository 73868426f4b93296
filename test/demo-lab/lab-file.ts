import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, isMap, isScalar, parseDocument } from "yaml";
import type { Board } from "../boards/board";

/** What a lab file and known_hosts say of a board. */
type Reachable = Pick<Board, "host" | "port" | "privateKeyPath" | "knownHostsLine">;

/**
 * Rewrites a copy of examples/lab/lab.yaml for booted boards, and writes known_hosts beside it: their addresses, their key, and no board
 * that is not booted. All else stays as the example has it.
 */
export async function aimAt(folder: string, boards: ReadonlyMap<string, Reachable>, file = "lab.yaml"): Promise<void> {
  const path = join(folder, file);
  const lab = parseDocument(await readFile(path, "utf8"));
  for (const name of namesIn(lab)) {
    const board = boards.get(name);
    if (board === undefined) lab.deleteIn(["boards", name]);
    else {
      lab.setIn(["boards", name, "connection", "host"], board.host);
      lab.setIn(["boards", name, "connection", "port"], board.port);
      lab.setIn(["defaults", "connection", "privateKeyPath"], board.privateKeyPath);
    }
  }
  await writeFile(path, lab.toString());
  await writeFile(join(folder, "known_hosts"), [...boards.values()].map(({ knownHostsLine }) => `${knownHostsLine}\n`).join(""));
}

function namesIn(lab: Document): string[] {
  const boards = lab.get("boards");
  if (!isMap(boards)) throw new Error("the lab file has no boards");
  return boards.items.map(({ key }) => String(isScalar(key) ? key.value : key));
}
