import { fork } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { whyNoBoards } from "../boards/board";
import { giveUp } from "../boards/can-run";
import { cases } from "./cases";

const minutes = 60_000;

/** The short run, as a process of its own, which ends when this one does: its exit code and its last lines, the table. */
function runShort(): Promise<{ code: number | null; lines: string[] }> {
  return new Promise((resolve, reject) => {
    const child = fork(join(__dirname, "faults.ts"), ["--short"], { execArgv: ["--import", "tsx"], silent: true });
    let text = "";
    for (const output of [child.stdout, child.stderr])
      output?.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        process.stdout.write(part);
      });
    child.on("error", reject).on("close", (code) => resolve({ code, lines: text.trim().split("\n") }));
  });
}

/** A row of the table. */
function rowOf(lines: string[], name: string): { tried: number; inside: number } {
  const row = lines.find((line) => line.startsWith(`${name}  `)) ?? "";
  const [tried = 0, inside = 0] = row.slice(name.length).trim().split(/ +/).map(Number);
  return { tried, inside };
}

describe("faults in the dialogue with a real board", async () => {
  const why = await whyNoBoards();
  test(
    "leave no device half-bound and lose no outcome, whatever is killed, cut, switched off, moved or asked for twice",
    async (context) => {
      if (why !== undefined) giveUp(context, why);
      const { code, lines } = await runShort();
      expect(lines.at(-1)).toMatch(/^faults: \d+ tried, 0 half-bound, 0 lost$/);
      for (const { name } of cases) expect(rowOf(lines, name).tried, name).toBeGreaterThan(0);
      const { tried, inside } = rowOf(lines, "all");
      expect(inside, "hits inside the dialogue").toBeGreaterThanOrEqual(tried * 0.9);
      expect(code).toBe(0);
    },
    30 * minutes,
  );
});
