import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const prefix = "devbind-board-";

/** A folder of this process in the system's temporary folder; those of processes that were killed are removed first. */
export async function temporaryFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : process.pid;
    if (!isAlive(owner)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
  return mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

let heldBy = 0;

/**
 * Ends this process, and by that its boards, when the process that forked it is gone: a worker of vitest outlives a killed
 * vitest. Holds until the returned function is called; without a forking process there is nothing to watch.
 */
export function endWithForker(): () => void {
  if (heldBy++ === 0) process.on("disconnect", endNow);
  return () => {
    if (--heldBy === 0) process.off("disconnect", endNow);
  };
}

function endNow(): void {
  process.exit(1);
}
