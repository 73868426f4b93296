import { DevbindError, type ErrorKind } from "../../provider/errors";

/** Throws where a text holds what a terminal obeys or hides: controls, escapes, bidirectional marks. */
export function expectPlain(text: string, what: string): void {
  if (/[\p{Cc}\p{Cf}]/u.test(text)) throw new Error(`${what} holds a control character: ${JSON.stringify(text.slice(0, 500))}`);
}

/** The longest text that a reader can still be asked to read. */
const longest = 4000;

/** Holds that an error is one of ours, of a kind that may come here, worded in all its parts and fit to print. */
export function expectWorded(error: unknown, ...kinds: ErrorKind[]): DevbindError {
  if (!(error instanceof DevbindError)) throw error instanceof Error ? error : new Error(`no error was thrown, but ${String(error)}`);
  if (!kinds.includes(error.kind)) throw new Error(`"${error.kind}" is none of ${kinds.join(", ")}: ${error.message}`);
  const { failed, now, todo } = error.words;
  if ([failed, now, todo].some((part) => part.trim() === ""))
    throw new Error(`an error says not all of failed, now and todo: ${error.message}`);
  expectPlain(`${String(error)}: ${error.stack}`, "the error's text");
  if (error.message.length > longest) throw new Error(`an error has ${error.message.length} characters: ${error.message.slice(0, 200)}…`);
  return error;
}

/** A mark that stands in every secret; in a message it must never stand. */
export const hush = "HUSH-3f9c";

export function expectNoSecret(text: string, what: string): void {
  if (text.includes(hush)) throw new Error(`${what} holds a secret: ${text.slice(0, 500)}`);
}

/** What remains of a text on its way as UTF-8: half a letter becomes U+FFFD. */
export const asUtf8 = (text: string): string => Buffer.from(text, "utf8").toString("utf8");

/** Throws where the two are not the same. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [actual, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${what} is ${one?.slice(0, 500)}, not ${other?.slice(0, 500)}`);
}
