import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ParsedKey, utils } from "ssh2";
import type { DevbindError } from "../errors";
import { resolvePath } from "./paths";
import { pkcs8ToSsh2 } from "./pkcs8";
import { reasonOf } from "./plain";
import type { Hop, Target } from "./target";
import * as words from "./words";

/** Keys that were parsed before, by the hash of text and passphrase: an encrypted key costs 100 ms and more each time. */
const parsed = new Map<string, ParsedKey>();

/**
 * The private key of a hop, from `privateKey`, else from the file `privateKeyPath`; undefined when neither is given. Read are
 * OpenSSH, PEM (PKCS#1, SEC 1), PKCS#8 and PuTTY keys: everything that `@pulumi/command` takes.
 * @throws DevbindError "invalid" with the property, when there is no file, it holds no private key, or its passphrase is missing or wrong
 */
export function privateKeyOf(hop: Hop, target: Target): ParsedKey | undefined {
  if (hop.privateKey !== undefined) return parse(hop.privateKey, hop, target, "privateKey");
  if (hop.privateKeyPath === undefined) return undefined;
  const path = resolvePath(hop.privateKeyPath);
  return parse(readKeyFile(path, target), hop, target, "privateKeyPath", path);
}

function readKeyFile(path: string, target: Target): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = missing ? "there is no such file" : `it can't be read: ${reasonOf(error)}`;
    throw words.keyUnusable(target, "privateKeyPath", path, why, "Relative paths start at the folder that holds Pulumi.yaml.");
  }
}

function parse(text: string, hop: Hop, target: Target, field: string, path?: string): ParsedKey {
  const name = createHash("sha256")
    .update(JSON.stringify([text, hop.privateKeyPassword]))
    .digest("hex");
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const passphrase = hop.privateKeyPassword === "" ? undefined : hop.privateKeyPassword;
  const key = readKey(text, passphrase);
  if (key instanceof Error) throw unusable(key.message, passphrase !== undefined, target, field, path);
  if (!key.isPrivateKey()) {
    throw words.keyUnusable(target, field, path, "it is a public key", "Give the private half (the file without .pub).");
  }
  if (parsed.size > 500) parsed.clear();
  parsed.set(name, key);
  return key;
}

function readKey(text: string, passphrase: string | undefined): ParsedKey | Error {
  try {
    const key: ParsedKey | Error | undefined = utils.parseKey(pkcs8ToSsh2(text, passphrase), passphrase);
    return key ?? new Error("Malformed OpenSSH private key"); // `ssh2` gives nothing for a file that holds no key
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function unusable(message: string, hasPassphrase: boolean, target: Target, field: string, path?: string): DevbindError {
  const passphrase = `${target.property}.privateKeyPassword`;
  if (/no passphrase given/.test(message)) {
    return words.keyUnusable(target, field, path, "it is encrypted and needs a passphrase", `Set ${passphrase}.`);
  }
  if (hasPassphrase && /passphrase|decrypt|integrity check|unable to authenticate|Malformed/i.test(message)) {
    return words.keyUnusable(target, field, path, "the passphrase is wrong", `Check ${passphrase}.`);
  }
  if (/Unsupported key format/.test(message)) {
    return words.keyUnusable(target, field, path, "it is no private key", "Give an OpenSSH or PEM private key, whole, from BEGIN to END.");
  }
  return words.keyUnusable(
    target,
    field,
    path,
    `it can't be read (${reasonOf(new Error(message))})`,
    "Make a new key with ssh-keygen -t ed25519.",
  );
}
