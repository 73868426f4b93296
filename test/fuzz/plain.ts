import fc from "fast-check";
import { DevbindError, plain as plainWords } from "../../provider/errors";
import { plain, reasonOf } from "../../provider/ssh/plain";
import { expectPlain } from "./expectations";
import { property } from "./frame";
import { hostileText, hostileValue } from "./hostile";

const longest = 200;

/** What a server, a board or the system said: texts, and what may be thrown. */
const said = fc.oneof(
  fc.record({ text: hostileText, code: fc.option(hostileText, { nil: undefined }) }),
  hostileValue.map((thrown) => ({ thrown })),
);

function meets(one: { text: string; code: string | undefined } | { thrown: unknown }): string {
  if ("thrown" in one) {
    expectPlain(reasonOf(one.thrown), "the reason of what is no error");
    return "thrown";
  }
  const { text, code } = one;
  for (const clean of [plain(text), plainWords(text)]) expectPlain(clean, "a text made plain");
  if (plain(text).length > longest + 1) throw new Error("a text made plain is longer than it may be");
  expectPlain(reasonOf(Object.assign(new Error(text), { code })), "a reason");
  expectPlain(new DevbindError("protocol", { failed: text, now: code ?? "now", todo: "todo" }).message, "an error's message");
  return plain(text) === text ? "as it was" : "cleaned";
}

export const ofPlain = property({
  name: "plain and reasonOf: nothing that a terminal obeys or hides is left",
  share: 6_000,
  ends: ["as it was", "cleaned", "thrown"],
  cases: said,
  open: () => ({ meets }),
});
