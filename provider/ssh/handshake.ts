import type { Duplex } from "node:stream";
import { Client, type ClientErrorExtensions, type KexAlgorithm } from "ssh2";
import { type Deadline, DialFailure, isPassing } from "./dial";
import { judge, preferredTypes, rememberKey, type Trust } from "./host-keys";
import { keyFromBlob } from "./known-hosts";
import "./packets";
import { Login, waysIn } from "./login";
import { plain, reasonOf } from "./plain";
import { loginBytes, Ration } from "./ration";
import type { Hop, Target } from "./target";
import * as words from "./words";

/** RFC 4253 section 11.1: SSH_DISCONNECT_TOO_MANY_CONNECTIONS */
const tooManyConnections = 12;

/**
 * All that `ssh2` has but group exchange: a group of the server's choice is tested for primality in one go, which with a large one
 * blocks the process for hours, and before any host key is seen.
 */
const keyExchanges: KexAlgorithm[] = [
  "curve25519-sha256",
  "curve25519-sha256@libssh.org",
  "ecdh-sha2-nistp256",
  "ecdh-sha2-nistp384",
  "ecdh-sha2-nistp521",
  "diffie-hellman-group14-sha256",
  "diffie-hellman-group15-sha512",
  "diffie-hellman-group16-sha512",
  "diffie-hellman-group17-sha512",
  "diffie-hellman-group18-sha512",
];

/**
 * One handshake and login over an open stream: the host key is judged before anything of the user's is sent, and again at each
 * rekey. Rejects with DialFailure where another dial may help, with a DevbindError where it can't; the stream is closed then.
 */
export function logIn(stream: Duplex, hop: Hop, target: Target, trust: Trust, deadline: Deadline, outer?: Ration): Promise<Client> {
  return new Promise((resolve, reject) => {
    new Handshake(stream, hop, target, trust, deadline, resolve, reject).start(outer);
  });
}

class Handshake {
  private readonly client = new Client();
  private readonly login: Login;
  private accepted: Buffer | undefined;
  private newLine: string | undefined;
  private refusal: Error | undefined;
  private isLoggingIn = false;
  private isSettled = false;
  private stopWatch = () => {};
  private ration: Ration | undefined;

  constructor(
    private readonly stream: Duplex,
    private readonly hop: Hop,
    private readonly target: Target,
    private readonly trust: Trust,
    private readonly deadline: Deadline,
    private readonly resolve: (client: Client) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.login = new Login(hop.user, waysIn(hop, target));
  }

  start(outer?: Ration): void {
    this.stopWatch = this.deadline.watch(() => this.settle(this.tooLate()));
    this.client
      .on("error", (error) => this.failed(error))
      .on("close", () => this.settle(this.closed()))
      .on("end", () => this.settle(this.closed()))
      .on("handshake", () => this.handshaken())
      .on("change password", () => this.settle(words.passwordExpired(this.target)))
      .on("ready", () => this.settle());
    this.client.connect({
      sock: this.stream,
      host: this.hop.host,
      username: this.hop.user,
      // Both timers of `ssh2` would keep the process alive; Deadline and Link have their own.
      readyTimeout: 0,
      keepaliveInterval: 0,
      algorithms: {
        serverHostKey: preferredTypes(this.trust),
        kex: keyExchanges,
        compress: ["none"], // 35 kB of zlib can become 36 MB
      },
      hostVerifier: (blob: Buffer) => this.isTrusted(Buffer.from(blob)),
      authHandler: (offered, _partialSuccess, next) => {
        const method = this.login.next(offered);
        if (method === undefined) this.settle(this.denied());
        else next(method);
      },
    });
    this.ration = new Ration(this.stream, loginBytes, (bytes) => this.settle(words.flooded(this.target, bytes)), outer);
  }

  private isTrusted(blob: Buffer): boolean {
    if (this.accepted !== undefined) return this.accepted.equals(blob);
    const shown = keyFromBlob(blob);
    if (shown === undefined) return false;
    const verdict = judge(this.trust, shown, this.target);
    if (verdict.trusted) {
      this.accepted = blob;
      this.newLine = verdict.addLine;
    } else this.refusal = verdict.error;
    return verdict.trusted;
  }

  /** The server proved by its signature that the key is its own: only now a new one is written down, and still before the login. */
  private handshaken(): void {
    this.isLoggingIn = true;
    const line = this.newLine;
    this.newLine = undefined;
    if (line === undefined) return;
    try {
      rememberKey(this.trust, line, this.target);
    } catch (error) {
      this.settle(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private failed(error: Error & ClientErrorExtensions): void {
    const failure = this.failureOf(error);
    if (failure !== undefined) this.settle(failure);
  }

  /** What an error of `ssh2` means; undefined when `ssh2` goes on by itself to the next way in. */
  private failureOf(error: Error & ClientErrorExtensions): Error | undefined {
    if (this.refusal !== undefined) return this.refusal;
    const reason = reasonOf(error, [this.hop.password, this.hop.privateKeyPassword]);
    if (error.level === "agent" || error.level === "client-authentication") {
      this.login.notes.push(`${error.level === "agent" ? "The agent" : "The key"} could not be used: ${reason}`);
      return undefined;
    }
    const code: unknown = "code" in error ? error.code : undefined;
    if (isPassing(error) || code === tooManyConnections) return new DialFailure(reason);
    if (/^Connection lost before handshake/.test(error.message)) return this.closed();
    if (this.isLoggingIn) return this.denied(`It says: ${reason}`);
    return words.handshakeFailed(this.target, reason);
  }

  private closed(): Error {
    if (this.login.refusals > 0) return this.denied("It closed the connection");
    const when = this.isLoggingIn ? "during the login" : "during the handshake";
    return new DialFailure(`it took the connection and closed it ${when}`);
  }

  private tooLate(): Error {
    const what = this.isLoggingIn ? "did not finish the login" : "did not finish the SSH handshake";
    return new DialFailure(`it took the connection, but ${what} within ${this.deadline.seconds} s`);
  }

  private denied(note?: string): Error {
    const notes = note === undefined ? this.login.notes : [...this.login.notes, plain(note)];
    return words.denied(this.target, this.login.tried, this.login.offered, notes);
  }

  private settle(error?: Error): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.stopWatch();
    this.ration?.stop();
    this.client.removeAllListeners().on("error", () => {}); // an error that comes late must not end the process
    if (error === undefined) {
      this.resolve(this.client);
      return;
    }
    this.client.end();
    setTimeout(() => this.stream.destroy(), 1000).unref();
    this.reject(error);
  }
}
