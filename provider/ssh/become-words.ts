import { DevbindError } from "../errors";
import { plain } from "./plain";
import type { Target } from "./target";
import { place, sentence } from "./words";

/** The wording of what stands between a login and root, as in words.ts. */

const nothingWritten = "Nothing was written on the board.";

const becomeDenied = (target: Target, failed: string, todo: string, property = `${target.property}.become`): DevbindError =>
  new DevbindError("denied", { failed: `${sentence(place(target))} let us in, but ${failed}`, now: nothingWritten, todo }, property);

export function becomeNeedsPassword(target: Target, by: string): DevbindError {
  const property = `${target.property}.becomePassword`;
  const whose = by === "su" ? "root's password" : "this user's password";
  return becomeDenied(
    target,
    `${by} asks for a password, and there is none.`,
    `Set ${property} to ${whose}${by === "sudo" ? ", or allow it by NOPASSWD in sudoers" : ""}.`,
    property,
  );
}

export function becomeWrongPassword(target: Target, by: string): DevbindError {
  const property = `${target.property}.becomePassword`;
  return becomeDenied(
    target,
    `${by} did not take the password.`,
    `Correct ${property}: ${by === "su" ? "su wants root's" : "sudo wants this user's own, or root's where sudoers say rootpw"}.`,
    property,
  );
}

/** `said`: all that came on stderr until it ended. */
export function becomeFailed(
  target: Target,
  by: string,
  said: string,
  { exitCode, isLate, isPasswordSent }: { exitCode?: number; isLate?: boolean; isPasswordSent: boolean },
): DevbindError {
  const refused = refusalsToBecome.find(({ by: ways, says }) => ways.includes(by) && says.test(said));
  if (refused !== undefined) return becomeDenied(target, refused.failed, refused.todo);
  if (exitCode === 127 || /not found|No such file/i.test(said)) {
    return becomeDenied(target, `there is no ${by} on it.`, "Install it, choose another way in `become`, or log in as root.");
  }
  if (isPasswordSent && /incorrect|failure|try again|sorry|denied/i.test(said)) return becomeWrongPassword(target, by);
  const last = plain(said.trim().split("\n").at(-1) ?? "");
  const end = isLate ? "it gave no answer in time" : `it ended${exitCode === undefined ? "" : ` with exit code ${exitCode}`}`;
  const quote = last === "" ? `${end} and said nothing` : `${end} and says: "${last}"`;
  return becomeDenied(target, `${by} did not make us root: ${quote}.`, `Try \`${by}\` there by hand.`);
}

/** What the ways to root say when it is not the password; in the words of LC_ALL=C. */
const refusalsToBecome: readonly { by: readonly string[]; says: RegExp; failed: string; todo: string }[] = [
  {
    by: ["sudo", "su"],
    says: /is expired|expired password/,
    failed: "the password for it has expired.",
    todo: "Log in there by hand, change it, and set `becomePassword`.",
  },
  {
    by: ["su"],
    says: /su: Permission denied/,
    failed: "its su lets only some users become root.",
    todo: "Add this user to the group that /etc/pam.d/su asks for (pam_wheel), or use sudo.",
  },
  {
    by: ["sudo"],
    says: /must have a tty|terminal is required/,
    failed: "sudo wants a terminal there (requiretty), and a script has none.",
    todo: "Take `Defaults requiretty` out of its sudoers, or exempt this user: `Defaults:<user> !requiretty`.",
  },
  {
    by: ["sudo"],
    says: /not in the sudoers|not allowed to (execute|run)|may not run sudo/,
    failed: "its sudoers don't allow this user to become root.",
    todo: "Add a line such as `<user> ALL=(root) ALL` by visudo.",
  },
  {
    by: ["doas"],
    says: /tty|Authentication required|Authentication failed/i,
    failed: "doas asks for a password there, which it reads from a terminal only.",
    todo: "Give this user a rule such as `permit nopass <user>` in doas.conf, or use sudo.",
  },
  {
    by: ["doas"],
    says: /not permitted|not enabled/i,
    failed: "its doas.conf doesn't permit this user to become root.",
    todo: "Add a rule such as `permit nopass <user>` to doas.conf.",
  },
  {
    by: ["su"],
    says: /must be run from a terminal|must be suid/,
    failed: "its su can't be used by a script.",
    todo: "Use sudo, or log in as root.",
  },
];
