import type { z } from "zod";
import { type Binding, type BoardBindings, bindingSchema, boardBindingsSchema } from "./binding";
import { unknownValue } from "./unknown";

/** One input that can't be right. */
export interface Problem {
  /** The input as a path: `connection.port`. */
  property: string;
  /** What is wrong with it, to be read after its name. */
  message: string;
  /** The whole message, where it is worded already. */
  text?: string;
}
export type Validation = { problems: Problem[]; binding?: Binding };
export type BoardValidation = { problems: Problem[]; bindings?: BoardBindings };

/**
 * Checks inputs of which some may be unknown yet: what `isUnknown` says yes to, and all below it, is passed over. `binding` is
 * there only when everything is known and right. Nulls count as missing.
 */
export function validate(
  inputs: Record<string, unknown>,
  isUnknown: (value: unknown) => boolean = (value) => value === unknownValue,
): Validation {
  const { problems, parsed } = parseInputs(bindingSchema, inputs, isUnknown);
  return { problems, binding: parsed };
}

/** As `validate`, for many devices of one board. */
export function validateBoard(
  inputs: Record<string, unknown>,
  isUnknown: (value: unknown) => boolean = (value) => value === unknownValue,
): BoardValidation {
  const { problems, parsed } = parseInputs(boardBindingsSchema, inputs, isUnknown);
  return { problems, bindings: parsed };
}

/** What is said where a binding says no driver: whoever forgets it would take the device's away. `path` stands before it: "bindings.i2c.". */
export const missingDriver = (path = ""): Problem => ({
  property: `${path}driver`,
  message: "is missing; null keeps the device without a driver",
});

/** Checks inputs by any schema, with the same words; see `validate`. */
export function parseInputs<T extends z.ZodType>(
  schema: T,
  inputs: Record<string, unknown>,
  isUnknown: (value: unknown) => boolean,
): { problems: Problem[]; parsed?: z.output<T> } {
  const given = withoutNulls(inputs);
  const parsed = schema.safeParse(given);
  if (parsed.success) return holdsUnknown(given, isUnknown) ? { problems: [] } : { problems: [], parsed: parsed.data };
  const problems = parsed.error.issues
    .flatMap(ofUnion)
    .filter((issue) => !isUnknownAt(given, issue.path, isUnknown))
    .map((issue) => ({ property: pathOf(issue.path) || "inputs", message: messageOf(issue) }));
  return { problems };
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return `does not know ${issue.keys.map((key) => `"${shown(key)}"`).join(", ")}`;
  return issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}

/** "connection.jumps[0].host", as the engine writes paths. */
const pathOf = (path: readonly PropertyKey[]): string =>
  path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${shown(key)}`)).join("");

/** A key that a user wrote, fit to print. */
const shown = (key: PropertyKey): string => String(key).replace(/\p{C}/gu, "?").slice(0, 100);

/** Where a value of several forms was meant as an object or a list and is none of the others: what is wrong in it, by its path. */
function ofUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  const branches = issue.code === "invalid_union" ? issue.errors : [];
  const own = ["unrecognized_keys", "custom"];
  const meant = branches.find((issues) => issues.every(({ code, path }) => own.includes(code) || path.length > 0));
  return meant?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(kept.map(([key, inner]) => [key, isPlainObject(inner) ? withoutNulls(inner) : inner]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function holdsUnknown(value: unknown, isUnknown: (value: unknown) => boolean): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some((inner) => holdsUnknown(inner, isUnknown));
  return isPlainObject(value) && Object.values(value).some((inner) => holdsUnknown(inner, isUnknown));
}

function isUnknownAt(value: unknown, path: readonly PropertyKey[], isUnknown: (value: unknown) => boolean): boolean {
  if (isUnknown(value)) return true;
  const [key, ...rest] = path;
  if (key === undefined) return false;
  if (Array.isArray(value)) return isUnknownAt(value[Number(key)], rest, isUnknown);
  return isPlainObject(value) && isUnknownAt(value[String(key)], rest, isUnknown);
}
