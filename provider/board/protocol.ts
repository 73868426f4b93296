import { z } from "zod";
import { DevbindError } from "../errors";

/**
 * Version 1 of what is said between this package and `devbind.sh` (frozen). A request is one line of shell words made of safe bytes
 * only; an answer is lines of `<nonce> <word> <key>=<value>…`, ended by `<nonce> end <number of lines>` or `<nonce> held <path>`.
 * Whatever else a board prints is passed over; what it says under the nonce is checked before it is believed.
 */
export const protocolVersion = 1;

/** A value of the wire, ready to be put between commas: safe bytes as they are, all others %XX, "-" for null. */
export function encode(value: string | null): string {
  if (value === null || value === "") return "-";
  const encoded = [...Buffer.from(value, "utf8")]
    .map((byte) =>
      /[A-Za-z0-9._:@+/-]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
  return encoded.startsWith("-") ? `%2D${encoded.slice(1)}` : encoded;
}

/** The value that a word of the wire stands for; null for "-". Bytes that are no UTF-8 become U+FFFD. */
export function decode(word: string): string | null {
  if (word === "-") return null;
  const bytes = word.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** What the script can be asked for: all but `apply` write nothing to sysfs. */
export type Operation = "look" | "list" | "apply" | "outcome" | "confirm";

/** The line that calls the script: it does nothing unless it arrives whole. */
export function requestLine(nonce: string, operation: Operation, items: string[][]): string {
  const words = items.map((item) => item.join(","));
  const line = ["devbind", String(protocolVersion), nonce, operation, String(items.length), ...words, `end-${nonce}`].join(" ");
  if (!/^[A-Za-z0-9._:@+/%, -]+$/.test(line)) throw new Error("a request holds a byte that a shell could read as its own");
  return `${line}\n`;
}

/** More than any board has to say: a root bridge with a thousand dependents takes 40 kB, and no line has forty words. */
const lineMaximum = 65_536;
const wordsMaximum = 64;
const valueMaximum = 12_288;

/** One line of an answer. */
export interface AnswerLine {
  word: string;
  fields: Record<string, string>;
}

/** Whether the last line of an answer is there. */
export function isComplete(stdout: string, nonce: string): boolean {
  const tail = stdout.slice(-16384);
  return new RegExp(`(^|\\n)${nonce} (end \\d+|held \\S+)\\r?\\n`).test(tail);
}

/**
 * Takes an answer apart.
 * @throws DevbindError `protocol` for an answer that is cut, miscounted, longer than this request can have or not of it; `stuck` where the kernel holds a file
 */
export function parseAnswer(stdout: string, nonce: string, address: string, linesMaximum: number): AnswerLine[] {
  const lines: string[] = [];
  for (const [, line = ""] of stdout.matchAll(new RegExp(`(?:^|\\n)${nonce} ([^\\n]*)`, "g"))) {
    if (line.length > lineMaximum) throw garbled(address, `it has a line of ${line.length} characters`);
    if (lines.push(line.replace(/\r$/, "")) > linesMaximum + 1) throw garbled(address, `it has more than ${linesMaximum} lines`);
  }
  const last = lines.pop();
  const held = /^held (\S+)$/.exec(last ?? "");
  if (held) throw heldByKernel(address, decode(held[1] ?? "-") ?? "a file");
  if (last !== `end ${lines.length}`) throw garbled(address, `it told of ${(last ?? "nothing").slice(0, 60)} after ${lines.length} lines`);
  return lines.map((line) => {
    const [word = "", ...pairs] = line.split(" ", wordsMaximum);
    const fields = Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
    return { word, fields };
  });
}

/** A value as it came. */
export const word = z.string().max(valueMaximum);
/** A field that must be there, decoded. */
export const field = word.transform(decode);
export const text = word.transform((value) => decode(value) ?? "");
/** What the kernel or a command said: the script sends 200 bytes of it at most. */
export const quote = z.string().max(1200).transform(decode);
/** A comma-separated list, each element decoded. */
export const list = z
  .string()
  .transform((word) => (word === "-" || word === "" ? [] : word.split(",").map((element) => decode(element) ?? "")));
/** `<name>;<driver>,…` */
export const bound = z.string().transform((word): { name: string; driver: string | null }[] => {
  if (word === "-") return [];
  return word.split(",").map((member) => {
    const [name = "-", driver = "-"] = member.split(";");
    return { name: decode(name) ?? "", driver: decode(driver) };
  });
});
export const yes = z.enum(["yes", "no"]).transform((word) => word === "yes");
/** yes, no or "-". */
export const yesOrNothing = z.enum(["yes", "no", "-"]).transform((word) => (word === "-" ? null : word === "yes"));

/** Reads one line by a schema; what does not fit is a board that answers wrongly. */
export function readLine<T extends z.ZodType>(line: AnswerLine | undefined, schema: T, address: string): z.output<T> {
  const parsed = schema.safeParse(line?.fields);
  if (parsed.success) return parsed.data;
  throw garbled(address, `its line "${line?.word ?? "(none)"}" has no right ${parsed.error.issues[0]?.path.join(".") || "form"}`);
}

/** The script's answer stopped before its end: what the shell printed as errors says most. */
export function cutAnswer(address: string, { exitCode, stderr }: { exitCode: number | undefined; stderr: string }): DevbindError {
  const said = stderr
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(-300);
  const how = exitCode === undefined ? "was ended" : `ended with exit code ${exitCode}`;
  return new DevbindError("protocol", {
    failed: `The shell on ${address} ${how} before the script had answered${said === "" ? "." : `; it said "${said}".`}`,
    now: "What it wrote until then is not known; a transaction that was cut is undone by the next update.",
    todo: "Try `sh -s` on the board by hand, then run `pulumi up` again.",
  });
}

/** An answer of which nothing is believed. */
export function garbled(address: string, why: string): DevbindError {
  return new DevbindError("protocol", {
    failed: `The answer of ${address} cannot be understood: ${why}.`,
    now: "Nothing of it was believed.",
    todo: "Look at the board by hand; its shell or its login script may be broken.",
  });
}

function heldByKernel(address: string, path: string): DevbindError {
  return new DevbindError("stuck", {
    failed: `The kernel of ${address} does not answer: reading ${path.replace(/[^\x20-\x7e]/g, "?").slice(0, 200)} hangs, so something holds that device.`,
    now: "The look itself wrote nothing.",
    todo: "Find out who holds the device (a VM that uses it, a driver's probe), or reboot the board.",
  });
}
