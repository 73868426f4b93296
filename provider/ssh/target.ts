import type { Connection } from "../schema";
import { type ConfigFile, type Place, readConfigFile, type Settings } from "./config-file";
import { bareHost } from "./paths";
import { plain } from "./plain";
import * as words from "./words";

/** One machine as the inputs describe it: the board itself, `proxy`, or one of `jumps`. */
type Given = Pick<
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

/** One machine on the way: what it takes to dial it and to log in there. A board, or a jump host before it. */
export interface Hop extends Given {
  /** The address to dial: `host`, or what the OpenSSH config file calls HostName. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** What the OpenSSH config file says beside that; nothing without one. */
  readonly settings: Settings;
}

/** Who is meant in a message: never a secret in here. */
export interface Target {
  /** "root@10.0.0.21:22" */
  readonly address: string;
  /** The input that describes it, `connection` or `connection.jumps[0]`: errors name properties below it. */
  readonly property: string;
  /** For a jump host: the address of the board behind it. */
  readonly before?: string;
}

export interface Stop {
  readonly hop: Hop;
  readonly target: Target;
}

/**
 * "root@10.0.0.21:22", IPv6 in brackets; for messages; never a secret.
 * @throws DevbindError "invalid" when there is a config file that can't be read
 */
export function addressOf(connection: Connection): string {
  return address(hopOf(connection, configOf(connection)));
}

/** "10.0.0.21:22": what stands for a board that says nothing of itself; `host` as it is written, where no config file says otherwise. */
export function placeOf(connection: Connection): string {
  const { host, port } = hopOf(connection, configOf(connection));
  return `${host}:${port}`;
}

function address({ host, port, user }: Pick<Hop, "host" | "port" | "user">): string {
  const bare = bareHost(host);
  return `${plain(user)}@${bare.includes(":") ? `[${bare}]` : bare}:${port}`;
}

/**
 * The machines to pass, in order: the jump hosts, if there are any, and last the board. Jump hosts are those of the inputs
 * (`jumps`, or `proxy`), else those that the config file names by ProxyJump.
 * @throws DevbindError "invalid" when the config file can't be read, asks for a ProxyCommand, or its ProxyJump goes in a circle
 */
export function hopsOf(connection: Connection): Stop[] {
  const config = configOf(connection);
  const hop = hopOf(connection, config);
  const before = address(hop);
  const jump = (one: Hop, property: string): Stop => ({ hop: one, target: { address: address(one), property, before } });
  const given = connection.jumps ?? (connection.proxy ? [connection.proxy] : undefined);
  const name = (index: number) => (connection.jumps ? `connection.jumps[${index}]` : "connection.proxy");
  const jumps = given
    ? given.map((one, index) => jump(hopOf(one, config), name(index)))
    : jumpsOfFile(hop, config, []).map((one) => jump(one, "connection.configFile"));
  return [...jumps, { hop, target: { address: before, property: "connection" } }];
}

function configOf({ configFile }: Connection): ConfigFile | undefined {
  return configFile === undefined ? undefined : readConfigFile(configFile);
}

/** What is given goes before what the file says, and that before the defaults: 22 and root. */
function hopOf(given: Given, config: ConfigFile | undefined): Hop {
  const settings = config?.settingsOf(writtenPlace(given)) ?? {};
  const { hostName: host = given.host, port = 22, user = "root" } = settings;
  return { ...given, host, port: given.port ?? port, user: given.user ?? user, settings };
}

const writtenPlace = ({ host, port, user }: Given): Place => ({ host, ...(port && { port }), ...(user && { user }) });

/** As `ssh -J`: what is written for the first of several jump hosts holds for it too, its own jump hosts included. */
function jumpsOfFile(hop: Hop, config: ConfigFile | undefined, passed: readonly string[]): Hop[] {
  const { jumps = [], proxyCommand } = hop.settings;
  if (config === undefined) return [];
  if (jumps.length === 0) {
    if (proxyCommand !== undefined) throw words.proxyCommand(config.path, hop.host);
    return [];
  }
  const limits = { dialErrorLimit: hop.dialErrorLimit, perDialTimeout: hop.perDialTimeout };
  const hops = jumps.map((jump) => hopOf({ ...jump, ...limits }, config));
  const [first] = hops;
  const here = address(hop);
  if (passed.includes(here)) throw words.jumpsInACircle(config.path, [...passed, here]);
  return [...(first ? jumpsOfFile(first, config, [...passed, here]) : []), ...hops];
}
