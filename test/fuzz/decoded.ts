import fc from "fast-check";
import { encode } from "../../provider/board/protocol";
import { boardScript } from "../../provider/board/script";
import { claimantOf } from "../../provider/plan/guards";
import { validate } from "../../provider/schema";
import { asUtf8, expectSame } from "./expectations";
import { property } from "./frame";
import { hostileText } from "./hostile";
import { openShells, type StubShell } from "./stub-shell";

/** Short, since a shell needs two processes for each byte that is no safe one. */
const word = hostileText.map((text) => text.slice(0, 12));
/** A resource's name as the engine takes it: whole letters, no NUL. */
const resource = word.map((text) => asUtf8(text.replaceAll("\0", "")));
const texts = fc.record({ afterRebind: fc.array(word, { minLength: 1, maxLength: 3 }), claimAs: word, resource });

/** What a binding hands over as text, where the schema takes it. */
function wordsOf({ afterRebind, claimAs, resource }: { afterRebind: string[]; claimAs: string; resource: string }): string[] | undefined {
  const inputs = { connection: { host: "b" }, bus: "pci", device: "a", claimant: `organization/lab/dev/${resource}`, afterRebind };
  const binding = validate(claimAs === "" ? inputs : { ...inputs, claimAs }).binding;
  return binding && [claimantOf(binding), ...(binding.afterRebind ?? [])];
}

async function meets(shells: readonly StubShell[], given: { afterRebind: string[]; claimAs: string; resource: string }): Promise<string> {
  const words = wordsOf(given);
  if (words === undefined) return "refused";
  const line = `words ${words.map(encode).join(" ")}\n`;
  const answers = await Promise.all(shells.map((shell) => shell.hears(line)));
  for (const [index, heard] of answers.entries()) expectSame(heard, words, `what ${shells[index]?.name} makes of the words`);
  return "the same";
}

/** Through our encode and the script's own decode, in every shell. */
export const ofDecodedWords = property({
  name: "afterRebind, claimAs, a resource's name: what is accepted comes out of the script's decode as it was written",
  share: 300,
  ends: ["the same", "refused"],
  cases: texts,
  open: () => {
    const shells = openShells(`${boardScript()}words() { for word; do decode "$word"; printf '%s\\000' "$decoded"; done; }`, "\0");
    return { meets: (one) => meets(shells, one), close: () => shells.map((shell) => shell.close()) };
  },
});
