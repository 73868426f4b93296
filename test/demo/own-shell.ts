import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd } from "../boards/run";
import type { Ending } from "./ending";
import type { BoardShell } from "./eyes";
import type { OwnBoard } from "./options";

/** The demo's own eyes on a board of one's own: the system's ssh, with the user's settings, over one connection. */
export async function openOwnShell(ending: Ending, { user, host, port }: OwnBoard, key: string | undefined): Promise<BoardShell> {
  const folder = await mkdtemp(join(tmpdir(), "devbind-demo-ssh-"));
  ending.removeAtExit(folder);
  const settings = {
    ControlPath: join(folder, "ssh"),
    ControlMaster: "auto",
    ControlPersist: "yes",
    BatchMode: "yes",
    ConnectTimeout: "20",
  };
  const strict = { StrictHostKeyChecking: "yes", LogLevel: "ERROR" };
  const options = Object.entries({ ...settings, ...strict }).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const words = [...options, ...(key === undefined ? [] : ["-i", key]), "-p", String(port), "-l", user, "--", host];
  ending.atEnd(async () => {
    await runToEnd("ssh", ["-O", "exit", ...words], { timeoutSeconds: 5 });
  });
  return async (command) => {
    const ended = await runToEnd("ssh", [...words, command], { timeoutSeconds: 60 });
    if (ended.exitCode === 0) return ended.stdout.trim();
    throw new Error(`On ${host}: ${ended.stderr.trim() || ended.stdout.trim() || "no answer"}`);
  };
}

/** The devices that have a driver, and whose bus lets it be chosen by name; as "pci/0000:01:00.0  e1000e". */
export async function listDevices(shell: BoardShell): Promise<string[]> {
  const found = await shell(`for d in /sys/bus/*/devices/*; do
    [ -e "$d/driver_override" ] && [ -e "$d/driver/unbind" ] || continue
    bus=\${d#/sys/bus/} l=$(readlink "$d/driver")
    echo "\${bus%%/*}/\${d##*/}  \${l##*/}"
  done; true`);
  return found.split("\n").filter((line) => line !== "");
}
