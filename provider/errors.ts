import type { Outputs } from "./schema";

/**
 * The one error class, and the words of what goes wrong on a board. Every message says first what failed and where, then the state
 * the board is in now, then what to do. The kernel's words are quoted; secrets never appear, because nothing here is given one.
 */

/**
 * - `invalid`: an input can't be right, whatever the board says
 * - `unreachable`: no answer over the network (yet)
 * - `untrusted`: the host key is unknown, changed or revoked
 * - `denied`: the board let nobody in with these credentials
 * - `protocol`: what came back is not what a board's script says
 * - `refused`: a rule or the board says no; nothing was written
 * - `busy`: somebody else's transaction runs; nothing was written
 * - `undone`: something was written and all of it is back
 * - `stuck`: the board is not as it was and not as wished
 */
export type ErrorKind = "invalid" | "unreachable" | "untrusted" | "denied" | "protocol" | "refused" | "busy" | "undone" | "stuck";

export interface ErrorWords {
  /** What failed, and where. */
  failed: string;
  /** The state the board is in now. */
  now: string;
  /** What to do. */
  todo: string;
}

/** A board's words without what a terminal would obey: escapes, newlines and other control characters become spaces. */
export const plain = (words: string): string => words.replace(/\p{C}+/gu, " ");

/** A board chooses some of the words; a line with the longest of host keys has 2,800 characters. */
const longestPart = 3000;

/** The only error that leaves this package on purpose. The engine prints `${error}: ${error.stack}` to users, so that is its message. */
export class DevbindError extends Error {
  constructor(
    readonly kind: ErrorKind,
    readonly words: ErrorWords,
    /** The input that is to blame, as a path: `connection.privateKeyPath`. */
    readonly property?: string,
  ) {
    const parts = [words.failed, words.now, words.todo].filter((part) => part !== "");
    super(plain(parts.map((part) => (part.length > longestPart ? `${part.slice(0, longestPart)}…` : part)).join(" ")));
    this.name = "DevbindError";
    this.stack = this.message;
  }

  override toString(): string {
    return "pulumi-devbind";
  }
}

/** What is known of one binding of a stuck transaction: `entry` is its name where a resource has many. */
export interface StuckBinding {
  entry: string | undefined;
  /** Whether it was to be given up. */
  isLeaving: boolean;
  outputs: Outputs;
}

/** A `stuck` board, with what is known now of each binding of the request: they stay in Pulumi's state. */
export class StuckError extends DevbindError {
  constructor(
    error: DevbindError,
    readonly bindings: StuckBinding[],
  ) {
    super("stuck", error.words);
  }
}

/** Names in a sentence: the first ten, and how many more there are. */
export const listed = (names: readonly string[]): string =>
  names.slice(0, 10).join(", ") + (names.length > 10 ? ` and ${names.length - 10} more` : "");

/** What is true of every failure before a request went out. */
export const nothingSent = "Nothing was sent to the board.";

/** What an outcome's message is made of. */
export interface OutcomeWords {
  deed: "bind" | "give back";
  /** The device's name, or the devices'. */
  device: string;
  /** The board's address. */
  address: string;
  /** "driver "vfio-pci"" or "no driver". */
  wish: string;
  /** The board's word for what went wrong: write, module, missing, readback, left, vanished, late, killed, held, after, unconfirmed, persist, state. */
  problem: string;
  /** The step: override, unbind, bind, probe, module. */
  step: string | undefined;
  /** The kernel's own log of a module that did not load. */
  log?: string | null;
  /** Whether only a new id makes the driver match: there are no overrides, and it takes ids. */
  wantsId?: boolean;
  /** Whether the device's override names the wished driver, or a new id was added, so that it matches for certain. */
  isOverridden: boolean;
  /** What the kernel or modprobe said. */
  kernel: string | null;
  /** "is back with "e1000e"" */
  stateNow: string;
  /** How many devices more the transaction had. */
  others?: number;
  /** A sentence about what depended on the device and did not come back; empty when all did. */
  lost: string;
  /** What `afterRebind` said when it failed after the undo; null when it did not. */
  after: string | null;
  /** How long the board waited for a new login, where it did. */
  confirmSeconds: number | null;
}

