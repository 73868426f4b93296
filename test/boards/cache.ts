import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** Where everything that was downloaded or built lives, outside the repository; deleting it loses nothing but time. */
export function cacheFolder(): string {
  return resolve(process.env.DEVBIND_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-devbind", "boards"));
}

/** A short name for these inputs: equal inputs, equal name. */
export function hashOf(...inputs: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(`${input.length}:`).update(input);
  return hash.digest("hex").slice(0, 16);
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * Gives the folder `name` of the cache, and fills it first where it is not there. Everybody sees it whole or not at all: it
 * is filled elsewhere under a lock and renamed into place, so any number of processes may ask at once.
 */
export async function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const final = join(cacheFolder(), name);
  if (await exists(final)) return final;
  await mkdir(dirname(final), { recursive: true });
  const release = await lock(join(cacheFolder(), `${name}.lock`));
  try {
    if (await exists(final)) return final;
    for (const other of await readdir(cacheFolder())) {
      if (!other.startsWith(`${basename(final)}.building-`)) continue;
      // Left by somebody who was killed; a child of theirs may still be writing, so what cannot be removed waits for the next.
      await rm(join(cacheFolder(), other), { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    }
    const building = await mkdtemp(`${final}.building-`);
    try {
      await fill(building);
      await rename(building, final);
    } finally {
      await rm(building, { recursive: true, force: true });
    }
    return final;
  } finally {
    release();
  }
}

/** Waits for the lock. The kernel frees it when this process ends, however it ends: flock's child reads our pipe to its end. */
function lock(path: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const holder = spawn("flock", ["--exclusive", path, "sh", "-c", "echo locked; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
    const refuse = (why: string) => reject(new Error(`cannot lock ${path}: ${why}`));
    holder.on("error", (error) => refuse(error.message));
    holder.on("exit", (exitCode) => refuse(`flock ended with ${exitCode}`));
    holder.stdout.once("data", () => resolve(() => holder.stdin.end()));
  });
}
