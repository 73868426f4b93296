import fc from "fast-check";
import { check, diff } from "../../provider/runtime";
import { entryFields } from "../../provider/schema";
import { selectorSchema } from "../../provider/selector";
import { expectNoSecret, expectPlain } from "./expectations";
import { property } from "./frame";
import { hostileText } from "./hostile";
import { inputs } from "./inputs";
import { mutated, type Tree, treeOf } from "./mutation";
import { board, device } from "./observed";
import { printedBy } from "./silence";

/** The same for a resource of many bindings: whatever was recorded, is written and was seen of each. */
interface Pair {
  olds: Tree;
  news: Tree;
}

const isOfEntry = (key: string): boolean => key in entryFields;
const name = fc.oneof({ weight: 9, arbitrary: fc.constantFrom("card", "i2c", "13860000.i2c") }, { weight: 1, arbitrary: hostileText });

/** A binding's own fields out of its inputs, and the board's. */
const wishes: fc.Arbitrary<Tree> = fc.array(fc.tuple(name, inputs), { maxLength: 3 }).chain((entries) =>
  inputs.map((ofBoard): Tree => {
    const shared = Object.entries(ofBoard).filter(([key]) => !isOfEntry(key));
    const own = entries.map(([entry, fields]) => [entry, Object.fromEntries(Object.entries(fields).filter(([key]) => isOfEntry(key)))]);
    return { ...Object.fromEntries(shared), bindings: Object.fromEntries(own) };
  }),
);

const lookedAt = fc.constant("2026-12-01T00:00:00.000Z");
const unreachable = fc.record({ lookedAt: fc.constant(""), unreachable: hostileText, isCertain: fc.boolean() });

/** A look at those that are wished for, and maybe at others. */
const lookFor = ({ bindings }: Tree): fc.Arbitrary<Tree> => {
  const asked = Object.entries(treeOf(bindings)).map(([entry, wish]) => [entry, deviceOf(treeOf(wish))]);
  const devices = fc.oneof(
    { weight: 4, arbitrary: fc.record(Object.fromEntries(asked)) },
    { weight: 1, arbitrary: fc.dictionary(name, device, { maxKeys: 3 }) },
  );
  return fc.oneof({ weight: 5, arbitrary: fc.record({ lookedAt, board, devices }) }, { weight: 1, arbitrary: unreachable });
};

const deviceOf = ({ bus, device: wished }: Tree) =>
  device.map((seen) => ({
    ...{ ...seen, bus, isPresent: true, isBusPresent: true },
    ...(typeof wished === "string" ? { name: wished } : { selector: selectorSchema.safeParse(wished).data ?? null }),
  }));

const pairs: fc.Arbitrary<Pair> = fc
  .record({ before: wishes, after: fc.option(wishes, { nil: undefined, freq: 3 }) })
  .chain(({ before, after = before }) => lookFor(after).map((observed) => ({ olds: before, news: { ...after, observed } })))
  .chain(({ olds, news }) => fc.record({ olds: mutated(fc.constant(olds), 1), news: mutated(fc.constant(news), 1) }));

/** Every text below a value. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

async function meets({ olds, news }: Pair): Promise<string> {
  const { answer, printed } = await printedBy(() => check(olds, news));
  for (const line of printed) expectPlain(line, "what check prints");
  for (const { reason } of answer.failures ?? []) {
    expectPlain(reason, "a failure");
    expectNoSecret(reason, "a failure");
  }
  if ((answer.failures ?? []).length > 0) return "refused";
  if ("bindings" in news && "observed" in answer.inputs) throw new Error("check let the look through");
  for (const words of texts(answer.inputs.drift)) expectPlain(words, "the drift");
  const { changes } = await diff("id", olds, answer.inputs);
  if (typeof changes !== "boolean") throw new Error("diff gives no answer");
  await diff("id", answer.inputs, olds);
  return "drift" in answer.inputs ? "drifted" : changes ? "changed" : "same";
}

export const ofBoards = property({
  name: "check and diff of whole boards: an answer for whatever was recorded, written and seen of each device",
  share: 5_000,
  ends: ["refused", "drifted", "changed", "same"],
  cases: pairs,
  open: () => ({ meets }),
});
