import { isDeepStrictEqual } from "node:util";
import { type Problem, validate } from "../../provider/schema";
import { expectNoSecret, expectPlain } from "./expectations";
import { inputs, madeNames } from "./inputs";
import { mutated, pathsOf, type Tree } from "./mutation";
import { property } from "./frame";
import { asWritten } from "./selectors";

/** Holds that a problem names an input and says something that is fit to print. */
function expectProblem(given: Tree, paths: ReadonlySet<string>, { property: path, message }: Problem): void {
  expectPlain(path, "the name of an input");
  expectPlain(message, `what is said of ${path}`);
  for (const words of [path, message]) expectNoSecret(words, `what is said of ${path}`);
  if (message === "") throw new Error(`nothing is said of ${path}`);
  const at = path.lastIndexOf(".");
  const isThere = paths.has(path) || (path === "inputs" && Object.keys(given).length > 0);
  const isMissing = madeNames.includes(path.slice(at + 1)) && (at < 0 || paths.has(path.slice(0, at)));
  if (!isThere && !isMissing) throw new Error(`"${path}" is no input, neither there nor missing`);
}

/** A key in the form in which a message may repeat it. */
const shown = (key: string): string => key.replace(/\p{C}/gu, "?").slice(0, 100);

function meets(given: Tree): string {
  const before = JSON.stringify(given);
  const { problems, binding } = validate(given);
  const names = pathsOf(given).map((path) => path.map(shown).join("."));
  const paths = new Set([...names, ...names.map((path) => path.replace(/\.(\d+)(?=\.|$)/g, "[$1]"))]);
  for (const problem of problems) expectProblem(given, paths, problem);
  if (JSON.stringify(given) !== before) throw new Error("the inputs were changed");
  if (binding === undefined) return problems.length > 0 ? "refused" : "unknown";
  if (problems.length > 0) throw new Error("it was accepted, with problems");
  const again = validate({ ...binding, device: asWritten(binding.device) });
  if (!isDeepStrictEqual(again.binding, binding)) throw new Error("what was accepted is not accepted again as it is");
  return "accepted";
}

/** Inputs as users, lab files and other people's Outputs bring them. */
export const ofInputs = property({
  name: "validate: every problem names an input, what is accepted is accepted again, no secret is repeated",
  share: 24_000,
  ends: ["accepted", "refused", "unknown"],
  cases: mutated(inputs),
  open: () => ({ meets }),
});
