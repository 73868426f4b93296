import { DevbindError, nothingSent } from "../errors";
import { fingerprint, type KnownHost, keyText, type PublicKey } from "./known-hosts";
import { plain, reasonOf } from "./plain";
import type { Target } from "./target";

/**
 * The wording of everything this room can fail with: what failed and where, the state now, what to do. No function here is given a
 * secret. Texts that a server or the system chose pass through `plain`.
 */

const unknownProgress = "How far the command came is not known.";
const lookAgain = "Look at the board again before anything else is done to it.";

/** "root@10.0.0.21:22", or the jump host with the board it leads to. */
export function place(target: Target): string {
  return target.before === undefined ? target.address : `the jump host ${target.address} (on the way to ${target.before})`;
}

/** Whether the OpenSSH config file describes the machine: a ProxyJump of it. */
const isOfFile = (target: Target): boolean => target.property === "connection.configFile";

/** What to look at: an input, or the file's own word for it. */
const setting = (target: Target, ours: string, theirs: string): string =>
  isOfFile(target) ? `its ${theirs} in ${target.property}` : `${target.property}.${ours}`;

/** A place at the start of a sentence: an address stays as it is. */
export const sentence = (text: string) => text.replace(/^the /, "The ");
const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// The network

export function unreachable(target: Target, reason: string, dials: number): DevbindError {
  return new DevbindError("unreachable", {
    failed: `Cannot reach ${place(target)}: ${plain(reason)} (after ${count(dials, "dial")}).`,
    now: nothingSent,
    todo: `Check that it is on, that ${setting(target, "host and port", "HostName and Port")} are right and that an SSH server listens there.`,
  });
}

export function nameUnknown(target: Target, reason: string): DevbindError {
  return new DevbindError(
    "unreachable",
    {
      failed: `Cannot reach ${place(target)}: its name can't be resolved: ${plain(reason)}.`,
      now: nothingSent,
      todo: `Check ${setting(target, "host", "HostName")}, or write the address.`,
    },
    isOfFile(target) ? target.property : `${target.property}.host`,
  );
}

export function lostWhileRunning(target: Target, reason: string): DevbindError {
  return new DevbindError("unreachable", {
    failed: `The connection to ${place(target)} was lost while a command was running there: ${plain(reason)}.`,
    now: unknownProgress,
    todo: lookAgain,
  });
}

export function closedBefore(target: Target): DevbindError {
  return new DevbindError("unreachable", {
    failed: `The connection to ${place(target)} is closed.`,
    now: nothingSent,
    todo: "Connect again.",
  });
}

export function notInTime(target: Target, seconds: number): DevbindError {
  return new DevbindError("unreachable", {
    failed: `${sentence(place(target))} did not answer a command within ${count(seconds, "second")}.`,
    now: unknownProgress,
    todo: lookAgain,
  });
}

// What the other side speaks

export function handshakeFailed(target: Target, reason: string): DevbindError {
  return new DevbindError("protocol", {
    failed: `Cannot speak SSH with ${place(target)}: ${plain(reason)}.`,
    now: nothingSent,
    todo: "Check that an SSH server of the last ten years listens on that port.",
  });
}

export function tooMuch(target: Target, bytes: number): DevbindError {
  return new DevbindError("protocol", {
    failed: `${sentence(place(target))} sent more than ${count(bytes, "byte")} in answer to one command.`,
    now: `The answer was thrown away and the command was cut off. ${unknownProgress}`,
    todo: lookAgain,
  });
}

/** `isRunning`: while a command was. */
export function flooded(target: Target, bytes: number, isRunning = false): DevbindError {
  return new DevbindError("protocol", {
    failed: `${sentence(place(target))} sent more than ${count(bytes, "byte")} that nobody had asked for.`,
    now: isRunning ? `The connection was cut. ${unknownProgress}` : nothingSent,
    todo: isRunning ? lookAgain : "Check that an SSH server listens there, and what it sends: `ssh -vvv` tells.",
  });
}

export function noSession(target: Target, reason: string): DevbindError {
  return new DevbindError("denied", {
    failed: `${sentence(place(target))} let us in, but runs no command for us: ${plain(reason)}.`,
    now: nothingSent,
    todo: "Check that this user has a login shell and that sshd allows sessions (MaxSessions, ForceCommand).",
  });
}

export function noForwarding(jump: Target, board: Target, reason: string): DevbindError {
  return new DevbindError("denied", {
    failed: `${sentence(place(jump))} lets us in, but does not lead on to ${board.address}: ${plain(reason)}.`,
    now: nothingSent,
    todo: "Check AllowTcpForwarding and PermitOpen in its sshd_config.",
  });
}

// Credentials

/** `tried`: "a private key", "a password"…; `offered`: the server's own list; `notes`: why a way in could not be tried. */
export function denied(target: Target, tried: readonly string[], offered: readonly string[], notes: readonly string[]): DevbindError {
  const ways = tried.length === 0 ? "it offers no way in that we have something for" : `it took none of: ${tried.join(", ")}`;
  const list = offered.length === 0 ? "" : ` It offers: ${offered.map((name) => plain(name, 40)).join(", ")}.`;
  return new DevbindError(
    "denied",
    {
      failed: [`${sentence(place(target))} let nobody in: ${ways}.${list}`, ...notes.map((note) => `${plain(note, 400)}.`)].join(" "),
      now: nothingSent,
      todo: `Check the user and the credentials in ${target.property}, and the other side's authorized_keys and sshd_config.`,
    },
    target.property,
  );
}

export function passwordExpired(target: Target): DevbindError {
  return new DevbindError(
    "denied",
    {
      failed: `${sentence(place(target))} wants the password changed before it lets anybody in.`,
      now: nothingSent,
      todo: `Log in by hand, change it, and set ${target.property}.password.`,
    },
    `${target.property}.password`,
  );
}

