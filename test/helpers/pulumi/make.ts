import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cli, cachedFolder, cacheRoot, type Progress, versionIn } from "./cache";
import { withLock } from "./lock";

/**
 * Lets `work` fill a temporary folder in the cache, tries the CLI in it, and moves it into its place. One process at a time; whoever comes
 * second finds it made. A killed one leaves only a temporary folder, which the next one removes.
 */
export async function makeInCache(
  how: Exclude<Cli["how"], "path">,
  onProgress: Progress,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  await mkdir(cacheRoot(), { recursive: true });
  const waiting = (owner: string) => onProgress(`Waiting for process ${owner}, which is making the Pulumi CLI`);
  await withLock(`${cachedFolder()}.lock`, () => make(how, work), waiting);
}

async function make(how: string, work: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(cachedFolder())) return;
  await removeLeftovers();
  const folder = await mkdtemp(join(cacheRoot(), "making-"));
  try {
    await work(folder);
    const cli = join(folder, "bin");
    if (!(await versionIn(cli))) throw new Error(`The Pulumi CLI that was just made in ${cli} does not run`);
    await writeFile(join(cli, "made"), `${how}\n`);
    await rename(cli, cachedFolder());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(cacheRoot())) {
    if (name.startsWith("making-")) await rm(join(cacheRoot(), name), { recursive: true, force: true });
  }
}
