import { createHash } from "node:crypto";
import type { Connection } from "../schema";
import { type BoardConnection, type ConnectOptions, openLink } from "./connection";
import type { Link } from "./link";
import { projectFolder } from "./paths";

/** How long a connection that nobody uses stays open. */
const idleMilliseconds = 5000;

interface Shared {
  readonly link: Promise<Link>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

const shared = new Map<string, Shared>();

/**
 * Does some work over the board's connection: one login per board and process, shared by all who name the same target, credentials
 * and host key rules. While work goes on the process stays alive; afterwards the connection doesn't hold it, and it closes after 5 s.
 * A failed dial fails those who wait for it, and the next caller dials anew; so it is with a connection that was closed.
 * @throws what `connect` throws, and what the work throws
 */
export async function withConnection<T>(
  connection: Connection,
  work: (board: BoardConnection) => Promise<T>,
  options: ConnectOptions = {},
): Promise<T> {
  const name = nameOf(connection);
  const entry = shared.get(name) ?? open(name, connection, options);
  entry.users += 1;
  clearTimeout(entry.idle);
  try {
    const link = await entry.link;
    link.hold(true);
    return await work(link);
  } finally {
    entry.users -= 1;
    if (entry.users === 0) await rest(entry);
  }
}

/** Ends a board's shared connection and all that goes on over it; the next work dials anew. */
export async function giveUpConnection(connection: Connection): Promise<void> {
  const entry = shared.get(nameOf(connection));
  (await entry?.link.catch(() => undefined))?.end();
}

/** Closes every connection that nobody uses now; for a program's end and for tests. */
export async function closeIdleConnections(): Promise<void> {
  const idle = [...shared.values()].filter((entry) => entry.users === 0);
  for (const entry of idle) (await entry.link).end();
}

function open(name: string, connection: Connection, options: ConnectOptions): Shared {
  const entry: Shared = { link: openLink(connection, options), users: 0, idle: undefined };
  const forget = () => {
    if (shared.get(name) === entry) shared.delete(name);
    clearTimeout(entry.idle);
  };
  shared.set(name, entry);
  entry.link.then((link) => link.onClosed(forget), forget);
  return entry;
}

async function rest(entry: Shared): Promise<void> {
  const link = await entry.link.catch(() => undefined);
  if (link === undefined || entry.users > 0) return;
  link.hold(false);
  clearTimeout(entry.idle);
  entry.idle = setTimeout(() => link.end(), idleMilliseconds).unref();
}

/** Everything that makes two connections different, hashed: no secret stays in the pool's names. */
function nameOf(connection: Connection): string {
  const { dialErrorLimit, perDialTimeout, ...rest } = connection;
  const all = [rest, process.env.SSH_AUTH_SOCK, projectFolder()];
  return createHash("sha256").update(JSON.stringify(all, sortKeys)).digest("hex");
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([first], [second]) => (first < second ? -1 : 1)));
}
