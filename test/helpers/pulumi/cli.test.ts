import { readFileSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parts, pinnedVersion } from "./cache";
import { fromPath } from "./cli";
import { withLock } from "./lock";
import { isRunning, run } from "./run";

const repository = resolve(__dirname, "../../..");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "devbind-cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function fakeCli(name: string, missing?: string): Promise<string> {
  const cli = join(folder, name);
  await mkdir(cli);
  for (const part of parts.filter((part) => part !== missing)) {
    await writeFile(join(cli, part), "#!/bin/sh\necho v3.999.0\n");
    await chmod(join(cli, part), 0o755);
  }
  return cli;
}

describe("the CLI", () => {
  test("is the first whole one on PATH: npm's wrapper is only a downloader, one without its language host is none", async () => {
    const wrapper = join(folder, "node_modules", ".bin");
    await mkdir(wrapper, { recursive: true });
    await copyFile(join(repository, "node_modules", "pulumi", "run.js"), join(wrapper, "run.js"));
    await symlink(join(wrapper, "run.js"), join(wrapper, "pulumi"));
    const half = await fakeCli("half", "pulumi-language-nodejs");
    const whole = await fakeCli("whole");
    expect(await fromPath([wrapper, half].join(delimiter))).toBeUndefined();
    expect(await fromPath([wrapper, half, whole].join(delimiter))).toEqual({ folder: whole, version: "3.999.0", how: "path" });
  });

  test("is found through a link to its folder's pulumi", async () => {
    const whole = await fakeCli("whole");
    await mkdir(join(folder, "bin"));
    await symlink(join(whole, "pulumi"), join(folder, "bin", "pulumi"));
    expect((await fromPath(join(folder, "bin")))?.folder).toBe(whole);
  });

  test("has the same version whether npm downloads it or Go builds it", () => {
    const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { devDependencies: Record<string, string> };
    const goModule = readFileSync(join(__dirname, "engine", "go.mod"), "utf8");
    expect(manifest.devDependencies.pulumi).toBe(pinnedVersion);
    expect(goModule).toContain(`github.com/pulumi/pulumi/pkg/v3 v${pinnedVersion}`);
  });
});

describe("the lock", () => {
  test("lets one in at a time", async () => {
    let inside = 0;
    const work = async () => {
      inside += 1;
      await sleep(50);
      expect(inside).toBe(1);
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(join(folder, "lock"), work)));
  });

  test("of a process that has ended is broken", async () => {
    const ended = await run("sh", ["-c", "echo $$"]);
    await symlink(`${ended.stdout.trim()}.1.abcd`, join(folder, "lock"));
    expect(await withLock(join(folder, "lock"), async () => "in")).toBe("in");
  });
});

describe("a child process", () => {
  test("is ended with its children when time is up", async () => {
    const result = await run("sh", ["-c", "sleep 60 & echo $!; wait"], { timeoutSeconds: 1 });
    expect(result.stopped).toBe("stopped after 1 s");
    await expect.poll(() => isRunning(Number(result.stdout))).toBe(false);
  });

  test("leaves no child of its own behind when it ends by itself", async () => {
    const result = await run("sh", ["-c", "sleep 60 >/dev/null 2>&1 & echo $!"]);
    expect(result.code).toBe(0);
    await expect.poll(() => isRunning(Number(result.stdout))).toBe(false);
  });

  test("that says nothing is stopped early, and one that speaks is not", async () => {
    expect((await run("sleep", ["60"], { firstOutputSeconds: 1 })).stopped).toBe("stopped: no word in 1 s");
    expect((await run("sh", ["-c", "echo word; sleep 1.5"], { firstOutputSeconds: 1 })).stopped).toBeUndefined();
  });
});
