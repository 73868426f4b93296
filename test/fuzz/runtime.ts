import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fc from "fast-check";
import { check, create, diff, read, delete as remove, update } from "../../provider/runtime";
import { expectNoSecret, expectPlain, expectWorded } from "./expectations";
import { type Ground, property } from "./frame";
import { inputs, withoutCredentials } from "./inputs";
import { mutated, type Tree } from "./mutation";
import { observed, observedOf } from "./observed";
import { printedBy } from "./silence";

/** Old and new as the engine hands them over, either of them whatever an old state or a program may hold. */
interface Pair {
  olds: Tree;
  news: Tree;
}

const kept = fc.record({ drift: fc.string(), lastDrift: fc.string(), boardId: fc.constantFrom("b0a4d1", "a") }, { requiredKeys: [] });
const recorded = mutated(
  fc.tuple(inputs, kept).map(([wishes, beside]): Tree => ({ ...wishes, ...beside })),
  2,
);
const asked = mutated(
  fc.tuple(inputs, observed).map(([wishes, look]): Tree => ({ ...wishes, observed: look })),
  2,
);

/** Mostly the same wishes as before, as in most runs of a program; else others. */
const pairs: fc.Arbitrary<Pair> = fc.oneof(
  fc.record({ olds: recorded, news: asked }),
  recorded.chain((olds) => observedOf(olds).map((look) => ({ olds, news: { ...olds, observed: look } }))),
);

const words = (value: unknown): string[] => (typeof value === "string" ? [value] : []);

async function checkAndDiff({ olds, news }: Pair): Promise<string> {
  const { answer, printed } = await printedBy(() => check(olds, news));
  for (const line of printed) expectPlain(line, "what check prints");
  for (const { property: path, reason } of answer.failures ?? []) {
    expectPlain(reason, "a failure");
    expectNoSecret(reason, "a failure");
    if (path === "" || !reason.startsWith(`${path} `)) throw new Error(`a failure does not name its property: ${reason}`);
  }
  if ((answer.failures ?? []).length > 0) return "refused";
  if ("observed" in answer.inputs) throw new Error("check let the look through");
  for (const drift of words(answer.inputs.drift)) expectPlain(drift, "the drift");
  const { changes, replaces = [] } = await diff("id", olds, answer.inputs);
  if (typeof changes !== "boolean" || replaces.some((key) => !["bus", "device", "boardId"].includes(key)))
    throw new Error("diff gives no answer");
  if (printed.length > 0) return "reported";
  return "drift" in answer.inputs ? "drifted" : changes ? "changed" : "same";
}

/** check and diff, which every preview of every resource goes through; an exception in them ends the whole operation. */
export const ofCheck = property({
  name: "check and diff: an answer for whatever was recorded, written and seen, and no text that a terminal obeys",
  share: 12_000,
  ends: ["refused", "reported", "drifted", "changed", "same"],
  cases: pairs,
  open: () => ({ meets: checkAndDiff }),
});

type Called = { method: "create" | "read" | "update" | "delete" } & Pair;

function callOf({ method, olds, news }: Called): Promise<unknown> {
  const [old, wanted] = [olds, news].map(withoutCredentials);
  if (method === "create") return create(wanted ?? {});
  if (method === "update") return update("id", old ?? {}, wanted ?? {});
  return method === "read" ? read("id", old ?? {}) : remove("id", old ?? {});
}

/** Nothing to log in with, and an eye on every socket that is made. */
function openWithoutNetwork(): Ground<Called> {
  let sockets = 0;
  const seen = () => {
    sockets += 1;
  };
  subscribe("net.client.socket", seen);
  const agent = process.env.SSH_AUTH_SOCK;
  delete process.env.SSH_AUTH_SOCK;
  const meets = async (called: Called) => {
    const error = await callOf(called).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const { message } = expectWorded(error, "invalid");
    expectNoSecret(message, "an error");
    if (sockets > 0) throw new Error("it dialed");
    return message.startsWith("The inputs of this binding are wrong") ? "wrong inputs" : "no credentials";
  };
  const close = () => {
    unsubscribe("net.client.socket", seen);
    if (agent !== undefined) process.env.SSH_AUTH_SOCK = agent;
  };
  return { meets, close };
}

/** create, read, update and delete, which check may have let pass what an older version let pass. */
export const ofOperations = property({
  name: "create, read, update, delete: refuse wrong inputs in words, before any dial",
  share: 6_000,
  ends: ["wrong inputs", "no credentials"],
  cases: fc.record({ method: fc.constantFrom("create", "read", "update", "delete"), olds: recorded, news: asked }),
  open: openWithoutNetwork,
});
