import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Marks } from "./secrets-marks";

/** What was seen of this machine's processes. */
export interface Seen {
  /** Every command line, its words with spaces between them. */
  readonly commands: string[];
  /** Where a mark was shown: `argument of node: names`, `PULUMI_CONFIG of node: names`. */
  readonly shown: string[];
}

const pauseMilliseconds = 30;

/** Reads command lines and environments of all processes of this machine, again and again, until it is stopped. */
export function watchProcesses(marks: Marks): () => Promise<Seen> {
  const known = new Set<string>();
  const commands = new Set<string>();
  const shown = new Set<string>();
  let isStopped = false;
  const look = () => {
    for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const [words, variables] = [recordsOf(id, "cmdline"), recordsOf(id, "environ")];
      const key = `${id} ${words.join(" ")} ${variables.length}`;
      if (known.has(key)) continue;
      known.add(key);
      commands.add(words.join(" "));
      const program = words[0] ?? "?";
      const told = [
        ...words.map((word) => ["argument", word] as const),
        ...variables.map((text) => [text.split("=")[0] ?? "", text] as const),
      ];
      for (const [where, text] of told) {
        const names = marks.in(text);
        if (names.length > 0) shown.add(`${where} of ${program}: ${names.join(", ")}`);
      }
    }
  };
  const watching = (async () => {
    while (!isStopped) {
      look();
      await sleep(pauseMilliseconds);
    }
  })();
  return async () => {
    isStopped = true;
    await watching;
    return { commands: [...commands], shown: [...shown].sort() };
  };
}

/** The records of a process's file, each ended by NUL; none when it is gone or not ours to read. */
function recordsOf(id: string, file: string): string[] {
  try {
    return readFileSync(`/proc/${id}/${file}`, "latin1").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