export function noCredentials(target: Target, notes: readonly string[]): DevbindError {
  return new DevbindError(
    "invalid",
    {
      failed: [`There is nothing to log in to ${place(target)} with.`, ...notes.map((note) => `${plain(note, 400)}.`)].join(" "),
      now: nothingSent,
      todo: isOfFile(target)
        ? "Name an IdentityFile for it in connection.configFile, or run an agent (SSH_AUTH_SOCK)."
        : `Give ${target.property} a privateKey, a privateKeyPath, a password or an agentSocketPath, or run an agent (SSH_AUTH_SOCK).`,
    },
    target.property,
  );
}

/** `field`: privateKey or privateKeyPath; `path`: the file, where it came from one. */
export function keyUnusable(target: Target, field: string, path: string | undefined, why: string, todo: string): DevbindError {
  const property = `${target.property}.${field}`;
  const what = path === undefined ? property : `${property} (${plain(path, 400)})`;
  return new DevbindError("invalid", { failed: `Cannot use ${what} for ${place(target)}: ${why}.`, now: nothingSent, todo }, property);
}

// The OpenSSH config file

function configured(failed: string, todo: string): DevbindError {
  return new DevbindError("invalid", { failed, now: nothingSent, todo }, "connection.configFile");
}

export function configUnreadable(path: string, file: string, error: unknown): DevbindError {
  const included = file === path ? "" : ` (included by ${plain(path, 400)})`;
  return configured(
    `Cannot use connection.configFile: ${plain(file, 400)}${included} can't be read: ${reasonOf(error)}.`,
    "Relative paths start at the folder that holds Pulumi.yaml; those of an Include at ~/.ssh.",
  );
}

export function configWrong(path: string, setting: string, value: string | undefined): DevbindError {
  return configured(`${plain(path, 400)} says "${setting} ${plain(value ?? "")}", which is no right value.`, "Correct that line.");
}

export function proxyCommand(path: string, host: string): DevbindError {
  return configured(
    `${plain(path, 400)} asks for a ProxyCommand on the way to ${plain(host)}: no command of a file is run here.`,
    "Write it as ProxyJump, or name the jump hosts in connection.jumps.",
  );
}

export function jumpsInACircle(path: string, passed: readonly string[]): DevbindError {
  return configured(`The ProxyJump lines of ${plain(path, 400)} go in a circle: ${passed.join(" by ")}.`, "Correct those lines.");
}

// Host keys

function untrusted(failed: string, todo: string, property?: string): DevbindError {
  return new DevbindError("untrusted", { failed, now: nothingSent, todo }, property);
}

const flashed = (what: string) => `If the board was re-flashed, ${what}. If it was not, somebody else may be answering: find out first.`;

export function hostKeyUnreadable(target: Target): DevbindError {
  const property = `${target.property}.hostKey`;
  return new DevbindError(
    "invalid",
    {
      failed: `${property} holds a line that is no public key.`,
      now: nothingSent,
      todo: 'Write it as "ssh-ed25519 AAAA…", one key a line; `ssh-keyscan` prints such lines.',
    },
    property,
  );
}

export function hostKeyNotTheGiven(target: Target, shown: PublicKey, given: readonly PublicKey[]): DevbindError {
  const property = `${target.property}.hostKey`;
  const expected = given.map((key) => `${key.type} ${fingerprint(key)}`).join(" or ");
  return untrusted(
    `The host key of ${place(target)} is not the one in ${property}: it shows ${plain(shown.type)} ${fingerprint(shown)}, expected is ${expected}.`,
    flashed(`set ${property} to "${keyText(shown)}"`),
    property,
  );
}

export function hostKeyUnknown(
  target: Target,
  shown: PublicKey,
  trust: { files: readonly string[]; writeTo: string; authority: KnownHost | undefined },
  line: string,
): DevbindError {
  const { authority } = trust;
  const unused = authority
    ? ` The @cert-authority line at ${authority.file}:${authority.line} is not used: host certificates can't be read.`
    : "";
  return untrusted(
    `The host key of ${place(target)} is not known: it shows ${plain(shown.type)} ${fingerprint(shown)}, and ${trust.files.join(" and ")} have no line for it.${unused}`,
    `If that is the board's fingerprint, add this line to ${trust.writeTo}: ${line}`,
  );
}

export function hostKeyChanged(target: Target, shown: PublicKey, old: KnownHost, line: string): DevbindError {
  return untrusted(
    `The host key of ${place(target)} has changed: it shows ${plain(shown.type)} ${fingerprint(shown)}, but ${old.file}:${old.line} has ${old.key.type} ${fingerprint(old.key)}.`,
    flashed(`remove line ${old.line} from ${old.file} and add this one: ${line}`),
  );
}

export function hostKeyRevoked(target: Target, shown: PublicKey, revoked: KnownHost): DevbindError {
  return untrusted(
    `The host key of ${place(target)} is revoked: ${revoked.file}:${revoked.line} marks ${plain(shown.type)} ${fingerprint(shown)} as @revoked.`,
    "Give the machine a new host key. Do not log in to it until you know why this one was revoked.",
  );
}

export function hostKeyNotSaved(target: Target, file: string, error: unknown): DevbindError {
  return untrusted(
    `The host key of ${place(target)} is new and could not be written to ${file}: ${reasonOf(error)}.`,
    "Make that file writable, or add the board's key to it by hand.",
  );
}

export function knownHostsUnreadable(target: Target, file: string, error: unknown): DevbindError {
  return untrusted(
    `Cannot check the host key of ${place(target)}: ${plain(file, 400)} can't be read: ${reasonOf(error)}.`,
    "Make that file readable.",
  );
}
