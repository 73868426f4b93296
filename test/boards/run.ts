import { spawn } from "node:child_process";

/** Told in one line what is being done, or how long it took. */
export type Say = (line: string) => void;

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Written to standard input, which is then closed. */
  input?: string;
  timeoutSeconds?: number;
}

/** How a command ended: its whole output, and the exit code (undefined where a signal ended it). */
export interface Ended {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
  timedOut: boolean;
}

/** `depmod` and its kind live in sbin, which is not on every user's PATH. */
export const toolPath = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Runs a command to its end, whatever its exit code. Refuses only where it cannot be started. */
export function runToEnd(command: string, args: string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, PATH: toolPath, ...options.env }, stdio: "pipe" });
    const ended: Ended = { stdout: "", stderr: "", exitCode: undefined, timedOut: false };
    // Not waiting for "close" then: others may hold the killed command's output open, as the shared ssh connection does.
    const stop = () => {
      ended.timedOut = true;
      child.kill("SIGKILL");
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      resolve(ended);
    };
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(stop, options.timeoutSeconds * 1000);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      ended.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      ended.stderr += text;
    });
    child.stdin.on("error", () => {}); // the command may end without reading
    child.stdin.end(options.input);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`cannot start ${command}: ${error.message}`));
    });
    child.on("close", (exitCode) => {
      clearTimeout(timer);
      resolve({ ...ended, exitCode: exitCode ?? undefined });
    });
  });
}

/** Runs a command and returns what it printed. Refuses an exit code that is not 0, quoting the command's own words. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const ended = await runToEnd(command, args, options);
  if (ended.exitCode === 0) return ended.stdout;
  const why = ended.timedOut ? `took more than ${options.timeoutSeconds} s` : `ended with ${ended.exitCode ?? "a signal"}`;
  throw new Error(`${command} ${args.join(" ")} ${why}: ${ended.stderr.trim() || ended.stdout.trim() || "no output"}`);
}

/** Runs a step and says what it was and how long it took, in seconds. */
export async function timed<Result>(say: Say, step: string, work: () => Promise<Result>): Promise<Result> {
  const start = Date.now();
  const result = await work();
  say(`${step}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
