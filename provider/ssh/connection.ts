import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "../schema";
import { Deadline, DialFailure, openForward, openSocket } from "./dial";
import { logIn } from "./handshake";
import { gatherTrust, readGivenKeys } from "./host-keys";
import { Line } from "./line";
import { Link } from "./link";
import { waysIn } from "./login";
import type { RunAnswer, RunRequest } from "./run";
import { hopsOf, type Stop, type Target } from "./target";
import * as words from "./words";

export type { RunAnswer, RunRequest } from "./run";
export { addressOf, placeOf } from "./target";

export interface BoardConnection {
  /**
   * Runs one script on the board, as root where `become` says how; at most eight at once, the others wait in line.
   * @throws DevbindError "unreachable" (lost, not in time), "protocol" (too much), "denied" (no session, not root)
   */
  run(request: RunRequest): Promise<RunAnswer>;
  readonly closed: boolean;
  /** Closes it; harmless when it is closed. */
  end(): void;
}

export interface ConnectOptions {
  /** The most failed dials, where that is fewer than `dialErrorLimit`: a look must not wait long for a board that is off. */
  dials?: number;
}

/** Dials under way in this process, whatever they are for. */
const dialing = new Line(32);
const firstPauseMilliseconds = 500;
const longestPauseSeconds = 15;

/**
 * Dials the board, judges its host key and logs in. Network failures are dialed again, with pauses that grow up to `perDialTimeout`,
 * up to `dialErrorLimit` failed dials (at least one is made; -1: no limit) of `perDialTimeout` seconds each (0: no limit).
 * @throws DevbindError "invalid" before any dial, "unreachable", "untrusted", "denied", "protocol"
 */
export async function connect(connection: Connection, options: ConnectOptions = {}): Promise<BoardConnection> {
  return openLink(connection, options);
}

/** As `connect`, for the pool, which also has to know when it closes. */
export async function openLink(connection: Connection, options: ConnectOptions): Promise<Link> {
  const hops = hopsOf(connection);
  checkHops(hops);
  return reach(connection, hops, options);
}

/**
 * Reads key files and parses keys; no network.
 * @throws DevbindError "invalid" naming the property: a file that isn't there, no key, a passphrase that is missing or wrong
 */
export function checkCredentials(connection: Connection): void {
  checkHops(hopsOf(connection));
}

function checkHops(hops: readonly Stop[]): void {
  for (const { hop, target } of hops) {
    readGivenKeys(hop.hostKey, target);
    waysIn(hop, target);
  }
}

/** Reaches the last machine of the list through those before it. */
async function reach(connection: Connection, hops: readonly Stop[], options: ConnectOptions): Promise<Link> {
  const last = hops.at(-1);
  if (last === undefined) throw new RangeError("no machine to reach");
  const before = hops.slice(0, -1);
  const limit = last.hop.dialErrorLimit < 0 ? Number.POSITIVE_INFINITY : last.hop.dialErrorLimit;
  const most = Math.max(1, Math.min(limit, options.dials ?? limit));
  let via: Link | undefined;
  for (let dials = 1; ; dials++) {
    try {
      if (before.length > 0 && (via === undefined || via.closed)) via = await reach(connection, before, options);
      return await dialOnce(connection, last, via, before.at(-1)?.target);
    } catch (error) {
      if (error instanceof DialFailure && dials < most) {
        await sleep(pauseAfter(dials, last.hop.perDialTimeout));
        continue;
      }
      via?.end();
      throw error instanceof DialFailure ? words.unreachable(last.target, error.message, dials) : error;
    }
  }
}

/**
 * Half a second, doubled up to what one dial may take, up to a fifth less: boards that were switched on together don't come back
 * together. A board that refuses while it boots is so waited for as long as one that is silent, or nearly so.
 */
function pauseAfter(dials: number, perDialTimeout: number): number {
  const longest = (perDialTimeout || longestPauseSeconds) * 1000;
  return Math.min(longest, firstPauseMilliseconds * 2 ** (dials - 1)) * (0.8 + 0.2 * Math.random());
}

async function dialOnce(connection: Connection, { hop, target }: Stop, via?: Link, viaTarget?: Target): Promise<Link> {
  const trust = gatherTrust(connection, hop, target);
  const leave = await dialing.place();
  const { become: by, becomePassword: password } = connection;
  const become = by !== undefined && target.before === undefined ? { by, password } : undefined;
  try {
    const deadline = new Deadline(hop.perDialTimeout);
    if (via !== undefined && viaTarget !== undefined) {
      const stream = await openForward(via, viaTarget, hop, target, deadline);
      return new Link(await logIn(stream, hop, target, trust, deadline, via.ration), stream, via.socket, target, via, become);
    }
    const socket = await openSocket(hop, target, deadline);
    return new Link(await logIn(socket, hop, target, trust, deadline), socket, socket, target, undefined, become);
  } finally {
    leave();
  }
}