/** The errno's name for what a C library prints, glibc's and musl's; as it is where it has none. */
export function errnoOf(kernel: string | null): string {
  const said = (kernel ?? "").split(": ").pop()?.trim() ?? "";
  return errnoNames.get(said) ?? (said === "" ? "no reason given" : said);
}

const errnoNames = new Map(
  Object.entries({
    "No such device": "ENODEV",
    "No such file or directory": "ENOENT",
    "Device or resource busy": "EBUSY",
    "Resource busy": "EBUSY",
    "Invalid argument": "EINVAL",
    "Resource temporarily unavailable": "EAGAIN",
    "Permission denied": "EACCES",
    "Operation not permitted": "EPERM",
    "Input/output error": "EIO",
    "I/O error": "EIO",
    "Cannot allocate memory": "ENOMEM",
    "Out of memory": "ENOMEM",
    "File exists": "EEXIST",
    "Read-only file system": "EROFS",
    "Operation not supported": "EOPNOTSUPP",
    "Connection timed out": "ETIMEDOUT",
    "Operation timed out": "ETIMEDOUT",
    "No such device or address": "ENXIO",
    "Not supported": "EOPNOTSUPP",
  }),
);

/** What failed in a transaction, in the kernel's own word. */
export function failureOf({ problem, step, kernel, log, confirmSeconds }: OutcomeWords): string {
  switch (problem) {
    case "write":
      return `the kernel refused the write to ${fileOf(step)} (${errnoOf(kernel)})`;
    case "module":
      return `modprobe failed: "${kernel ?? "no reason given"}"${log ? `; the kernel's log says "${log}"` : ""}`;
    case "parameter":
      return `the module is loaded, and its parameter is not as wished: ${kernel}`;
    case "missing":
      return `there is no file for the step "${step}" (${kernel})`;
    case "readback":
      return `the kernel took the write, but read back it is "${kernel ?? "none"}"`;
    case "left":
      return "the driver took the device and let go of it right after";
    case "persist":
      return "the file that keeps it over a reboot could not be put into its place";
    case "after":
      return `afterRebind failed (${kernel ?? "no reason given"})`;
    case "unconfirmed":
      return `no new login reached the board within ${confirmSeconds} seconds (confirmSeconds), so the board undid it by itself`;
    case "vanished":
      return "the device vanished while it was bound";
    case "late":
      return `the write of step "${step}" took longer than timeoutSeconds`;
    case "killed":
      return "the script on the board was killed";
    case "held":
      return `the kernel holds the write to ${step ?? "a file"} and does not come back`;
    default:
      return `the step "${step ?? problem}" failed`;
  }
}

/** The file that a step writes to. */
const fileOf = (step: string | undefined): string | undefined => (step === "override" ? "driver_override" : step?.replace("-id", "_id"));

/** What to do about a module that did not load, by what modprobe said. */
function moduleAdvice(kernel: string | null): string {
  const said = kernel ?? "";
  if (/key/i.test(errnoOf(said)))
    return "The kernel takes only modules that are signed with a key that it knows: sign the module, or give its key to the kernel.";
  if (errnoOf(said) === "EPERM")
    return "The kernel lets nobody load this module: locked down (as under secure boot) it takes signed ones only, and none once kernel.modules_disabled is set.";
  if (/exec format|invalid module format/i.test(said))
    return "The module was built for another kernel than the one that runs: install the one that belongs to it.";
  if (/not found/i.test(said)) return "Install modprobe, or the module for the running kernel, or name another `module`.";
  if (["EINVAL", "ENODEV"].includes(errnoOf(said)))
    return "It may want a parameter (`moduleParameters`), or hardware that is not there; `dmesg` on the board may say which.";
  return "See `dmesg` on the board, or name another `module`.";
}

