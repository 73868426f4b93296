import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(__dirname, "../..");
const modules = join(repository, "node_modules");

/** The package, built and packed away from the repository, so that nobody who works there is disturbed. */
export interface Packed {
  /** A copy of the repository, with its build. */
  copy: string;
  /** A project elsewhere, in which the tarball is installed. */
  project: string;
  /** What the tarball holds, below `package/`. */
  files: string[];
  /** An empty folder beside them. */
  empty: string;
  remove(): void;
}

/** Builds (by npm's own `prepare`) and packs a copy, and installs the tarball: its dependencies are linked from the repository. */
export function pack(): Packed {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "devbind-packed-")));
  const copy = join(folder, "copy");
  for (const name of ["package.json", "tsconfig.json", "tsconfig.build.json", "provider", "examples"]) {
    cpSync(join(repository, name), join(copy, name), { recursive: true, filter: (path) => !path.endsWith("/node_modules") });
  }
  linkModules(join(copy, "node_modules"));
  symlinkSync("..", join(copy, "node_modules/pulumi-devbind"));
  const [project, empty] = [join(folder, "project"), join(folder, "empty")];
  for (const one of [join(project, "node_modules/pulumi-devbind"), join(project, "sub/deep"), empty]) mkdirSync(one, { recursive: true });
  execFileSync("npm", ["pack", "--offline", "--silent", "--pack-destination", folder], {
    cwd: copy,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
  const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", join(project, "node_modules/pulumi-devbind")]);
  for (const name of ["zod", "ssh2", "ssh-config", "@pulumi"]) symlinkSync(join(modules, name), join(project, "node_modules", name));
  writeFileSync(join(project, "package.json"), '{ "name": "elsewhere", "private": true }\n');
  return {
    copy,
    project,
    empty,
    files: files.map((file) => file.replace(/^package\//, "")),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function linkModules(folder: string): void {
  mkdirSync(folder);
  for (const name of readdirSync(modules)) {
    if (name !== "pulumi-devbind" && !name.startsWith("devbind-example")) symlinkSync(join(modules, name), join(folder, name));
  }
}

/**
 * Loads the provider from its text as the engine's dynamic provider does (cmd/dynamic-provider), in a program's folder, and runs the
 * code with it as `provider`. What the code gives to `answer` comes back; all else that is printed is `printed`.
 */
export function inProgram(folder: string, providerText: string, code: string): { answer: unknown; printed: string; error: string } {
  const script = `
    const requireFromString = require(${JSON.stringify(join(modules, "require-from-string"))});
    const answer = (value) => require("fs").writeSync(3, JSON.stringify(value));
    (async () => {
      const provider = requireFromString(${JSON.stringify(providerText)}).handler();
      ${code}
    })().catch((error) => { process.stderr.write(String(error.message)); process.exitCode = 1; });`;
  const ran = spawnSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const said = String(ran.output[3] ?? "");
  return { answer: said === "" ? undefined : JSON.parse(said), printed: ran.stdout, error: ran.stderr };
}
