import fc from "fast-check";
import { observation } from "../../provider/board/observation";
import { isComplete, parseAnswer } from "../../provider/board/protocol";
import { DevbindError } from "../../provider/errors";
import { bindingSchema } from "../../provider/schema";
import { namesMatch, parseKnownHosts } from "../../provider/ssh/known-hosts";
import { plain } from "../../provider/ssh/plain";
import { items } from "./answer-texts";
import { property } from "./frame";
import { shortText } from "./hostile";

const nonce = "0123456789abcdef01234567";
const { connection } = bindingSchema.parse({ connection: { host: "b" }, bus: "pci", device: "a" });

/** What reads texts of others, whole; a refusal in our words is an answer too. */
const readers: Record<string, (text: string) => unknown> = {
  answer: (text) => observation(connection, items, parseAnswer(text, nonce, "b", items.length + 2)),
  end: (text) => isComplete(text, nonce),
  words: (text) => plain(text),
  "known hosts": (text) => parseKnownHosts(text, "f").map(({ names }) => namesMatch(names, "board-7")),
  pattern: (text) => namesMatch(text, "board-7"),
};

/** What a text is made of, again and again. */
const unit = fc.oneof(
  fc.constantFrom(
    `${nonce} `,
    `${nonce} end 1\n`,
    `${nonce} held `,
    "\n",
    "\r",
    " ",
    "=",
    ",",
    ";",
    "%",
    "%4",
    "*",
    "*a",
    "?",
    "!",
    "|1|",
    "\u001b[",
    "\u001b]",
    "\u009b0",
  ),
  fc.constantFrom(`${nonce} board a=`, ` similar=${"a,".repeat(20)}`, "\u001b]0;", "a ".repeat(9), "@revoked * "),
  shortText,
);
const cases = fc.record({
  reader: fc.constantFrom(...Object.keys(readers)),
  start: fc.constantFrom("", `${nonce} `, `${nonce} board boot=`, `${nonce} device index=0 present=no bus=yes similar=`, "x"),
  units: fc.array(unit, { minLength: 1, maxLength: 3 }),
});

const short = 32 * 1024;
const times = 16;

/** The least of some tries, in milliseconds: whatever else the machine does makes it only longer. */
function timeOf(read: (text: string) => unknown, text: string, tries: number): number {
  const measured = Array.from({ length: tries }, () => {
    const started = performance.now();
    try {
      read(text);
    } catch (error) {
      if (!(error instanceof DevbindError)) throw error;
    }
    return performance.now() - started;
  });
  return Math.min(...measured);
}

function meets({ reader, start, units }: { reader: string; start: string; units: string[] }): string {
  const read = readers[reader] ?? (() => undefined);
  const unitText = units.join("");
  const text = (length: number) => start + unitText.repeat(Math.ceil(length / unitText.length));
  const least = timeOf(read, text(short), 5);
  // Quadratic would be 256 times. Garbage of long texts costs more than that of short ones; below 1 ms the clock and the compiler count for more.
  const limit = times * 12 * Math.max(least, 1);
  const most = timeOf(read, text(short * times), 3);
  if (most > limit)
    throw new Error(`${reader}: ${times} times the text took ${(most / least).toFixed(0)} times as long (${most.toFixed(1)} ms)`);
  return "in proportion";
}

export const ofTime = property({
  name: "time: a text that is 16 times as long is read in about 16 times the time",
  share: 200,
  ends: ["in proportion"],
  isSlowToFail: true,
  cases,
  open: () => ({ meets }),
});
