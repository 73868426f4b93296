import fc from "fast-check";
import { unknownValue } from "../../provider/schema";

/** The file that a shell would make which ran what it was only to hand on. Relative: the shells of this folder run in one of their own. */
export const canary = "canary";

const commands = [`touch ${canary}`, `$(touch ${canary})`, `\`touch ${canary}\``, `;touch ${canary};`, `|touch ${canary}`, `>${canary}`];
const ofShells = [
  "'",
  '"',
  "\\",
  "$",
  "`",
  "$HOME",
  "$" + "{IFS}",
  "*",
  "?",
  "[a-z]",
  "~",
  "#",
  "&",
  "!!",
  "(",
  ")",
  " ",
  "\t",
  "\n",
  "\r\n",
];
const ofTerminals = [
  "\u001b[2J",
  "\u001b]0;owned\u0007",
  "\u001b]8;;http://x\u001b\\",
  "\u009b31m",
  "\u0007",
  "\b",
  "\u007f",
  "\u001b",
  "\u0085",
];
const ofUnicode = [
  "\u202e",
  "\u2066",
  "\u200b",
  "\ufeff",
  "\u2028",
  "\ud800",
  "\udc00",
  "\ufffd",
  "é",
  "漢",
  "👩‍👩‍👧",
  "\u{e0001}",
  "i\u0307",
];
const ofPaths = ["..", "../", "/", "./", "//", "-rf", "--", "-", "~/", "/proc/self/environ"];
const ofTheWire = ["%41", "%", "%zz", "%00", ",", ";", "=", "-any", "-unsupported", "end-", "(null)", "null", "undefined", "devbind 1 "];
const ofObjects = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "then", "length", "0"];
const ofNumbers = ["NaN", "1e999", "0x10", "-1", "00", "٣"];

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...commands, ...ofShells) },
  { weight: 2, arbitrary: fc.constantFrom(...ofTerminals, ...ofUnicode) },
  { weight: 2, arbitrary: fc.constantFrom(...ofPaths, ...ofTheWire, ...ofObjects, ...ofNumbers, "\0", unknownValue) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
);

/** Some words that a shell, a terminal, a path, the protocol or JavaScript could read as its own, one after the other. */
export const shortText = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(""));

const longText = fc.tuple(shortText, fc.constantFrom(64, 300, 5000)).map(([text, times]) => text.repeat(times).slice(0, 20_000));

/** Any text that somebody could mean harm by, now and then a long one. */
export const hostileText = fc.oneof(
  { weight: 12, arbitrary: shortText },
  { weight: 3, arbitrary: fc.constantFrom(...commands, ...ofShells, ...ofObjects, "", unknownValue, "\0") },
  { weight: 1, arbitrary: longText },
);

const deep = fc.integer({ min: 2, max: 60 }).map((depth) => {
  let value: unknown = unknownValue;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { inner: value };
  return value;
});

/** Anything that JSON can say, and what JavaScript can say beside it. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, undefined, true, false, unknownValue, [], {}, [[]], [null], Number.NaN) },
  { weight: 2, arbitrary: fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-0, 0, -1, 2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY)) },
  { weight: 2, arbitrary: fc.jsonValue() },
  { weight: 2, arbitrary: fc.array(hostileText, { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.array(fc.tuple(hostileText, fc.jsonValue()), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)) },
  { weight: 1, arbitrary: fc.constantFrom("polluted", "toString").map((key) => JSON.parse(`{"__proto__": {"${key}": true}}`)) },
  { weight: 1, arbitrary: deep },
);
