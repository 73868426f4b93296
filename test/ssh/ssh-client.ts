import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { scratch } from "./machine";

/** What OpenSSH's own client answers: what it printed, or undefined where it didn't get in. It asks nobody anything. */
export async function realSsh(privateKey: string, words: readonly string[], command = "echo in"): Promise<string | undefined> {
  const identity = join(scratch(), "id");
  writeFileSync(identity, privateKey, { mode: 0o600 });
  const options = ["-i", identity, "-o", "BatchMode=yes", "-o", "GlobalKnownHostsFile=/dev/null"];
  try {
    const { stdout } = await promisify(execFile)("ssh", [...options, ...words, command], { env: { ...process.env, SSH_AUTH_SOCK: "" } });
    return stdout;
  } catch {
    return undefined;
  }
}
