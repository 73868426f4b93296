import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pulumiCli } from "./cli";
import { openStack, type Result, type Stack } from "./engine";
import { isRunning } from "./run";

const probe = join(__dirname, "fixture", "probe");
const minute = 60_000;

/** The CLI may have to be built first. */
beforeAll(async () => {
  await pulumiCli();
}, 30 * minute);

function told(result: Result) {
  return result.steps.map(({ pass, operation, name, changed }) => `${pass} ${operation} ${name} ${changed.join()}`.trim());
}

describe("a stack's life", { timeout: 2 * minute }, () => {
  let stack: Stack;
  const board = () => join(stack.folder, "board.txt");

  beforeAll(async () => {
    stack = await openStack({ project: probe, config: { wish: "first" } });
  }, minute);
  afterAll(() => stack.close());

  test("up previews and then creates, and tells both passes step by step", async () => {
    await stack.setConfig("key", "-a secret\nof two lines", { secret: true });
    const result = await stack.up();
    expect(told(result)).toEqual(["preview create one __provider,key,wish", "update create one __provider,key,wish"]);
    expect(result.summary).toEqual({ create: 2 });
    expect(result.stdout).toContain("Previewing update");
    expect(readFileSync(board(), "utf8")).toBe("first");
  });

  test("outputs shows secrets, and state keeps them encrypted", async () => {
    expect(await stack.outputs()).toEqual({ found: "first", key: "-a secret\nof two lines" });
    expect(JSON.stringify(await stack.state())).not.toContain("of two lines");
    expect(readFileSync(stack.stateFile(), "utf8")).toContain("devbind:Probe");
  });

  test("up again changes nothing", async () => {
    expect((await stack.up()).summary).toEqual({ same: 2 });
  });

  test("preview tells which input a check has added", async () => {
    writeFileSync(board(), "other");
    const result = await stack.preview({ extraArguments: ["--diff"] });
    expect(told(result)).toEqual(["preview update one drift"]);
    expect(result.steps[0]?.new?.inputs.drift).toBe("the board has other");
    expect(result.stdout).toContain('+ drift: "the board has other"');
  });

  test("refresh tells which output it found changed", async () => {
    const [step, ...more] = (await stack.refresh({ extraArguments: ["--skip-preview"] })).steps;
    expect(more).toEqual([]);
    expect(step).toMatchObject({ pass: "update", operation: "update", changed: [], changedOutputs: ["found"] });
  });

  test("up without its preview is one pass", async () => {
    expect(told(await stack.up({ extraArguments: ["--skip-preview"] }))).toEqual(["update update one drift"]);
    expect(readFileSync(board(), "utf8")).toBe("first");
  });

  test("a failure throws with both outputs; an expected one is told, and lies on its resource", async () => {
    await stack.setConfig("wish", "fails");
    await expect(stack.up()).rejects.toThrow(
      /pulumi up in .* failed with exit code 1\n--- stdout\n[\s\S]*the board refuses[\s\S]*--- stderr/,
    );
    const result = await stack.up({ expectFailure: true, extraArguments: ["--skip-preview"] });
    expect(result.steps).toMatchObject([{ operation: "update", name: "one", failed: true }]);
    expect(result.messages).toContainEqual({ pass: "update", severity: "error", text: "the board refuses", resource: "one" });
  });

  test("an expected failure that doesn't come throws", async () => {
    await stack.setConfig("wish", "first");
    await expect(stack.preview({ expectFailure: true })).rejects.toThrow("was expected to fail, and did not");
  });

  test("what the program refuses in preview stops up before it touches anything", async () => {
    await stack.setConfig("wish", "refused");
    const result = await stack.up({ expectFailure: true });
    // The drift that the last update recorded among the inputs goes with it.
    expect(told(result)).toEqual(["preview update one drift,wish"]);
    expect(result.messages).toEqual([{ pass: "preview", severity: "error", text: "refused in preview", resource: "one" }]);
    expect(readFileSync(board(), "utf8")).toBe("first");
  });

  test("an operation that takes too long is ended with all its processes", async () => {
    await stack.setConfig("wish", "hangs");
    await expect(stack.up({ extraArguments: ["--skip-preview"], timeoutSeconds: 15 })).rejects.toThrow("stopped after 15 s");
    const provider = Number(readFileSync(join(stack.folder, "hanging.txt"), "utf8"));
    await expect.poll(() => isRunning(provider)).toBe(false);
    await stack.command(["cancel", "--yes", "--stack", stack.name]);
  });

  test("destroy ends it, and close leaves nothing behind", async () => {
    await stack.setConfig("wish", "first");
    expect((await stack.destroy()).summary).toEqual({ delete: 2 });
    expect(existsSync(board())).toBe(false);
    await stack.close();
    expect(existsSync(join(stack.folder, ".."))).toBe(false);
  });
});

describe("openStack", { timeout: minute }, () => {
  test("works in the original folder when told so, and leaves it as it was", async () => {
    const original = await mkdtemp(join(tmpdir(), "devbind-original-"));
    await cp(probe, original, { recursive: true });
    const before = await readdir(original);
    const stack = await openStack({ project: original, copy: false, config: { wish: "x" } });
    expect(stack.folder).toBe(original);
    await stack.close();
    expect(await readdir(original)).toEqual(before);
    await rm(original, { recursive: true });
  });

  test("lets nothing of the caller's Pulumi settings or test runner through", async () => {
    process.env.PULUMI_ACCESS_TOKEN = "somebody's";
    const stack = await openStack({ project: probe });
    delete process.env.PULUMI_ACCESS_TOKEN;
    expect(stack.env).not.toHaveProperty("PULUMI_ACCESS_TOKEN");
    expect(stack.env).not.toHaveProperty("VITEST");
    expect(stack.env.PULUMI_BACKEND_URL).toBe(`file://${join(stack.folder, "..", "backend")}`);
    await stack.close();
  });
});
