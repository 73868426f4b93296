import { randomBytes } from "node:crypto";
import type { DevbindError } from "../errors";
import type { Connection } from "../schema";
import * as words from "./become-words";
import { withoutSecrets } from "./plain";
import type { Target } from "./target";

/** How the login becomes root, where it isn't root's own. */
export interface Become {
  readonly by: NonNullable<Connection["become"]>;
  readonly password: string | undefined;
}

/** How something ended: by itself with an exit code, where the server told one, or not at all in its time. */
export interface End {
  readonly exitCode?: number;
  readonly isLate?: boolean;
}

/**
 * Root's shell by sudo, doas or su. The password goes out only when it is asked for, and the script only when root's shell has said so
 * under a nonce of its own. That shell drops every line before the one it waits for, so that a password which nobody read is never
 * run. SSH_CONNECTION, which sudo and doas drop, goes along as an argument: the board's guard needs it.
 */
export class RootShell {
  /** What the SSH server starts, through the user's login shell. */
  readonly command: string;
  private readonly asked = nonce();
  private readonly opened = nonce();
  private readonly begin = nonce();
  private isPasswordSent = false;

  constructor(
    private readonly become: Become,
    private readonly target: Target,
  ) {
    const inner = `echo ${this.opened}; SSH_CONNECTION=$1; export SSH_CONNECTION; while IFS= read -r line; do test "$line" = ${this.begin} && exec sh -s; done; exit 1`;
    const way = {
      sudo: `exec sudo -S -p ${this.asked} sh -c "$1" sh "$SSH_CONNECTION"`,
      doas: 'exec doas -n sh -c "$1" sh "$SSH_CONNECTION"',
      // su has no prompt of one's own choice: what comes after this mark and ends with a colon is one.
      su: `echo ${this.asked}; echo ${this.asked} >&2; exec su -s /bin/sh -c "$1" root sh "$SSH_CONNECTION"`,
    }[become.by];
    this.command = `exec sh -c 'LC_ALL=C; export LC_ALL; ${way}' sh '${inner}'`;
  }

  /**
   * Hears all of stdout and stderr so far and tells what to send now; undefined: nothing yet. `isOpen`: root's shell is
   * there, and what it says begins now.
   * @throws DevbindError "denied" when it was refused
   */
  hear(stdout: string, stderr: string): { send: string; isOpen: boolean } | undefined {
    if (new RegExp(`^${this.opened}\\r?$`, "m").test(stdout)) return { send: `${this.begin}\n`, isOpen: true };
    const prompts = this.promptsIn(stdout, stderr);
    if (prompts === 0) return undefined;
    if (this.become.password === undefined) throw words.becomeNeedsPassword(this.target, this.become.by);
    if (prompts > 1) throw words.becomeWrongPassword(this.target, this.become.by);
    if (this.isPasswordSent) return undefined;
    this.isPasswordSent = true;
    return { send: `${this.become.password}\n`, isOpen: false };
  }

  /** Why the shell never came, from what was said until it ended, or until the time was over. */
  failure(stderr: string, end: End): DevbindError {
    const said = withoutSecrets(stderr.split(this.asked).join("\n"), [this.become.password]);
    return words.becomeFailed(this.target, this.become.by, said, { ...end, isPasswordSent: this.isPasswordSent });
  }

  private promptsIn(stdout: string, stderr: string): number {
    if (this.become.by === "sudo") return stderr.split(this.asked).length - 1;
    const isPrompt = (text: string) => /[^\s]:\s?$/.test(text.split(this.asked)[1] ?? "");
    return this.become.by === "su" && (isPrompt(stdout) || isPrompt(stderr)) ? 1 : 0;
  }
}

const nonce = () => `devbind-${randomBytes(12).toString("hex")}`;
