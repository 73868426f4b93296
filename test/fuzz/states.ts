import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { deviceBindingType } from "../../provider/device-binding";
import { bindingOf, outputsOf } from "../../provider/lifecycle/request";
import { check, diff } from "../../provider/runtime";
import { expectPlain, expectWorded } from "./expectations";
import { property } from "./frame";
import { mutated, type Tree } from "./mutation";
import { observedOf } from "./observed";
import { printedBy } from "./silence";

const stateSchema = z.object({
  deployment: z.object({
    resources: z.array(
      z.object({ type: z.string(), inputs: z.record(z.string(), z.json()).optional(), outputs: z.record(z.string(), z.json()).optional() }),
    ),
  }),
});

/** The inputs and outputs of every resource that a version released so far has recorded: test/state/<version>/. Secrets stay as they were written. */
function recordedStates(): { inputs: Tree; outputs: Tree }[] {
  const folder = join(__dirname, "../state");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
  return files
    .flatMap((file) => stateSchema.parse(JSON.parse(readFileSync(join(folder, file), "utf8"))).deployment.resources)
    .filter(({ type }) => type === deviceBindingType)
    .map(({ inputs = {}, outputs = {} }) => ({ inputs: readable(inputs), outputs: readable(outputs) }));
}

/** The provider gets its secrets opened; what they held is of no matter here. */
function readable(properties: Tree): Tree {
  const opened = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    if ("ciphertext" in value || "plaintext" in value) return "a secret";
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
  };
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, opened(value)]));
}

/** What was recorded, with fields missing, null, of another type or added, and what the same program brings now. */
interface Past {
  inputs: Tree;
  outputs: Tree;
  program: Tree;
}

const pasts: fc.Arbitrary<Past> = fc.constantFrom(...recordedStates()).chain(({ inputs, outputs }) =>
  fc.record({
    inputs: mutated(fc.constant(inputs), 2),
    outputs: mutated(fc.constant(outputs), 2),
    program: mutated(
      observedOf(outputs).map((look) => ({ ...inputs, observed: look })),
      1,
    ),
  }),
);

async function meets({ inputs, outputs, program }: Past): Promise<string> {
  const last = outputsOf(outputs);
  if (last !== undefined && typeof last.boardId !== "string") throw new Error("outputs without a board were taken");
  const { answer } = await printedBy(() => check(inputs, program));
  await diff("id", outputs, answer.inputs);
  await diff("id", outputs, inputs);
  await diff("id", inputs, outputs);
  if (typeof answer.inputs.drift === "string") expectPlain(answer.inputs.drift, "the drift");
  try {
    bindingOf(outputs);
    return last === undefined ? "a binding without outputs" : "whole";
  } catch (error) {
    expectWorded(error, "invalid");
    return "refused";
  }
}

/** States live for years, and are edited by hand and by other tools. */
export const ofStates = property({
  name: "recorded states: check, diff and what the provider reads out of them answer, or say in words what is wrong",
  share: 9_000,
  ends: ["whole", "a binding without outputs", "refused"],
  cases: pasts,
  open: () => ({ meets }),
});
