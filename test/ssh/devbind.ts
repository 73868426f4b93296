import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Board } from "../boards/board";
import { run } from "../helpers/pulumi/run";

/** The built command. */
export const program = join(__dirname, "../../dist/cli/index.js");

/** Runs the built `devbind` as a shell would: a process of its own, pipes, nothing to read, and only what it needs of the environment. */
export async function devbind(words: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  if (!existsSync(program)) throw new Error("the command is not built: npm run build");
  const { PATH = "", HOME = "" } = process.env;
  const how = { folder: options.cwd, env: { PATH, HOME, ...options.env }, timeoutSeconds: 120 };
  const { code, stdout, stderr } = await run(process.execPath, [program, ...words], how);
  return { code, out: stdout, err: stderr };
}

/** The options that reach a board. `knownHosts` is a file that holds its `knownHostsLine`. */
export const hostOptions = ({ user, host, port, privateKeyPath }: Board, knownHosts: string): string[] => [
  ...["--host", `${user}@${host}:${port}`],
  ...["--identity", privateKeyPath, "--known-hosts", knownHosts],
];
