import { z } from "zod";

/** The words that all schemas are made of: names, texts, numbers, and how a wrong one is told. */

/** "is missing" for nothing at all, else the given word. */
export const must = (word: string) => ({ error: (issue: { input?: unknown }) => (issue.input === undefined ? "is missing" : word) });

/** Accepts a missing value as `null`, as the engine does in its own comparisons. */
export const orNull = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null);

/** The type of a later version: nothing of it is taken yet. */
export const notYet = <T extends z.ZodType>(type: T) =>
  type.refine((value) => value === undefined, { error: "is not built yet in this version" });

const isKernelName = /^[A-Za-z0-9_:@+=!%,][A-Za-z0-9 ._:@+=!%,-]*$/;

/**
 * The name of a bus, device, driver or module as the kernel's folders have it: 1 to 255 bytes of letters, digits, spaces and
 * `._:,@+=!%-`; nothing that a path or a shell could read as its own.
 */
export const kernelName = z
  .string(must("must be a text"))
  .min(1, { error: "must not be empty" })
  .refine((name) => Buffer.byteLength(name) <= 255, { error: "must not be longer than 255 bytes" })
  .refine((name) => name === "" || (isKernelName.test(name) && !name.includes("..") && !name.endsWith(" ")), {
    error:
      'must be letters, digits, spaces and "._:,@+=!%-", without "..", not starting with a space, dot or dash, nor ending with a space',
  });

export const driverName = z
  .string(must("must be a text"))
  .refine((name) => name !== "(null)", { error: "is no driver's name; null keeps the device without a driver", abort: true })
  .pipe(kernelName);
/** A number of seconds, at least so many. */
export const seconds = (least: number) =>
  z.number(must("must be a number of seconds")).min(least, { error: `must be at least ${least} seconds` });
/** A text that is not empty. */
export const text = z.string(must("must be a text")).min(1, { error: "must not be empty" });
export const port = z
  .int(must("must be a whole number from 1 to 65535"))
  .min(1, { error: "must be from 1 to 65535" })
  .max(65535, { error: "must be from 1 to 65535" });

/** What arrives on a board as it was written: an argument holds no NUL, and half a letter is none in UTF-8. */
export const isWhole = (words: string): boolean => !/[\0\p{Surrogate}]/u.test(words);
export const whole = { error: "must not hold NUL or half a letter" };
