import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Board, bootBoard, whyNoBoards } from "../boards/board";
import { cannotRun } from "../boards/can-run";
import { openStack } from "../helpers/pulumi/engine";

const execute = promisify(execFile);
const repository = resolve(__dirname, "../..");
const device = "0000:00:02.0";

/** The README's first program, as a newcomer copies it. */
async function firstProgram(): Promise<string> {
  const readme = await readFile(join(repository, "README.md"), "utf8");
  const program = /<!-- first program -->\s*```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  if (program === undefined) throw new Error('README.md has no block marked "first program"');
  return program;
}

/** Runs npm without the settings that the outer npm hands down. */
async function npm(folder: string, ...words: string[]): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  return (await execute("npm", words, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

/** A project that has nothing of this repository but the packed package, installed by npm. */
async function freshProject(folder: string): Promise<void> {
  const packed = join(folder, "packed");
  await mkdir(packed);
  const [tarball] = (await npm(repository, "pack", "--ignore-scripts", "--silent", "--pack-destination", packed)).trim().split("\n");
  const versions = JSON.parse(await readFile(join(repository, "package.json"), "utf8")) as { devDependencies: Record<string, string> };
  const dependencies = {
    "@pulumi/pulumi": versions.devDependencies["@pulumi/pulumi"],
    "pulumi-devbind": `file:packed/${tarball}`,
    typescript: versions.devDependencies.typescript,
    "@types/node": versions.devDependencies["@types/node"],
  };
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "fresh", private: true, main: "index.ts", dependencies }));
  await writeFile(join(folder, "Pulumi.yaml"), "name: fresh\nruntime: nodejs\n");
  await writeFile(join(folder, "index.ts"), await firstProgram());
  await npm(folder, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline");
}

describe("the packed package", async () => {
  const why = await whyNoBoards();
  if (why !== undefined) return cannotRun(why);
  let board: Board;
  let folder: string;
  beforeAll(async () => {
    board = await bootBoard("arm64");
    folder = await mkdtemp(join(tmpdir(), "devbind-packed-"));
    await freshProject(folder);
  });
  afterAll(async () => {
    await board?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("shows in the README the program of examples/first, word for word", async () => {
    expect(await firstProgram()).toBe(await readFile(join(repository, "examples/first/index.ts"), "utf8"));
  });

  it("passes a strict compiler in a fresh TypeScript project, where it brings its own types", async () => {
    const words = ["--noEmit", "--strict", "--module", "node16", "--moduleResolution", "node16", "--target", "es2022", "index.ts"];
    await execute(process.execPath, [join(folder, "node_modules/typescript/bin/tsc"), ...words], { cwd: folder });
  });

  it("runs the README's first program from a fresh project: up binds the card, destroy gives it back", async () => {
    const stack = await openStack({ project: folder, copy: false });
    try {
      for (const [key, value] of Object.entries({ host: board.host, port: String(board.port), hostKey: board.hostKey, device }))
        await stack.setConfig(key, value);
      await stack.setConfig("privateKey", board.privateKey, { secret: true });
      const driver = () => board.shell(`basename $(readlink /sys/bus/pci/devices/${device}/driver)`);
      await stack.up();
      expect(await driver()).toBe("vfio-pci");
      expect(await stack.outputs()).toMatchObject({ driver: "vfio-pci", previousDriver: "e1000e" });
      await stack.destroy();
      expect(await driver()).toBe("e1000e");
    } finally {
      await stack.close();
    }
  });
});
