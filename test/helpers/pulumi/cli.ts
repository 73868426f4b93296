import { realpathSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";
import { build } from "./build";
import { type Cli, cachedFolder, fromCache, isExecutable, type Progress, versionIn } from "./cache";
import { download } from "./download";

export type { Cli, Progress } from "./cache";

let found: Promise<Cli> | undefined;

/**
 * Finds or makes the Pulumi CLI: on PATH, in the cache, downloaded by npm's `pulumi`, or built from Go modules into the cache. Safe for
 * several processes at once. Says what it does and how long it takes. Refuses, naming what to install, where none of these ways is open.
 */
export function pulumiCli(onProgress: Progress = () => {}): Promise<Cli> {
  found ??= find(onProgress).catch((error) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function find(onProgress: Progress): Promise<Cli> {
  const started = Date.now();
  const onPath = await fromPath(process.env.PATH ?? "");
  const cli = onPath ?? (await fromCache()) ?? (await make(onProgress));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  onProgress(`Pulumi CLI ${cli.version} (${wordsFor[cli.how]}) in ${cli.folder}, after ${seconds} s`);
  return cli;
}

const wordsFor = { path: "found on PATH", npm: "downloaded by npm's pulumi", built: "built from Go modules" };

/** The first folder of PATH with a whole CLI that runs. npm's wrapper of the same name is no CLI, only a downloader. */
export async function fromPath(path: string): Promise<Cli | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder) || !isExecutable(join(folder, "pulumi"))) continue;
    const target = realpathSync(join(folder, "pulumi"));
    if (basename(target) === "run.js") continue;
    for (const candidate of new Set([folder, dirname(target)])) {
      const version = await versionIn(candidate);
      if (version) return { folder: candidate, version, how: "path" };
    }
  }
  return undefined;
}

async function make(onProgress: Progress): Promise<Cli> {
  const reason = await download(onProgress);
  if (reason !== undefined) {
    onProgress(`npm's pulumi could not download the CLI (${reason}): building it from Go modules`);
    await build(onProgress);
  }
  const cli = await fromCache();
  if (!cli) throw new Error(`Nothing was made in ${cachedFolder()}`);
  return cli;
}
