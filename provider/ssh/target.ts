import type { Connection } from "../schema";
import { plain } from "./plain";

/** One machine on the way: what it takes to dial it and to log in there. A board, or the jump host before it. */
export type Hop = Pick<
  Connection,
  | "host"
  | "port"
  | "user"
  | "password"
  | "privateKey"
  | "privateKeyPath"
  | "privateKeyPassword"
  | "agentSocketPath"
  | "dialErrorLimit"
  | "perDialTimeout"
  | "hostKey"
>;

/** Who is meant in a message: never a secret in here. */
export interface Target {
  /** "root@10.0.0.21:22" */
  readonly address: string;
  /** The input that describes it: errors name properties below it. */
  readonly property: "connection" | "connection.proxy";
  /** For a jump host: the address of the board behind it. */
  readonly before?: string;
}

/** An IPv6 address without the brackets that a user may have written. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** "root@10.0.0.21:22", IPv6 in brackets; for messages; never a secret. */
export function addressOf(connection: Pick<Hop, "host" | "port" | "user">): string {
  const host = bareHost(connection.host);
  return `${plain(connection.user)}@${host.includes(":") ? `[${host}]` : host}:${connection.port}`;
}

/** The machines to pass, in order: the jump host, if there is one, and last the board. A list, so that more jumps need no other shape. */
export function hopsOf(connection: Connection): { hop: Hop; target: Target }[] {
  const board = { hop: connection, target: { address: addressOf(connection), property: "connection" } as const };
  if (connection.proxy === undefined) return [board];
  const before = board.target.address;
  return [{ hop: connection.proxy, target: { address: addressOf(connection.proxy), property: "connection.proxy", before } }, board];
}
