import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { bareHost } from "./paths";
import { reasonOf } from "./plain";
import type { Hop, Target } from "./target";
import * as words from "./words";

/** A failed dial that another one may get past: the board boots, sshd's MaxStartups drops us. Its message is the reason alone. */
export class DialFailure extends Error {}

/** What the kernel or the resolver says when a machine is off, booting or busy. */
const passing = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ETIMEDOUT",
  "EPIPE",
  "EAI_AGAIN",
]);

/** Whether an error is the network's, so that another dial makes sense. */
export function isPassing(error: Error): boolean {
  return "code" in error && typeof error.code === "string" && passing.has(error.code);
}

/** The time that one dial may take; 0 seconds is no limit. */
export class Deadline {
  private readonly end: number | undefined;

  constructor(readonly seconds: number) {
    this.end = seconds === 0 ? undefined : performance.now() + seconds * 1000;
  }

  /** Calls `late` when the time is over, unless the returned function was called before. */
  watch(late: () => void): () => void {
    if (this.end === undefined) return () => {};
    const timer = setTimeout(late, Math.min(Math.max(1, this.end - performance.now()), 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }
}

/** A TCP connection, made and not yet read from. Rejects with DialFailure or a DevbindError. */
export function openSocket(hop: Hop, target: Target, deadline: Deadline): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The default for a host with several addresses, 250 ms each, is too short for a board behind a slow link.
    const socket = connectTcp({ host: bareHost(hop.host), port: hop.port, noDelay: true, autoSelectFamilyAttemptTimeout: 2000 });
    const settle = (error?: Error) => {
      stop();
      if (error === undefined) return resolve(socket);
      socket.destroy();
      reject(error);
    };
    const stop = deadline.watch(() => settle(new DialFailure(`no answer within ${deadline.seconds} s`)));
    socket.on("connect", () => settle());
    socket.on("error", (error) => {
      const nameless = "code" in error && error.code === "ENOTFOUND";
      if (nameless) settle(words.nameUnknown(target, reasonOf(error)));
      else settle(isPassing(error) ? new DialFailure(reasonOf(error)) : words.unreachable(target, reasonOf(error), 1));
    });
  });
}

/** What a jump host gives: a way on to the next machine, or why there is none. */
export interface Forwarder {
  forward(host: string, port: number): Promise<Duplex>;
}

/** RFC 4254 section 5.1: the reason codes of a channel that isn't opened. */
const connectFailed = 2;

/** A stream to the next machine through a jump host. Rejects with DialFailure or a DevbindError. */
export function openForward(jump: Forwarder, jumpTarget: Target, hop: Hop, target: Target, deadline: Deadline): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let late = false;
    const stop = deadline.watch(() => {
      late = true;
      reject(new DialFailure(`no answer through the jump host within ${deadline.seconds} s`));
    });
    jump.forward(bareHost(hop.host), hop.port).then(
      (stream) => {
        stop();
        if (late) stream.destroy();
        else resolve(stream);
      },
      (error: Error) => {
        stop();
        const reason = reasonOf(error);
        const refused = "reason" in error && typeof error.reason === "number" && error.reason !== connectFailed;
        reject(refused ? words.noForwarding(jumpTarget, target, reason) : new DialFailure(`the jump host says: ${reason}`));
      },
    );
  });
}
