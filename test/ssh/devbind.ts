import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Board } from "../boards/board";

/** The built command. */
export const program = join(__dirname, "../../dist/cli/index.js");

/** How a run of the command ended. */
export interface Said {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the built `devbind` as a shell would: a process of its own, pipes, and only what it needs of the environment. */
export function devbind(
  words: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Said> {
  if (!existsSync(program)) throw new Error("the command is not built: npm run build");
  const { PATH = "", HOME = "" } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], { cwd: options.cwd, env: { PATH, HOME, ...options.env } });
    const said: Said = { code: null, out: "", err: "" };
    child.stdout.on("data", (data: Buffer) => (said.out += data.toString("utf8")));
    child.stderr.on("data", (data: Buffer) => (said.err += data.toString("utf8")));
    child.once("error", reject);
    child.once("close", (code) => resolve({ ...said, code }));
    child.stdin.end(options.input ?? "");
  });
}

/** The options that reach a board. `knownHosts` is a file that holds its `knownHostsLine`. */
export const hostOptions = ({ user, host, port, privateKeyPath }: Board, knownHosts: string): string[] => [
  ...["--host", `${user}@${host}:${port}`],
  ...["--identity", privateKeyPath, "--known-hosts", knownHosts],
];
