import type { Problem } from "../schema";
import { nearest, type Written } from "./yaml";

export interface Found {
  offset: number;
  message: string;
}

/** What is wrong, each thing once at the place where it was written, however many boards take it from there. */
export class Problems {
  readonly found: Found[] = [];

  /** `path` leads to it in `written`; the problem has the path that a user would write. */
  add(written: Written, { message, property }: Pick<Problem, "message" | "property">, path: string): void {
    const { found, isExact } = nearest(written, path);
    const words = `${message}${isExact ? quoteHint(found, message) : ""}`;
    const unknown = /^does not know "([^"]+)"/.exec(message)?.[1];
    const offset = (unknown === undefined ? undefined : found.fields?.get(unknown)?.offset) ?? found.offset;
    if (this.found.some((one) => one.offset === offset && one.message.endsWith(` ${words}.`))) return;
    this.found.push({ offset, message: `${property === "inputs" ? "the file" : property} ${words}.` });
  }
}

/** YAML reads 12e0000 as a number, and so on. */
const quoteHint = ({ value, source }: Written, message: string): string =>
  source !== undefined && ["number", "boolean"].includes(typeof value) && /\b(text|name|like)\b/.test(message)
    ? `; YAML reads ${source} as the ${typeof value} ${String(value)}: write "${source}" in quotes`
    : "";
