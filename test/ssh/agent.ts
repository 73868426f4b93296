import { execFileSync, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { scratch } from "./machine";
import { endAfterwards } from "./process";

/** A real ssh-agent that holds private keys, in their order; the path of its socket. `certificate` is that of the first key. */
export async function startAgent(privateKeys: string | readonly string[], certificate?: string): Promise<string> {
  const folder = scratch();
  const socket = join(folder, "socket");
  endAfterwards(spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" }));
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  // The socket's file is there a moment before anybody listens: ssh-add says 2 until then, and 1 for an agent without keys.
  while (spawnSync("ssh-add", ["-l"], { env, stdio: "ignore" }).status === 2) await sleep(10);
  for (const [index, privateKey] of [privateKeys].flat().entries()) {
    const file = join(folder, `key${index}`);
    writeFileSync(file, privateKey, { mode: 0o600 });
    if (index === 0 && certificate !== undefined) writeFileSync(`${file}-cert.pub`, certificate);
    execFileSync("ssh-add", ["-q", file], { env, stdio: "ignore" });
  }
  return socket;
}
