import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { cacheRoot, type Progress, pinnedVersion } from "./cache";
import { makeInCache } from "./make";
import { run } from "./run";

const dayInMilliseconds = 24 * 60 * 60 * 1000;

/**
 * Lets npm's `pulumi` download the CLI into the cache. Answers undefined when it is there, else the reason why not; a failure is
 * remembered for a day, so that machines without internet wait once.
 */
export async function download(onProgress: Progress): Promise<string | undefined> {
  const marker = join(cacheRoot(), `no-download-${pinnedVersion}`);
  if (await isFresh(marker)) return `it could not within the last day; remove ${marker} to try again`;
  let reason: string | undefined;
  await makeInCache("npm", onProgress, async (folder) => {
    onProgress(`Downloading the Pulumi CLI ${pinnedVersion} with npm's pulumi`);
    const result = await runWrapper(folder);
    if (result.code !== 0 || result.stopped) throw new Error(result.stopped ?? lastLine(result.stderr));
    await rename(join(folder, "versions", pinnedVersion, "bin"), join(folder, "bin"));
  }).catch((error: Error) => {
    reason = error.message;
  });
  if (reason === undefined) await rm(marker, { force: true });
  else await remember(marker, reason);
  return reason;
}

/** The wrapper prints its first word on stdout once it has its install script: until then, a host that doesn't answer is waited for briefly. */
function runWrapper(folder: string) {
  const wrapper = resolve(__dirname, "../../../node_modules/pulumi/run.js");
  const env = { ...process.env, PULUMI_HOME: folder, PULUMI_VERSION: pinnedVersion, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return run(process.execPath, [wrapper, "version"], { env, timeoutSeconds: 600, firstOutputSeconds: 20 });
}

async function isFresh(marker: string): Promise<boolean> {
  const found = await stat(marker).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < dayInMilliseconds;
}

async function remember(marker: string, reason: string): Promise<void> {
  await mkdir(cacheRoot(), { recursive: true });
  await writeFile(marker, `${reason}\n`);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "no reason given";
}
