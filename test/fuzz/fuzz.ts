import { parseArgs } from "node:util";
import type { Property, Result } from "./frame";
import { casesOf, properties } from "./properties";

/**
 * `npm run fuzz`: tries every property on its share of 100,000 cases. Prints each with its cases and seconds; the last line says how
 * many failed, each before it with its seed and shrunk counterexample, and the exit code is 1 where one did. `--cases N`: so many in
 * all. `--seed N`: other cases (the seed is printed). `--only words`: the properties whose names begin so.
 */
async function main(): Promise<void> {
  const { cases, seed, only } = optionsFrom(process.argv.slice(2));
  const chosen = properties.filter(({ name }) => name.startsWith(only));
  console.log(`seed ${seed}`);
  const total = { cases: 0, failures: 0 };
  for (const one of chosen) {
    const result = await tryOut(one, cases, seed);
    total.cases += result.cases;
    if (result.failure !== undefined) total.failures += 1;
    console.log(lineOf(one.name, result));
    if (result.failure !== undefined) console.log(result.failure);
  }
  console.log(`fuzz: ${total.cases} cases, ${total.failures} failures`);
  process.exitCode = total.failures === 0 && total.cases > 0 ? 0 : 1;
}

/** A property that can't be tried here is a failure: there is no run of all of them without it. */
async function tryOut(one: Property, cases: number, seed: number): Promise<Result> {
  if (one.missing !== undefined) return { cases: 0, seconds: 0, ends: {}, failure: `It can't be tried here: ${one.missing}` };
  return one.run(casesOf(one, cases), seed);
}

const lineOf = (name: string, { cases, seconds, ends, failure }: Result): string =>
  [
    String(cases).padStart(6),
    `${seconds.toFixed(1)} s`.padStart(8),
    `  ${failure === undefined ? "held  " : "FAILED"}  ${name}`,
    `  (${Object.entries(ends)
      .map(([end, count]) => `${count} ${end}`)
      .join(", ")})`,
  ].join("");

function optionsFrom(words: string[]): { cases: number; seed: number; only: string } {
  const { values } = parseArgs({ args: words, options: { cases: { type: "string" }, seed: { type: "string" }, only: { type: "string" } } });
  return {
    cases: number("cases", values.cases ?? "100000"),
    seed: number("seed", values.seed ?? String(Date.now() % 1_000_000)),
    only: values.only ?? "",
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text === "" || !(value > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return value;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
