import { randomBytes } from "node:crypto";
import { readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Holds the lock while `work` runs. The lock is a symbolic link whose target names its owner, so owner and lock appear at once; one whose
 * owner has ended is broken.
 */
export async function withLock<Result>(lock: string, work: () => Promise<Result>, onWait?: (owner: string) => void): Promise<Result> {
  const mine = `${process.pid}.${await startOf(process.pid)}.${randomBytes(4).toString("hex")}`;
  let told = false;
  while (!(await take(lock, mine))) {
    const owner = await readlink(lock).catch(() => undefined);
    if (owner === undefined) continue;
    if (await hasEnded(owner)) {
      await breakLock(lock, owner);
      continue;
    }
    if (!told) onWait?.(owner.split(".")[0] ?? owner);
    told = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    if ((await readlink(lock).catch(() => undefined)) === mine) await rm(lock, { force: true });
  }
}

async function take(lock: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Only one breaker at a time: the lock is moved aside under a name that belongs to its owner, and put back if it was another's. */
async function breakLock(lock: string, owner: string): Promise<void> {
  const aside = `${lock}.broken-${owner}-${process.pid}`;
  await rename(lock, aside).catch(() => undefined);
  const found = await readlink(aside).catch(() => undefined);
  if (found !== undefined && found !== owner) await symlink(found, lock).catch(() => undefined);
  await rm(aside, { force: true });
}

async function hasEnded(owner: string): Promise<boolean> {
  const [pid, start] = owner.split(".");
  return (await startOf(Number(pid))) !== start;
}

/** When a process started, in the kernel's ticks; "ended" if there is none; "unknown" where the system doesn't tell. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "unknown";
  } catch {
    return isAlive(pid) ? "unknown" : "ended";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
