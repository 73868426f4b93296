import { readFileSync } from "node:fs";

/** The boot that every made board is in. */
export const bootId = "0f0e0d0c-1111-2222-3333-444455556666";

/** The fields of proc(5)'s stat after the name: state, parent, …; undefined where there is no such process. */
function stat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(") ") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** The name of a living process as lock and journals have it. */
export function identityOf(pid: number): string {
  return `${pid}.${stat(pid)?.[19] ?? "0"}.${bootId}`;
}

/** Whether the process is there and no zombie. */
export function isAlive(pid: number): boolean {
  const state = stat(pid)?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** The child of `script` that `pid` is or descends from: the one that does the writing. */
export function writerOf(pid: number, script: number): number | undefined {
  for (let here = pid; here > 1; ) {
    const parent = Number(stat(here)?.[1] ?? 0);
    if (parent === script) return here;
    here = parent;
  }
  return undefined;
}

/** Kills at once, so that none of them can react to the end of another. */
export function killNow(...pids: (number | undefined)[]): void {
  for (const pid of pids) {
    try {
      if (pid !== undefined && pid > 1) process.kill(pid, "SIGKILL");
    } catch {}
  }
}

/** Waits until it holds, for some seconds at most. */
export async function until(what: string | (() => string), holds: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`still not so after ${seconds} s: ${typeof what === "string" ? what : what()}`);
}
