import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ScriptedBoard } from "../pulumi/scripted-board";
import { startServer } from "../ssh/server";
import { wishes } from "./made";
import { type Packed, pack } from "./packed";

const repository = join(__dirname, "../..");
const read = (name: string) => readFileSync(join(repository, name), "utf8");

const names = z.record(z.string(), z.string()).default({});
const manifest = z
  .object({
    dependencies: names,
    devDependencies: names,
    peerDependencies: names,
    optionalDependencies: names,
    scripts: names,
    version: z.string(),
  })
  .parse(JSON.parse(read("package.json")));
const needed = new Set(
  [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies].flatMap((listed) => Object.keys(listed)),
);

/** The first and second column of CONTRIBUTING's table of dependencies. */
function rows(): { packages: string[]; reason: string }[] {
  const [, section = ""] = read("CONTRIBUTING.md").split("\n## Dependencies");
  const lines = (section.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| ") && line.includes("`"));
  return lines.map((line) => {
    const [, first = "", reason = ""] = line.split("|");
    return { packages: [...first.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""), reason: reason.trim() };
  });
}

describe("every dependency", () => {
  it("has its row in CONTRIBUTING, every row is a dependency, and each says why", () => {
    const told = rows();
    expect(told.flatMap(({ packages }) => packages).sort()).toEqual([...needed].sort());
    expect(told.filter(({ reason }) => reason.length < 5)).toEqual([]);
    expect(manifest.optionalDependencies).toEqual({});
  });

  it("is pinned by a lockfile that names no registry: it holds for whatever mirror is set", () => {
    const entry = z.object({ resolved: z.string().optional(), integrity: z.string().optional(), link: z.boolean().optional() });
    const { packages } = z.object({ packages: z.record(z.string(), entry) }).parse(JSON.parse(read("package-lock.json")));
    const installed = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
    expect(installed.length).toBeGreaterThan(needed.size);
    expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
    expect(read("package-lock.json")).not.toContain("://registry");
  });

  it("comes without a script of ours: nothing of this package runs when it is installed", () => {
    const atInstall = ["preinstall", "install", "postinstall"].filter((name) => name in manifest.scripts);
    expect(atInstall).toEqual([]);
  });
});

describe("the package, installed by npm into an empty folder with all scripts switched off", () => {
  let packed: Packed;
  let folder: string;
  beforeAll(() => {
    packed = pack();
    folder = join(dirname(packed.copy), "installed");
    mkdirSync(folder);
    const tarball = readdirSync(dirname(packed.copy)).find((name) => name.endsWith(".tgz")) ?? "";
    const dependencies = { "@pulumi/pulumi": manifest.devDependencies["@pulumi/pulumi"], "pulumi-devbind": `file:../${tarball}` };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "installed", private: true, dependencies }));
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
    execFileSync("npm", ["install", ...quiet], { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  });
  afterAll(() => packed?.remove());
  /** What a program in that folder prints. Not waited for in this thread: the board answers in it. */
  const node = async (code: string) => (await promisify(execFile)(process.execPath, ["-e", code], { cwd: folder })).stdout;

  it("has nothing compiled in it, and loads", async () => {
    const modules = readdirSync(join(folder, "node_modules"), { recursive: true, encoding: "utf8" });
    expect(modules.filter((path) => path.endsWith(".node"))).toEqual([]);
    const code = 'console.log(typeof require("pulumi-devbind").DeviceBinding, typeof require("pulumi-devbind/runtime").create)';
    expect(await node(code)).toBe("function function\n");
  });

  it("brings the command, which answers without loading Pulumi's SDK", async () => {
    const command = join(folder, "node_modules/.bin/devbind");
    const said = async (...words: string[]) => (await promisify(execFile)(command, words)).stdout;
    expect(await said("--version")).toBe(`${manifest.version}\n`);
    expect(JSON.parse(await said("schema"))).toHaveProperty("properties.boards");
    const count = 'Object.keys(require.cache).filter((path) => path.includes("@pulumi")).length';
    const program = 'require("path").resolve("node_modules/pulumi-devbind/dist/cli/index.js")';
    const code = `process.on("exit", () => console.log("loaded", ${count})); process.argv = ["node", "devbind", "--help"]; require(${program})`;
    expect(await node(code)).toMatch(/\nloaded 0\n$/);
  });

  it("logs in to a board and binds its device", async () => {
    const board = new ScriptedBoard("supply-chain");
    const server = await startServer({ password: "right", answer: board.answer });
    try {
      const connection = { host: "127.0.0.1", port: server.port, hostKey: server.hostKey, password: "right" };
      const inputs = JSON.stringify(wishes({ connection }));
      const code = `require("pulumi-devbind/runtime").create(${inputs}).then(({ outs }) => console.log(outs.previousDriver, outs.currentDriver))`;
      expect(await node(code)).toBe("e1000e vfio-pci\n");
      expect(board.asked).toEqual(["look", "apply"]);
    } finally {
      await server.close();
    }
  });
});
