import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { pulumiCli } from "./cli";

const repository = resolve(__dirname, "../../..");

/** Which project a stack is opened for. */
export interface ProjectOptions {
  /** The folder with Pulumi.yaml. */
  project: string;
  /** Work on a copy in a temporary folder, where this repository is installed as `pulumi-devbind`. Unless told, it does. */
  copy?: boolean;
  /** The stack's name; a fresh one unless told. */
  stack?: string;
}

/** A project, a home and a backend, ready for the CLI. */
export interface Project {
  readonly folder: string;
  readonly name: string;
  readonly stack: string;
  readonly backend: string;
  readonly env: Record<string, string>;
  close(): Promise<void>;
}

/** Prepares everything that the CLI needs to know, in a temporary folder that `close` removes. */
export async function makeProject(options: ProjectOptions): Promise<Project> {
  const cli = await pulumiCli();
  const scratch = await mkdtemp(join(tmpdir(), "devbind-pulumi-"));
  const backend = join(scratch, "backend");
  for (const name of ["backend", "tmp"]) await mkdir(join(scratch, name));
  const original = resolve(options.project);
  const folder = options.copy === false ? original : await copyProject(original, join(scratch, basename(original)));
  const stack = options.stack ?? `test-${randomBytes(4).toString("hex")}`;
  const settings = join(folder, `Pulumi.${stack}.yaml`);
  const settingsAreOurs = !existsSync(settings);
  return {
    folder,
    stack,
    backend,
    name: nameOf(folder),
    env: environment(cli.folder, scratch, backend),
    async close() {
      if (settingsAreOurs) await rm(settings, { force: true });
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function nameOf(folder: string): string {
  const name = /^name:\s*["']?([^"'\s]+)/m.exec(readFileSync(join(folder, "Pulumi.yaml"), "utf8"))?.[1];
  if (!name) throw new Error(`${folder}/Pulumi.yaml has no name`);
  return name;
}

async function copyProject(original: string, copy: string): Promise<string> {
  await cp(original, copy, { recursive: true, filter: (source) => basename(source) !== "node_modules" });
  await installInto(copy);
  return copy;
}

/** Links what a program needs, and what its package.json names, to this repository's packages: the CLI searches all of node_modules for plugins. */
async function installInto(folder: string): Promise<void> {
  const names = new Set(["@pulumi/pulumi", "typescript", "@types/node", ...dependenciesOf(folder)]);
  for (const name of names) {
    const target = join(repository, "node_modules", name);
    if (name === "pulumi-devbind" || !existsSync(target)) continue;
    await mkdir(dirname(join(folder, "node_modules", name)), { recursive: true });
    await symlink(target, join(folder, "node_modules", name));
  }
  const own = join(folder, "node_modules", "pulumi-devbind");
  await mkdir(own);
  await copyFile(join(repository, "package.json"), join(own, "package.json"));
  await symlink(join(repository, "dist"), join(own, "dist"));
}

function dependenciesOf(folder: string): string[] {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return [];
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, string> | undefined>;
  return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
}

const ofTheTestRunner = /^(PULUMI_|npm_|VITEST|NODE_ENV$|NODE_OPTIONS$|NODE_PATH$|TEST$|MODE$|DEV$|PROD$|SSR$|BASE_URL$)/;

/**
 * Nothing of the caller's Pulumi settings, of npm or of the test runner; nothing is fetched from the internet. Temporary files go with the
 * stack; among them is ts-node's cache, which would never check the types of a program again that it has seen once.
 */
function environment(cliFolder: string, scratch: string, backend: string): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !ofTheTestRunner.test(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    PATH: [cliFolder, dirname(process.execPath), process.env.PATH].join(delimiter),
    TMPDIR: join(scratch, "tmp"),
    PULUMI_HOME: join(scratch, "home"),
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: "only for tests",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_DEBUG_COMMANDS: "true",
  };
}
