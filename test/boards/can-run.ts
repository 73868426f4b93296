import { expect, type TestContext, test } from "vitest";

/** Skips the test, and says how to enable it; where CI=true that is a failure. */
export function giveUp(context: TestContext, why: string): never {
  if (process.env.CI === "true") expect.fail(why);
  context.skip(why);
}

/** Stands in for tests that can't run here. */
export function cannotRun(why: string): void {
  test("can run here", (context) => giveUp(context, why));
}