/** A transaction that was rolled back. */
export function undoneError(words: OutcomeWords): DevbindError {
  return new DevbindError("undone", {
    failed: `Cannot ${words.deed} ${words.device} on ${words.address} to ${words.wish}: ${failureOf(words)}.`,
    now: [
      `${words.device} ${words.stateNow}${othersWords(words)}${words.lost === "" ? "; nothing changed" : ""}.`,
      words.lost,
      afterWords(words),
    ]
      .filter(Boolean)
      .join(" "),
    todo: undoneAdvice(words),
  });
}

const othersWords = ({ others = 0 }: OutcomeWords): string =>
  others === 0 ? "" : `, and so ${others === 1 ? "is the other device" : `are the other ${others} devices`} of its transaction`;

const afterWords = ({ after }: OutcomeWords): string => (after === null ? "" : `afterRebind failed after the undo (${after}).`);

function undoneAdvice({ deed, problem, step, kernel, lost, isOverridden, wish, wantsId }: OutcomeWords): string {
  if (lost !== "") return "Bind what is named by hand, or rescan its bus; then run `pulumi up` again.";
  if (problem === "write" && step === "bind" && errnoOf(kernel) === "EAGAIN")
    return "EAGAIN: the probe is deferred: it waits for another device (a clock, a regulator, a GPIO) that did not come; bind that one first.";
  if (problem === "unconfirmed")
    return "A rebound network card comes back without address and route: let `afterRebind` configure it, or choose another device.";
  if (problem === "after") return "Try that command on the board by hand.";
  if (deed === "give back" && problem === "write" && step === "bind")
    return 'The driver that it had does not take it any more: `onDelete: "unbind"` gives it up without one, and "keep" as it is.';
  if (problem === "write" && step === "bind" && errnoOf(kernel) === "ENODEV" && !isOverridden)
    return wantsId
      ? 'ENODEV: the driver does not match this device; strategy "new-id" adds the device\'s id to it.'
      : 'ENODEV: the driver does not match this device; where its bus has overrides, strategy "auto" or "override" makes it.';
  if (problem === "write" && step === "bind" && errnoOf(kernel) === "EINVAL" && /vfio/.test(wish))
    return 'EINVAL: so vfio refuses a device that has no IOMMU group, among others; `moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" }` goes without one. `dmesg` on the board may say more.';
  if (problem === "write" && step === "bind" && errnoOf(kernel) === "ENOENT" && /vfio.(platform|amba)/.test(wish))
    return 'ENOENT: so vfio refuses a device that it can\'t reset; `moduleParameters: { reset_required: "0" }` goes without that, in kernels that allow it.';
  if (problem === "write" && step === "bind") return "The driver's own probe refused the device: `dmesg` on the board may say why.";
  if (problem === "module") return moduleAdvice(kernel);
  if (problem === "parameter")
    return 'Correct its name or value; that of another module is written "module.parameter". `dmesg` on the board may say more.';
  return "Run `pulumi up` again; `dmesg` on the board may say more.";
}

/** A transaction that is neither done nor undone. */
export function stuckError(words: OutcomeWords, holders: string[], left: string | null): DevbindError {
  const holder = holders.length > 0 ? ` Held open by ${listed(holders)}.` : "";
  const isHeld = words.problem === "held";
  return new DevbindError("stuck", {
    failed: `${words.deed === "bind" ? "Binding" : "Giving back"} ${words.device} on ${words.address} to ${words.wish} is stuck: ${failureOf(words)}.${holder}`,
    now: isHeld
      ? `${words.device} is between two drivers; the board finishes the undo by itself when the kernel lets go.`
      : [`The undo failed too: ${left ?? words.device} did not come back; ${words.device} ${words.stateNow}.`, words.lost]
          .filter(Boolean)
          .join(" "),
    todo: isHeld
      ? "End what holds the device, then run `pulumi up` again."
      : "Run `pulumi up` again with a driver that takes the device, or reboot the board.",
  });
}
