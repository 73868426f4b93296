import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Board } from "../boards/board";
import { openStack, type Stack } from "../helpers/pulumi/engine";
import { connectionTo } from "../kernel/binding";
import type { Shape } from "./shapes";

/** A stack of the real engine with one resource, "card", which takes a shape's device over a port. */
export interface CardStack extends Stack {
  write(port: number): Promise<void>;
}

export async function openCardStack(board: Board, { device: [bus, device], to: { driver } }: Shape): Promise<CardStack> {
  const stack = await openStack({ project: join(__dirname, "../pulumi/program") });
  const write = (port: number) => {
    const args = { connection: { ...connectionTo(board), port }, bus, device, driver, timeoutSeconds: 10 };
    return writeFile(join(stack.folder, "bindings.json"), JSON.stringify({ card: { args } }));
  };
  await write(board.port);
  return { ...stack, write };
}

const exported = z.object({
  deployment: z.object({ resources: z.array(z.object({ urn: z.string(), outputs: z.record(z.string(), z.unknown()).optional() })) }),
});

/** What an exported state knows of the resource. */
export const cardIn = (state: unknown) => exported.parse(state).deployment.resources.find(({ urn }) => urn.endsWith("::card"))?.outputs;

/** Starts `pulumi up` without its preview, in a session of its own. */
export function startUp({ name, folder, env }: Stack) {
  const words = ["up", "--yes", "--skip-preview", "--stack", name, "--non-interactive", "--color", "never"];
  return spawn("pulumi", words, { cwd: folder, env, detached: true, stdio: "ignore" });
}

/** Kills a process with its whole session: the engine, the program and the provider's process. */
export function killSession(leader: number): void {
  const members = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && sessionOf(name) === leader);
  for (const member of members) {
    try {
      process.kill(Number(member), "SIGKILL");
    } catch {
      // it has just ended by itself
    }
  }
}

function sessionOf(process: string): number {
  try {
    const stat = readFileSync(`/proc/${process}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
  } catch {
    return 0;
  }
}
