import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { run } from "./run";

/** The Pulumi CLI as found or made. */
export interface Cli {
  /** Holds `pulumi`, `pulumi-language-nodejs` and `pulumi-resource-pulumi-nodejs`; to be put first on PATH. */
  readonly folder: string;
  readonly version: string;
  /** `path`: it was there; `npm`: downloaded by npm's `pulumi`; `built`: built from Go modules. */
  readonly how: "path" | "npm" | "built";
}

/** Told what is being done, one line at a time. */
export type Progress = (line: string) => void;

/** What a usable folder holds. */
export const parts = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

/** The release that is downloaded or built; the same as npm's `pulumi` in package.json and the engine in engine/go.mod. */
export const pinnedVersion = "3.250.0";

/** The CLI that an earlier run left in the cache. */
export async function fromCache(): Promise<Cli | undefined> {
  const folder = cachedFolder();
  if (!existsSync(folder)) return undefined;
  const version = await versionIn(folder);
  if (!version) throw new Error(`The Pulumi CLI in ${folder} does not run. Remove that folder, and it is made anew.`);
  const made = readFileSync(join(folder, "made"), "utf8").trim();
  return { folder, version, how: made === "npm" ? "npm" : "built" };
}

/** The version of a whole CLI in a folder, or undefined if a part is missing or it doesn't run. */
export async function versionIn(folder: string): Promise<string | undefined> {
  if (!parts.every((part) => isExecutable(join(folder, part)))) return undefined;
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const result = await run(join(folder, "pulumi"), ["version"], { env, timeoutSeconds: 20 }).catch(() => undefined);
  return result?.code === 0 ? /^v?(\d+\.\d+\.\d+\S*)$/m.exec(result.stdout)?.[1] : undefined;
}

/** The folder outside the repository that later runs reuse; `DEVBIND_CACHE` moves it. */
export function cacheRoot(): string {
  const base = process.env.XDG_CACHE_HOME;
  const usual = join(base && isAbsolute(base) ? base : join(homedir(), ".cache"), "pulumi-devbind");
  return process.env.DEVBIND_CACHE || usual;
}

/** Where a downloaded or built CLI is kept. */
export function cachedFolder(): string {
  return join(cacheRoot(), `pulumi-${pinnedVersion}`);
}

/** Whether a file is there and may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
