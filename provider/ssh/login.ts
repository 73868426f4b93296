import { existsSync } from "node:fs";
import type { AnyAuthMethod, AuthenticationType } from "ssh2";
import { DevbindError } from "../errors";
import { ChosenKeys } from "./agent";
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

/** What there is to log in with, and why something that was meant for it can't be used. */
export interface WaysIn {
  readonly ways: readonly WayIn[];
  readonly notes: readonly string[];
}

/**
 * What we have to log in with, in the order of `@pulumi/command`: private key, agent, password, the password again as the answer to
 * keyboard-interactive prompts. The keys of an OpenSSH config file stand in for a private key that isn't given.
 * @throws DevbindError "invalid" when a key can't be used, or there is nothing at all
 */
export function waysIn(hop: Hop, target: Target): WaysIn {
  const ways: WayIn[] = [];
  const notes: string[] = [];
  const username = hop.user;
  const key = privateKeyOf(hop, target);
  if (key !== undefined) ways.push({ name: "the private key", wire: "publickey", method: { type: "publickey", username, key } });
  else addIdentities(hop, target, ways, notes);
  const agent = agentOf(hop);
  if (agent !== undefined) {
    const { identitiesOnly, identityFiles = [] } = hop.settings;
    const method = { type: "agent", username, agent: identitiesOnly ? new ChosenKeys(agent, identityFiles) : agent } as const;
    ways.push({ name: "the agent's keys", wire: "publickey", method });
  }
  const { password } = hop;
  if (password !== undefined) {
    ways.push({ name: "the password", wire: "password", method: { type: "password", username, password } });
    ways.push({ name: "the password at its prompt", wire: "keyboard-interactive", method: keyboardInteractive(username, password) });
  }
  if (ways.length === 0) throw words.noCredentials(target, notes);
  return { ways, notes: [...notes, ...certificatesBeside(hop)] };
}

/** As `ssh` does: a file that isn't there is passed over, one that can't be used is no reason to stop. */
function addIdentities(hop: Hop, target: Target, ways: WayIn[], notes: string[]): void {
  for (const file of (hop.settings.identityFiles ?? []).filter((path) => existsSync(path))) {
    try {
      const key = privateKeyOf({ ...hop, privateKeyPath: file }, target);
      if (key !== undefined)
        ways.push({ name: `the key ${file}`, wire: "publickey", method: { type: "publickey", username: hop.user, key } });
    } catch (error) {
      if (!(error instanceof DevbindError)) throw error;
      notes.push(`The key ${file} could not be used`);
    }
  }
}

function agentOf({ agentSocketPath, settings: { identityAgent } }: Hop): string | undefined {
  if (agentSocketPath) return resolvePath(agentSocketPath);
  if (identityAgent === "none") return undefined;
  return identityAgent === undefined || identityAgent === "SSH_AUTH_SOCK" ? process.env.SSH_AUTH_SOCK || undefined : identityAgent;
}

/** Certificates that `ssh` would show: `ssh2` signs under the certificate's name, which OpenSSH takes for no signature at all. */
function certificatesBeside({ privateKeyPath, settings }: Hop): string[] {
  const keys = [...(privateKeyPath === undefined ? [] : [resolvePath(privateKeyPath)]), ...(settings.identityFiles ?? [])];
  const files = [...keys.map((key) => `${key}-cert.pub`), ...(settings.certificateFiles ?? [])].filter((file) => existsSync(file));
  return files.map((file) => `The certificate ${file} is not shown: certificates can't be used here, only plain keys`);
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
  readonly notes: string[];
  offered: readonly string[] = [];
  /** How often the server said no to something that was tried ("none" apart). */
  refusals = 0;
  private readonly left: WayIn[];

  constructor(
    private readonly username: string,
    { ways, notes }: WaysIn,
  ) {
    this.left = [...ways];
    this.notes = [...notes];
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
