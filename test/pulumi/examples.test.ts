import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import type { Board } from "../boards/board";
import type { Stack } from "../helpers/pulumi/engine";
import { examples } from "./examples";
import { claims, witness } from "./eyes";
import { onePass, overlay, repository, useLab } from "./lab";

const folder = join(repository, "examples");
const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "Pulumi.yaml")));

test("every folder in examples has its entry here, and each entry its folder", () => {
  expect(Object.keys(examples).sort()).toEqual(names.sort());
});

test("every example is a whole project, and every step has its promise here", () => {
  for (const [name, { steps }] of Object.entries(examples)) {
    const files = readdirSync(join(folder, name));
    expect(files).toEqual(expect.arrayContaining(["README.md", "Pulumi.yaml", "index.ts", "package.json", "tsconfig.json"]));
    expect(files.filter((file) => file.startsWith("step-")).sort()).toEqual(Object.keys(steps));
  }
});

test("every example and every edit of it is right in TypeScript's eyes", () => {
  const programs = names.flatMap((name) =>
    [".", ...Object.keys(examples[name]?.steps ?? {})].map((step) => join(folder, name, step, "index.ts")).filter(existsSync),
  );
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, types: ["node"] };
  const resolution = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 };
  const found = ts.getPreEmitDiagnostics(ts.createProgram(programs, { ...options, ...resolution }));
  expect(found.map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`)).toEqual([]);
});

describe("on real boards", () => {
  const lab = useLab(["a1".repeat(16), "a2".repeat(16)]);

  describe.each(Object.entries(examples))("%s", (name, example) => {
    let stack: Stack;
    const boards = () => lab.boards.slice(0, example.boards);
    const see = (board: Board) => example.eyes(board);
    const expectEyes = async (seen: string[]) => {
      for (const board of boards()) expect(await see(board)).toEqual(seen);
    };
    let before: string[][];

    test("up does what the program says", async () => {
      stack = await lab.open(join(folder, name));
      before = await Promise.all(boards().map(see));
      await example.configure(stack, boards());
      await stack.up(onePass());
      await expectEyes(example.up);
    });

    test("up again changes nothing, and writes nothing on the board", async () => {
      const written = await Promise.all(boards().map(witness));
      const again = await stack.up();
      expect(Object.keys(again.summary)).toEqual(["same"]);
      expect(await Promise.all(boards().map(witness))).toEqual(written);
    });

    test.each(Object.entries(example.steps))("%s is applied", async (step, { eyes, steps }) => {
      await overlay(stack, step);
      const mark = example.mark ?? witness;
      const marks = await Promise.all(boards().map(mark));
      const done = (await stack.up(onePass())).steps.filter(({ operation }) => operation !== "same");
      expect(done.map(({ operation, name }) => `${operation} ${name}`).sort()).toEqual(steps);
      await expectEyes(eyes);
      for (const [index, board] of boards().entries()) expect(await mark(board)).not.toBe(marks[index]);
    });

    test("refresh finds nothing changed", async () => {
      expect(Object.keys((await stack.refresh(onePass())).summary)).toEqual(["same"]);
    });

    test("destroy gives the devices back and leaves no claim", async () => {
      await stack.destroy(onePass());
      expect(await Promise.all(boards().map(see))).toEqual(before);
      for (const board of boards()) expect(await claims(board)).toBe("");
    });
  });
});
