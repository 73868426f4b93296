import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Result, RunOptions, Stack } from "../helpers/pulumi/engine";
import { run } from "../helpers/pulumi/run";
import { onePass, resourcesOf, useLab } from "./lab";
import { closely, scratchOf, stored } from "./secrets-eyes";
import { Marks } from "./secrets-marks";
import { watchProcesses } from "./secrets-processes";
import { type Given, Ways } from "./secrets-ways";
import { wrongOnes } from "./secrets-wrong";

const lab = useLab([]);
let folder: string;
let ways: Ways;
/** The names of all marks that the state has to keep, and the bindings that can't be made. */
let kept: string[];
let wrong: Given;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "devbind-key-"));
  ways = await Ways.start(folder);
  kept = ways.marks.names.filter((name) => name !== "byPath");
  wrong = await wrongOnes(ways);
});
afterAll(async () => {
  await ways?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** A trace holds no secrets only where its payloads are switched off: see SECURITY.md. */
const usual = (stack: Stack): RunOptions => ({
  extraArguments: ["--tracing", `file:${join(scratchOf(stack), "trace")}`],
  env: { PULUMI_TRACING_NO_PAYLOADS: "true" },
});
const loud = (): RunOptions => ({ extraArguments: ["--logtostderr", "--logflow", "-v=9", "--debug"] });

test("the eyes of these tests find a secret in text, Base64, a compressed file, an argument and an environment", async () => {
  const marks = new Marks();
  const [mark, { privateKey }] = [marks.text("a text"), marks.key("a key")];
  await writeFile(join(folder, "coded"), `x ${Buffer.from(mark).toString("base64")}`);
  await writeFile(join(folder, "compressed"), gzipSync(JSON.stringify({ privateKey })));
  expect(marks.inFiles(folder).sort()).toEqual(["coded: a text", "compressed: a key"]);
  const stop = watchProcesses(marks);
  await run("sleep", ["1"], { env: { ...process.env, VARIABLE: mark } });
  await run("sh", ["-c", `sleep 1 # ${mark}`]);
  expect((await stop()).shown).toEqual(["VARIABLE of sleep: a text", "argument of sh: a text"]);
});

describe.each([
  ["as usual, traced", usual],
  ["with its loudest log", loud],
])("the engine, %s, shows no secret", (_, optionsFor) => {
  let stack: Stack;
  let options: RunOptions;
  const write = (given: Given) => writeFile(join(stack.folder, "bindings.json"), JSON.stringify(given));
  const names = () => Object.keys(ways.given).sort();
  const and = (...words: string[]): RunOptions => ({ ...options, extraArguments: [...(options.extraArguments ?? []), ...words] });
  const failing = (...words: string[]): RunOptions => ({ ...and(...words), expectFailure: true });
  const watched = async (operation: () => Promise<Result>) => {
    const result = await closely(stack, ways.marks, operation);
    expect(ways.marks.in(JSON.stringify(result)), "by a path, nothing goes through Pulumi").not.toContain("byPath");
    return result;
  };

  test("in a preview, whether given as text, secret, Output, configuration, or not known yet", async () => {
    stack = await lab.open(join(__dirname, "secrets-program"));
    stack.env.HOME = scratchOf(stack);
    const secrets = ways.config.flatMap(([key, value]) => ["--secret", `${key}=${value}`]);
    await stack.command(["config", "set-all", "--stack", stack.name, ...secrets]);
    options = optionsFor(stack);
    await write(ways.given);
    await watched(() => stack.preview(and("--diff")));
  });

  test("in up, and has all of them in its state, sealed", async () => {
    await watched(() => stack.up(options));
    expect([...resourcesOf(await stack.state()).keys()].sort()).toEqual(names());
    expect(await stored(stack, ways.marks)).toEqual({ inClear: [], sealed: kept });
  });

  test("in a refresh that finds other drivers, and in the preview of their repair", async () => {
    for (const held of ways.board.devices.values()) held.driver = "e1000e";
    const found = await watched(() => stack.refresh(options));
    expect(found.steps.filter(({ pass, operation }) => pass === "update" && operation === "update").length).toBe(names().length);
    expect(await stored(stack, ways.marks)).toEqual({ inClear: [], sealed: kept });
    await watched(() => stack.preview(and("--diff")));
    await watched(() => stack.preview(and("--json")));
  });

  test.each(["undone", "stuck"] as const)("in an update that ends %s on every board", async (outcome) => {
    ways.refusal = outcome;
    const failed = await watched(() => stack.up(onePass(failing("--continue-on-error")))).finally(() => {
      ways.refusal = undefined;
    });
    const tried = failed.steps.filter((step) => step.failed).map(({ name }) => name);
    expect(tried.sort()).toEqual(names().filter((name) => !name.startsWith("late"))); // those wait for the first one
    expect(await stored(stack, ways.marks)).toEqual({ inClear: [], sealed: kept });
  });

  test("when they are wrong, misspelt or in the wrong place, or the board can't be trusted or reached", async () => {
    await write({ ...ways.given, ...wrong });
    const previewed = await watched(() => stack.preview(failing()));
    const said = new Set(previewed.messages.filter(({ severity }) => severity !== "info").map(({ resource }) => resource));
    expect(Object.keys(wrong).filter((name) => !said.has(name))).toEqual([]);
    await watched(() => stack.up(onePass(failing("--continue-on-error"))));
    expect(await stored(stack, ways.marks)).toEqual({ inClear: [], sealed: kept });
  });

  test("in destroy, for which they are still good", async () => {
    await write(ways.given);
    const { summary } = await watched(() => stack.destroy(options));
    expect(summary).toEqual({ delete: names().length + 1 });
    expect(await stored(stack, ways.marks)).toEqual({ inClear: [], sealed: [] });
    expect(existsSync(join(scratchOf(stack), "trace")), "the trace was among the files").toBe(optionsFor === usual);
  });
});
