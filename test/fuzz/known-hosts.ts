import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import fc from "fast-check";
import { connectionSchema } from "../../provider/schema";
import { gatherTrust, judge, preferredTypes, readGivenKeys } from "../../provider/ssh/host-keys";
import { keyFromText, type PublicKey } from "../../provider/ssh/known-hosts";
import { resolvePath } from "../../provider/ssh/paths";
import { hopsOf } from "../../provider/ssh/target";
import { makeKey } from "../ssh/keys";
import { expectWorded } from "./expectations";
import { property } from "./frame";
import { hostileText, shortText } from "./hostile";

const publicKeys = [makeKey(), makeKey(), makeKey("ecdsa")].map(({ publicKey }) => publicKey);

function keyOf(text: string): PublicKey {
  const [type, base64] = text.split(" ");
  const key = keyFromText(type, base64);
  if (key === undefined) throw new Error(`no key: ${text}`);
  return key;
}

const names = fc.oneof(
  fc.constantFrom("board-7", "[board-7]:22", "*", "board-?", "!board-7,*", "|1|c2FsdA==|aGFzaA==", "|1|", "*.lab,board-*", "10.0.0.0/8"),
  shortText,
);
const marker = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom("@revoked ", "@cert-authority ", "@x ") },
);
const key = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...publicKeys) }, { weight: 1, arbitrary: shortText });
const line = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(marker, names, key).map(([mark, host, text]) => `${mark}${host} ${text}`) },
  { weight: 1, arbitrary: hostileText },
);

/** A file, a machine, and the key that it shows. */
interface Known {
  lines: string[];
  newline: string;
  host: string;
  port: number;
  checking: "strict" | "accept-new" | "off";
  shown: string;
}

const knownHosts: fc.Arbitrary<Known> = fc.record({
  lines: fc.array(line, { maxLength: 6 }),
  newline: fc.constantFrom("\n", "\r\n", "\n\n"),
  host: fc.constantFrom("board-7", "Board-7", "fe80::1", "10.0.0.21"),
  port: fc.constantFrom(22, 2222),
  checking: fc.constantFrom("strict", "accept-new", "off"),
  shown: fc.constantFrom(...publicKeys),
});

function judged(path: string, { lines, newline, host, port, checking, shown }: Known): string {
  writeFileSync(path, lines.join(newline));
  const connection = connectionSchema.parse({ host, port, password: "x", knownHosts: path, hostKeyChecking: checking });
  const [board] = hopsOf(connection);
  if (board === undefined) throw new Error("no board");
  const trust = gatherTrust(connection, board.hop, board.target);
  if (preferredTypes(trust).length !== 7) throw new Error("a type of key is not asked for");
  const verdict = judge(trust, keyOf(shown), board.target);
  if (verdict.trusted && checking === "strict" && !lines.some((text) => text.includes(shown)))
    throw new Error("a key that no line holds was trusted");
  if (verdict.trusted) return "trusted";
  expectWorded(verdict.error, "untrusted");
  return "not trusted";
}

export const ofKnownHosts = property({
  name: "known_hosts: whatever the file holds, a key is trusted that stands in it, or refused in words",
  share: 3_000,
  ends: ["trusted", "not trusted"],
  cases: knownHosts,
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), "devbind-fuzz-"));
    return {
      meets: (one) => judged(join(folder, "known_hosts"), one),
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});

const hostKeys = fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join("\n"));

function given(text: string): string {
  try {
    const keys = readGivenKeys(text, { address: "root@board-7:22", property: "connection" });
    if (keys.length === 0) throw new Error("an input that holds no key was taken");
    return "taken";
  } catch (error) {
    if (expectWorded(error, "invalid").property !== "connection.hostKey") throw new Error("an error does not name connection.hostKey");
    return "refused";
  }
}

export const ofHostKey = property({
  name: "connection.hostKey: keys are read out of it, or it is refused by its name",
  share: 2_000,
  ends: ["taken", "refused"],
  cases: hostKeys,
  open: () => ({ meets: given }),
});

function found(text: string): string {
  const path = `nowhere/x${text}`;
  if (!isAbsolute(resolvePath(text)) || !isAbsolute(resolvePath(path))) throw new Error("a path was not made absolute");
  const connection = connectionSchema.parse({ host: "b", password: "x", knownHosts: path });
  const [board] = hopsOf(connection);
  if (board === undefined) throw new Error("no board");
  try {
    gatherTrust(connection, board.hop, board.target);
    return "not there";
  } catch (error) {
    expectWorded(error, "untrusted");
    return "refused";
  }
}

export const ofPaths = property({
  name: "connection.knownHosts: every path is made absolute, and one that can't be read is told in words",
  share: 2_000,
  ends: ["not there", "refused"],
  cases: hostileText.filter((text) => !text.includes("..")),
  open: () => ({ meets: found }),
});
