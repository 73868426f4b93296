import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DevbindError } from "../errors";
import type { Connection } from "../schema";
import { type KnownHost, keyFromText, keyText, knownHostsName, namesMatch, type PublicKey, parseKnownHosts } from "./known-hosts";
import { projectFolder, resolvePath } from "./paths";
import type { Hop, Target } from "./target";
import * as words from "./words";

/** What is known of one machine's key before it is dialed. */
export interface Trust {
  readonly checking: Connection["hostKeyChecking"];
  /** The machine's name in known_hosts files. */
  readonly name: string;
  /** Keys of the input `hostKey`; where there are any, no file is asked. */
  readonly given: readonly PublicKey[];
  /** Lines that are about this machine. For a port other than 22, `fallback` are those that name only the host. */
  readonly known: readonly KnownHost[];
  readonly fallback: readonly KnownHost[];
  /** A line that vouches for the machine by a certificate authority: not used, since `ssh2` knows no host certificates. */
  readonly authority: KnownHost | undefined;
  /** The files that were asked, and the one that a new key belongs into. */
  readonly files: readonly string[];
  readonly writeTo: string;
}

export type Verdict = { trusted: true; addLine?: string } | { trusted: false; error: DevbindError };

/** Key types that `ssh2` offers, in its own order; "ssh-rsa" in a file means all three RSA signatures. */
const offeredTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-rsa",
] as const;
export type HostKeyType = (typeof offeredTypes)[number];

/**
 * Reads the input `hostKey`: one or several lines, each a public key as `ssh-keygen` prints it or a whole known_hosts line (its
 * names are not compared: the key was given for this machine).
 * @throws DevbindError "invalid" when a line holds no key
 */
export function readGivenKeys(hostKey: string | undefined, target: Target): PublicKey[] {
  const keys: PublicKey[] = [];
  for (const line of (hostKey ?? "").split("\n").map((text) => text.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = line.split(/\s+/);
    const key = line.startsWith("@") ? undefined : (keyFromText(fields[0], fields[1]) ?? keyFromText(fields[1], fields[2]));
    if (key === undefined) throw words.hostKeyUnreadable(target);
    keys.push(key);
  }
  if (hostKey !== undefined && keys.length === 0) throw words.hostKeyUnreadable(target);
  return keys;
}

/**
 * Collects what is known of a machine: the input `hostKey`, else the known_hosts files: those of `connection.knownHosts`, else the
 * user's own (or what the OpenSSH config file names) and the one beside Pulumi.yaml. A file that isn't there knows nothing.
 * @throws DevbindError when `hostKey` is no key, or a file is there and can't be read
 */
export function gatherTrust(connection: Connection, hop: Hop, target: Target): Trust {
  const checking = connection.hostKeyChecking;
  const given = readGivenKeys(hop.hostKey, target);
  const beside = join(projectFolder(), "known_hosts");
  const listed = [connection.knownHosts ?? []].flat().map(resolvePath);
  const users = hop.settings.userKnownHostsFiles ?? [join(homedir(), ".ssh", "known_hosts")];
  const files = listed.length > 0 ? listed : [...users, beside];
  const writeTo = listed[0] ?? beside;
  const alias = hop.settings.hostKeyAlias?.toLowerCase();
  const name = alias ?? knownHostsName(hop.host, hop.port);
  const lines = checking === "off" || given.length > 0 ? [] : files.flatMap((file) => parseKnownHosts(readIfThere(file, target), file));
  const about = (wanted: string) => lines.filter((line) => namesMatch(line.names, wanted));
  const isAuthority = (line: KnownHost) => line.marker === "@cert-authority";
  const known = about(name);
  const fallback = hop.port === 22 || alias !== undefined ? [] : about(knownHostsName(hop.host, 22));
  const authority = [...known, ...fallback].find(isAuthority);
  const plainly = (found: KnownHost[]) => found.filter((line) => !isAuthority(line));
  return { checking, name, given, known: plainly(known), fallback: plainly(fallback), authority, files, writeTo };
}

/**
 * The order in which to ask for key types: first those that we know a key of, as OpenSSH does; else a board whose RSA key is known
 * would show its Ed25519 key and be refused.
 */
export function preferredTypes(trust: Trust): HostKeyType[] {
  const lines = trust.known.length > 0 ? trust.known : trust.fallback;
  const keys = trust.given.length > 0 ? trust.given : lines.filter((line) => line.marker === "").map((line) => line.key);
  const known = new Set(keys.map((key) => key.type));
  const isKnown = (type: HostKeyType) => known.has(type.startsWith("rsa-sha2-") ? "ssh-rsa" : type);
  return [...offeredTypes.filter(isKnown), ...offeredTypes.filter((type) => !isKnown(type))];
}

/** Judges the key that a machine showed, before anything else is said to it. Pure: with "accept-new", `addLine` says what to write. */
export function judge(trust: Trust, shown: PublicKey, target: Target): Verdict {
  if (trust.checking === "off") return { trusted: true };
  const isShown = (key: PublicKey) => key.blob.equals(shown.blob);
  const line = `${trust.name} ${keyText(shown)}`;
  if (trust.given.length > 0) {
    if (trust.given.some(isShown)) return { trusted: true };
    return { trusted: false, error: words.hostKeyNotTheGiven(target, shown, trust.given) };
  }
  const revoked = [...trust.known, ...trust.fallback].find((known) => known.marker === "@revoked" && isShown(known.key));
  if (revoked !== undefined) return { trusted: false, error: words.hostKeyRevoked(target, shown, revoked) };
  const plainLine = (known: KnownHost) => known.marker === "";
  const known = trust.known.filter(plainLine);
  if (known.some((entry) => isShown(entry.key))) return { trusted: true };
  const sameType = known.find((entry) => entry.key.type === shown.type) ?? known[0];
  if (sameType !== undefined) return { trusted: false, error: words.hostKeyChanged(target, shown, sameType, line) };
  if (trust.fallback.filter(plainLine).some((entry) => isShown(entry.key))) return { trusted: true };
  if (trust.checking === "accept-new") return { trusted: true, addLine: line };
  return { trusted: false, error: words.hostKeyUnknown(target, shown, trust, line) };
}

/**
 * Appends one line, unless it is there already, in a single write (O_APPEND), so that two processes never tear each other's line. Makes the file, not its folder.
 * @throws DevbindError "untrusted" when it can't be written: an unsaved key would be accepted anew each time
 */
export function rememberKey(trust: Trust, line: string, target: Target): void {
  try {
    const descriptor = openSync(trust.writeTo, "a+", 0o644);
    try {
      if (readFileSync(trust.writeTo, "utf8").split("\n").includes(line)) return;
      const size = fstatSync(descriptor).size;
      const last = Buffer.alloc(1);
      const torn = size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
      writeSync(descriptor, Buffer.from(`${torn ? "\n" : ""}${line}\n`));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw words.hostKeyNotSaved(target, trust.writeTo, error);
  }
}

function readIfThere(file: string, target: Target): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return "";
    throw words.knownHostsUnreadable(target, file, error);
  }
}
