import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isReference, labJsonSchema } from "../../provider/lab-file/schema";
import { connectionWords } from "../../provider/lab-file/words";
import { connectionFields, openFields } from "../../provider/schema";

const root = join(__dirname, "../..");
const validate = new Ajv2020({ strictTypes: false }).compile(labJsonSchema());
const holds = (text: string): boolean => validate(parse(text));

/** Every lab file that the package shows: those of the examples, and the blocks of README. */
const shown = [
  ...readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" })
    .filter((path) => /(^|\/)lab[^/]*\.yaml$/.test(path) && !path.includes("node_modules"))
    .map((path) => [path, readFileSync(join(root, "examples", path), "utf8")]),
  ...[...readFileSync(join(root, "README.md"), "utf8").matchAll(/```yaml\n(#? ?[^`]*?boards:[^`]*)```/g)].map(([, text = ""], index) => [
    `README, lab file ${index + 1}`,
    text,
  ]),
];

describe("the JSON schema, as an editor reads it,", () => {
  it("is shown at least one lab file", () => expect(shown.length).toBeGreaterThan(0));
  it.each(shown)("takes %s", (_, text = "") => {
    expect([holds(text), validate.errors]).toEqual([true, null]);
  });

  it.each([
    ["a key that nobody knows", "boards: {}\nboard: {}"],
    ["no boards", "defaults: {}"],
    ["a wrong word", "boards: { a: { whenUnreachable: maybe } }"],
    ["a secret", "boards: { a: { connection: { host: a, password: p } } }"],
    ["a number for a name", "boards: { a: { bindings: { x: { device: 12e0000 } } } }"],
    ["a selector that is none", "boards: { a: { bindings: { x: { device: { pci: '8086:10d3' } } } } }"],
  ])("refuses %s", (_, text) => expect(holds(text)).toBe(false));

  it("takes null where a lab file says it: no driver, an entry or an option taken away", () => {
    expect(holds("boards: { a: { timeoutSeconds: null, bindings: { x: { driver: null }, y: null } } }")).toBe(true);
  });

  it("tells of every field what it is", () => {
    const without = [...JSON.stringify(labJsonSchema()).matchAll(/"description":"([^"]*)"/g)].map(([, words = ""]) => words);
    expect(without.length).toBeGreaterThan(30);
    expect(without.filter((words) => words.length < 8)).toEqual([]);
    expect(Object.keys(connectionWords).sort()).toEqual(Object.keys(connectionFields).sort());
  });
});

describe("no secret can stand in a lab file:", () => {
  const secret = Object.keys(connectionFields).filter((name) => !openFields.includes(name) && !["proxy", "jumps"].includes(name));
  it.each(secret)("%s is a reference", (name) => {
    const board = (value: string) => `boards: { a: { connection: { host: a, ${name}: ${value} } } }`;
    expect([holds(board("p")), holds(board("{ config: p }")), holds(board("{ env: P }"))]).toEqual([false, true, true]);
  });
  it("a reference names one thing", () => {
    expect(isReference({ config: "a", env: "b" })).toBe(false);
    expect(isReference({ config: "" })).toBe(false);
  });
});
