import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { connectionSchema } from "../../provider/schema";
import { checkCredentials } from "../../provider/ssh/connection";
import { makeKey } from "../ssh/keys";
import { expectNoSecret, expectWorded, hush } from "./expectations";
import { property } from "./frame";
import { hostileText } from "./hostile";

const passphrase = `${hush} passphrase`;
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const ed25519 = generateKeyPairSync("ed25519").privateKey;
const locked = { cipher: "aes-128-cbc", passphrase, format: "pem" } as const;

/** A key of every form that is read. They are new in each run: of a counterexample its text counts, not its seed. */
const keys: readonly { text: string; isLocked: boolean }[] = [
  ...[makeKey(), makeKey("ecdsa"), makeKey("rsa")].map(({ privateKey }) => ({ text: privateKey, isLocked: false })),
  { text: makeKey("ed25519", passphrase).privateKey, isLocked: true },
  { text: makeKey().publicKey, isLocked: false },
  ...[rsa, ec, ed25519].map((key) => ({ text: key.export({ type: "pkcs8", format: "pem" }).toString(), isLocked: false })),
  { text: rsa.export({ type: "pkcs1", format: "pem" }).toString(), isLocked: false },
  { text: ec.export({ type: "sec1", format: "pem" }).toString(), isLocked: false },
  { text: ec.export({ type: "sec1", ...locked }).toString(), isLocked: true },
  { text: ed25519.export({ type: "pkcs8", ...locked }).toString(), isLocked: true },
];

interface Edit {
  /** In thousandths of the length. */
  at: number;
  act: "flip" | "cut" | "insert" | "drop" | "repeat" | "count";
  byte: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat({ max: 999 }),
  act: fc.constantFrom("flip", "flip", "cut", "insert", "drop", "repeat", "count"),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 255)),
});

/**
 * Where the bytes of an encrypted openssh-key-v1 say how often its passphrase is hashed (PROTOCOL.key): a flipped bit there costs
 * hours, as it does in OpenSSH. Nothing before is touched either.
 */
const afterRounds = 68;

function changed(bytes: Uint8Array, { at, act, byte }: Edit, from: number): Uint8Array {
  if (act === "count") return miscounted(bytes, { at, byte }, from);
  const place = from + Math.floor(((bytes.length - from) * at) / 1000);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  if (act === "cut") return before;
  if (act === "drop") return Buffer.concat([before, after.subarray(1)]);
  if (act === "repeat") return Buffer.concat([before, after.subarray(0, byte), after]);
  if (act === "insert") return Buffer.concat([before, Buffer.of(byte), after]);
  return Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ byte), after.subarray(1)]);
}

/** With another number in one of the places that look like a length or a count: three zeros and a byte. */
function miscounted(bytes: Uint8Array, { at, byte }: Omit<Edit, "act">, from: number): Uint8Array {
  const places = [...bytes.keys()].filter((place) => place >= from + 3 && bytes.subarray(place - 3, place).every((one) => one === 0));
  const place = places[at % Math.max(1, places.length)];
  return bytes.map((one, index) => (index === place ? byte : one));
}

interface Attempt {
  key: (typeof keys)[number];
  /** Of the bytes that the base64 between the lines stands for. */
  inside: Edit[];
  /** Of the text itself. */
  outside: Edit[];
  password: string | undefined;
}

const attempts: fc.Arbitrary<Attempt> = fc.record({
  key: fc.constantFrom(...keys),
  inside: fc.array(edit, { maxLength: 2 }),
  outside: fc.oneof({ weight: 3, arbitrary: fc.constant<Edit[]>([]) }, { weight: 1, arbitrary: fc.array(edit, { maxLength: 2 }) }),
  password: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(passphrase, undefined) },
    { weight: 1, arbitrary: hostileText.filter((text) => text !== "").map((text) => `${hush}${text}`) },
  ),
});

/** The text of a key with its bytes changed. Text and rounds of a locked one stay: see afterRounds. */
function textOf({ key: { text, isLocked }, inside, outside, password }: Attempt): string {
  const isHashed = isLocked && password !== undefined;
  const [, head = "", body = "", foot = ""] = /^([\s\S]*?-----\n(?:[^\n]*: [^\n]*\n)*\n?)([^-]*)(-----[\s\S]*)$/.exec(text) ?? ["", text];
  const edited = (from: Uint8Array, edits: Edit[], least: number) =>
    Buffer.from(edits.reduce((made, one) => changed(made, one, least), from));
  const bytes = edited(Buffer.from(body, "base64"), inside, isHashed ? afterRounds : 0);
  const whole = `${head}${bytes.toString("base64").replace(/(.{64})/g, "$1\n")}\n${foot}`;
  return isHashed ? whole : edited(Buffer.from(whole), outside, 0).toString("utf8");
}

function meets(attempt: Attempt): string {
  const privateKey = textOf(attempt);
  const connection = connectionSchema.safeParse({ host: "b", privateKey, privateKeyPassword: attempt.password });
  if (!connection.success) return "refused";
  try {
    checkCredentials(connection.data);
    return "taken";
  } catch (error) {
    const { message, property: named } = expectWorded(error, "invalid");
    expectNoSecret(message, "an error");
    const hasBody = privateKey.split("\n").some((line) => /^[A-Za-z0-9+/]{30,}/.test(line) && message.includes(line.slice(0, 30)));
    if (hasBody) throw new Error(`an error holds a part of the key: ${message}`);
    if (named !== "connection.privateKey") throw new Error(`an error names ${named}`);
    return "refused";
  }
}

export const ofPrivateKeys = property({
  name: "connection.privateKey: a key that was changed anywhere is read, or refused by its name and without its text",
  share: 3_000,
  ends: ["taken", "refused"],
  cases: attempts,
  open: () => ({ meets }),
});
