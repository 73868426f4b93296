import { describe, expect, it } from "vitest";
import { bindingSchema, connectionFields } from "../../provider/schema";
import { madeNames } from "../fuzz/inputs";
import { casesOf, properties } from "../fuzz/properties";

const minutes = 60_000;
const isCi = Boolean(process.env.CI) && process.env.CI !== "false";

/** The short run of what `npm run fuzz` tries at length, with new cases each time; here they are the same unless DEVBIND_SEED says others. */
const cases = 5000;
const seed = Number(process.env.DEVBIND_SEED ?? 2013);
console.log(`fuzz: seed ${seed}`);

describe(`hostile input, seed ${seed}:`, () => {
  for (const one of properties) {
    const { name, missing } = one;
    if (missing !== undefined && !isCi) {
      it.skip(`${name} (${missing})`, () => undefined);
      continue;
    }
    it(
      name,
      async () => {
        if (missing !== undefined) expect.fail(missing);
        const { failure, cases: tried } = await one.run(casesOf(one, cases), seed);
        expect(failure).toBeUndefined();
        expect(tried).toBe(casesOf(one, cases));
      },
      5 * minutes,
    );
  }
});

describe("the cases", () => {
  it("are never fewer than asked for, and each property has some", () => {
    for (const wanted of [cases, 100_000]) {
      const shares = properties.map((one) => casesOf(one, wanted));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThanOrEqual(wanted);
      expect(Math.min(...shares)).toBeGreaterThan(0);
    }
  });

  it("are made of every input that there is", () => {
    const inputs = [...Object.keys(bindingSchema.shape), ...Object.keys(connectionFields)];
    expect(inputs.filter((name) => !madeNames.includes(name))).toEqual([]);
  });
});
