import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What a child process left behind. */
export interface Finished {
  /** Exit code; 128 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was stopped before its end, if it was. */
  readonly stopped?: string;
}

/** How to run a child process. */
export interface HowToRun {
  folder?: string;
  env?: NodeJS.ProcessEnv;
  timeoutSeconds?: number;
  /** Stops it when it has printed nothing on stdout for so long after its start. */
  firstOutputSeconds?: number;
  /** Sees every line of both outputs as it comes. */
  onLine?: (line: string) => void;
}

const running = new Set<ChildProcess>();

/** Runs a command without stdin, in a session of its own, and ends that whole session when time is up. Never rejects on an exit code. */
export function run(command: string, commandArguments: string[], how: HowToRun = {}): Promise<Finished> {
  endLeftoversAtExit();
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArguments, { cwd: how.folder, env: how.env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let stopped: string | undefined;
    const stop = (why: string) => {
      stopped = why;
      endSession(child);
    };
    const limits = [after(how.timeoutSeconds, (seconds) => stop(`stopped after ${seconds} s`))];
    const silence = after(how.firstOutputSeconds, (seconds) => stop(`stopped: no word in ${seconds} s`));
    child.stdout.once("data", () => clearTimeout(silence));
    limits.push(silence);
    const stdout = collect(child.stdout, how.onLine);
    const stderr = collect(child.stderr, how.onLine);
    const settle = () => {
      for (const limit of limits) clearTimeout(limit);
      running.delete(child);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    // "exit" first: a leftover that inherited the pipes would hold back "close" for ever.
    child.once("exit", () => endSession(child));
    child.once("close", (code) => {
      settle();
      resolve({ code: code ?? 128, stdout: stdout(), stderr: stderr(), stopped });
    });
  });
}

function after(seconds: number | undefined, act: (seconds: number) => void): NodeJS.Timeout | undefined {
  return seconds === undefined ? undefined : setTimeout(() => act(seconds), seconds * 1000);
}

function collect(stream: NodeJS.ReadableStream, onLine?: (line: string) => void): () => string {
  let text = "";
  let seen = 0;
  stream.setEncoding("utf8");
  stream.on("data", (part: string) => {
    text += part;
    for (let end = text.indexOf("\n", seen); onLine && end >= 0; end = text.indexOf("\n", seen)) {
      onLine(text.slice(seen, end));
      seen = end + 1;
    }
  });
  return () => text;
}

/** Kills a child and everything that still runs in its session (the engine puts its plugins in process groups of their own). */
function endSession(child: ChildProcess): void {
  if (child.pid === undefined) return;
  for (const id of [-child.pid, ...membersOfSession(child.pid)]) {
    try {
      process.kill(id, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

function membersOfSession(session: number): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && sessionOf(name) === session)
      .map(Number);
  } catch {
    return [];
  }
}

function sessionOf(id: string): number {
  return Number(statOf(id)[3]);
}

/** State, parent, group, session and so on: what follows the name in brackets, which may hold anything. Empty if there is no such process. */
function statOf(id: number | string): string[] {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Whether a process still does something; one that has ended and only waits to be collected does not. */
export function isRunning(id: number): boolean {
  const state = statOf(id)[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

let watchingExit = false;

function endLeftoversAtExit(): void {
  if (watchingExit) return;
  watchingExit = true;
  process.once("exit", () => {
    for (const child of running) endSession(child);
  });
}
