import { inspect } from "node:util";
import fc from "fast-check";

/** Where the cases of a property are tried. */
export interface Ground<Case> {
  /** Tries one case: throws where the promise is broken; else says to which of the property's ends it came. */
  meets(one: Case): string | Promise<string>;
  close?(): unknown;
}

/** What became of a property's cases. */
export interface Result {
  cases: number;
  seconds: number;
  /** How many cases came to each end. */
  ends: Record<string, number>;
  /** The seed, the shrunk counterexample and the error; undefined where the promise held. */
  failure: string | undefined;
}

export interface Property {
  /** What is promised. */
  readonly name: string;
  /** How many of 100,000 cases are this property's. */
  readonly share: number;
  /** The words that bring what is missing here; undefined where it can run. */
  readonly missing: string | undefined;
  run(cases: number, seed: number): Promise<Result>;
}

interface Promised<Case> {
  name: string;
  share: number;
  /** Every end that its cases must come to: without that a property could hold because it reaches nothing. */
  ends: readonly string[];
  /** From how many cases on each end must have been reached. Fewer may miss a rare one by chance, but not all. */
  enough?: number;
  /** Whether the first counterexample is told as it is, where trying smaller ones would take too long. */
  isSlowToFail?: boolean;
  cases: fc.Arbitrary<Case>;
  open: () => Ground<Case> | Promise<Ground<Case>>;
  missing?: string;
}

/** A promise about all cases. It also promises that no case changes Object.prototype, or leaves a rejection that nobody handles. */
export function property<Case>(promised: Promised<Case>): Property {
  const { name, share, missing } = promised;
  const run = async (wanted: number, seed: number): Promise<Result> => {
    const started = performance.now();
    const watch = watchProcess();
    try {
      const result = await tryAll(promised, watch.check, wanted, seed);
      await watch.settled();
      return { ...result, seconds: secondsSince(started) };
    } catch (error) {
      return { cases: 0, seconds: secondsSince(started), ends: {}, failure: `${inspect(error)} (seed ${seed})` };
    } finally {
      watch.stop();
    }
  };
  return { name, share, missing, run };
}

async function tryAll<Case>(promised: Promised<Case>, check: () => void, wanted: number, seed: number): Promise<Omit<Result, "seconds">> {
  const { ends, enough = 200, isSlowToFail = false, cases, open } = promised;
  const reached = new Map(ends.map((end) => [end, 0]));
  const ground = await open();
  try {
    const tried = fc.asyncProperty(cases, async (one) => {
      const end = await ground.meets(one);
      await nextTurn();
      check();
      const before = reached.get(end);
      if (before === undefined) throw new Error(`"${end}" is no end of this property`);
      reached.set(end, before + 1);
    });
    const details = await fc.check(tried, { numRuns: wanted, seed, endOnFailure: isSlowToFail });
    const unreached = ends.filter((end) => reached.get(end) === 0);
    const isTried = unreached.length === 0 || (wanted < enough && unreached.length < ends.length);
    const failure = details.failed ? failureWords(details) : isTried ? undefined : unreachedWords(unreached, wanted, seed);
    return { cases: details.numRuns, ends: Object.fromEntries(reached), failure };
  } finally {
    await ground.close?.();
  }
}

const secondsSince = (started: number): number => (performance.now() - started) / 1000;

/** What fast-check says (seed, path, shrunk counterexample), after the error itself. */
function failureWords<Case>(details: fc.RunDetails<Case>): string {
  const error = details.errorInstance;
  return `${inspect(error)}\n${fc.defaultReportMessage(details)}`;
}

const unreachedWords = (unreached: string[], cases: number, seed: number): string =>
  `None of ${cases} cases (seed ${seed}) came to the end ${unreached.map((end) => `"${end}"`).join(", ")}, so the promise was not tried.`;

/** A rejection counts as unhandled only after the turn that it was made in. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a case must leave alone in this process. */
function watchProcess() {
  const known = Reflect.ownKeys(Object.prototype).length;
  const unhandled: unknown[] = [];
  const keep = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", keep);
  const check = () => {
    if (Reflect.ownKeys(Object.prototype).length !== known) throw new Error("Object.prototype has another property now");
    const [reason] = unhandled.splice(0);
    if (reason !== undefined) throw new Error("a rejection was left unhandled", { cause: reason });
  };
  return {
    check,
    /** What a case set off may end after the case. */
    settled: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      check();
    },
    stop: () => process.off("unhandledRejection", keep),
  };
}
