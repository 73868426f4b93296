import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { bareHost } from "./paths";
import { wildcardMatches } from "../wildcard";

/**
 * The known_hosts format, pure: sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT". What OpenSSH accepts is accepted; lines that can't be read
 * are skipped, as it does. `@cert-authority` lines are read and not used in this version.
 */

/** A public key as it goes over the wire (RFC 4253 section 6.6), with its type's name. */
export interface PublicKey {
  readonly type: string;
  readonly blob: Buffer;
}

export interface KnownHost {
  readonly marker: "" | "@revoked" | "@cert-authority";
  /** The names' column, as written. */
  readonly names: string;
  readonly key: PublicKey;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Reads the key's type out of its wire form; undefined when this is none. */
export function keyFromBlob(blob: Buffer): PublicKey | undefined {
  if (blob.length < 8) return undefined;
  const length = blob.readUInt32BE(0);
  if (length < 1 || length > 64 || 4 + length >= blob.length) return undefined;
  const type = blob.toString("latin1", 4, 4 + length);
  return /^[\x21-\x7e]+$/.test(type) ? { type, blob } : undefined;
}

/** Reads `type base64`; undefined when the base64 is not a key of just this type. */
export function keyFromText(type: string | undefined, base64: string | undefined): PublicKey | undefined {
  if (type === undefined || base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const key = keyFromBlob(Buffer.from(base64, "base64"));
  return key?.type === type ? key : undefined;
}

/** "ssh-ed25519 AAAA…" */
export function keyText(key: PublicKey): string {
  return `${key.type} ${key.blob.toString("base64")}`;
}

/** "SHA256:…", as `ssh-keygen -l` prints it. */
export function fingerprint(key: PublicKey): string {
  return `SHA256:${createHash("sha256").update(key.blob).digest("base64").replace(/=+$/, "")}`;
}

/** Every line of a known_hosts file that holds a key; `file` is only carried along for messages. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const found: KnownHost[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const fields = raw.trim().split(/\s+/);
    const first = fields[0] ?? "";
    if (first === "" || first.startsWith("#")) continue;
    const marker = first === "@revoked" || first === "@cert-authority" ? first : "";
    if (first.startsWith("@") && marker === "") continue;
    const [names, type, base64] = marker === "" ? fields : fields.slice(1);
    const key = keyFromText(type, base64);
    if (names !== undefined && key !== undefined) found.push({ marker, names, key, file, line: index + 1 });
  }
  return found;
}

/** The name a machine has in known_hosts: lower case, `[host]:port` where the port is not 22. */
export function knownHostsName(host: string, port: number): string {
  const bare = bareHost(host).toLowerCase();
  return port === 22 ? bare : `[${bare}]:${port}`;
}

/** Whether a names' column means this machine: hashed (`|1|salt|hash`, HMAC-SHA1), or a comma list with `*`, `?` and `!` negation. */
export function namesMatch(names: string, name: string): boolean {
  if (names.startsWith("|")) return hashedNameMatches(names, name);
  let matched = false;
  for (const pattern of names.toLowerCase().split(",")) {
    if (pattern.startsWith("!")) {
      if (wildcardMatches(pattern.slice(1), name)) return false;
    } else if (wildcardMatches(pattern, name)) matched = true;
  }
  return matched;
}

function hashedNameMatches(names: string, name: string): boolean {
  const [, version, salt, hash] = names.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  const wanted = Buffer.from(hash, "base64");
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}
