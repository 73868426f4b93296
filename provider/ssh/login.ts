import type { AnyAuthMethod, AuthenticationType } from "ssh2";
import { privateKeyOf } from "./keys";
import { resolvePath } from "./paths";
import type { Hop, Target } from "./target";
import * as words from "./words";

/** One way in, in the order of trying. `name` is for messages. */
export interface WayIn {
  readonly name: string;
  /** What the server calls it in its list of methods. */
  readonly wire: AuthenticationType;
  readonly method: AnyAuthMethod;
}

/**
 * What we have to log in with, in the order of `@pulumi/command`: private key, agent, password, the password again as the answer to
 * keyboard-interactive prompts.
 * @throws DevbindError "invalid" when a key can't be used, or there is nothing at all
 */
export function waysIn(hop: Hop, target: Target): WayIn[] {
  const ways: WayIn[] = [];
  const username = hop.user;
  const key = privateKeyOf(hop, target);
  if (key !== undefined) ways.push({ name: "the private key", wire: "publickey", method: { type: "publickey", username, key } });
  const agent = hop.agentSocketPath ? resolvePath(hop.agentSocketPath) : process.env.SSH_AUTH_SOCK;
  if (agent) ways.push({ name: "the agent's keys", wire: "publickey", method: { type: "agent", username, agent } });
  const { password } = hop;
  if (password !== undefined) {
    ways.push({ name: "the password", wire: "password", method: { type: "password", username, password } });
    ways.push({ name: "the password at its prompt", wire: "keyboard-interactive", method: keyboardInteractive(username, password) });
  }
  if (ways.length === 0) throw words.noCredentials(target);
  return ways;
}

/** Answers the first prompt that hides what is typed with the password, once; all else (a code, a second round) stays empty, and fails. */
function keyboardInteractive(username: string, password: string): AnyAuthMethod {
  let answered = false;
  return {
    type: "keyboard-interactive",
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      finish(
        prompts.map((prompt) => {
          const hidden = prompt.echo !== true && !answered;
          if (hidden) answered = true;
          return hidden ? password : "";
        }),
      );
    },
  };
}

/** Goes through the ways in, leaving out what the server doesn't offer, and keeps the account of it for a message. */
export class Login {
  readonly tried: string[] = [];
  /** Why a way in could not be tried (an agent that doesn't answer). */
  readonly notes: string[] = [];
  offered: readonly string[] = [];
  /** How often the server said no to something that was tried ("none" apart). */
  refusals = 0;
  private readonly left: WayIn[];

  constructor(
    private readonly username: string,
    ways: readonly WayIn[],
  ) {
    this.left = [...ways];
  }

  /**
   * The next method for `ssh2`; undefined when none is left. `offered` is null on the first call: "none" is asked then (RFC 4252
   * section 5.2), whose refusal brings the list, so that a password never goes to a server that takes none.
   */
  next(offered: readonly string[] | null): AnyAuthMethod | undefined {
    if (offered === null) return { type: "none", username: this.username };
    this.offered = offered;
    this.refusals = this.tried.length;
    const index = this.left.findIndex((way) => offered.includes(way.wire));
    const [way] = index < 0 ? [] : this.left.splice(index, 1);
    if (way !== undefined) this.tried.push(way.name);
    return way?.method;
  }
}
