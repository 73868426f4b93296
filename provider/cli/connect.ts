import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type Connection, connectionSchema } from "../schema";
import { UsageError } from "./exit";
import { passwords } from "./secrets";

/** What the command line says of one board. */
export interface HostOptions {
  host: string;
  port?: string;
  identity?: string;
  configFile?: string;
  become?: string;
  knownHosts?: string;
  hostKeyChecking?: string;
  askPassword?: boolean;
  askBecomePassword?: boolean;
}

/** The option of each field of a connection, for words. */
const optionOf: Record<string, string> = {
  host: "--host",
  port: "--port",
  privateKeyPath: "--identity",
  configFile: "--config-file",
  become: "--become",
  becomePassword: "DEVBIND_BECOME_PASSWORD",
  knownHosts: "--known-hosts",
  hostKeyChecking: "--host-key-checking",
};

/** As a program would write it in `connection`, without secrets: those only come by a prompt or the environment. */
export interface Written {
  host: string;
  port?: number;
  user?: string;
  privateKeyPath?: string;
  configFile?: string;
  become?: string;
  knownHosts?: string;
  hostKeyChecking?: string;
}

/**
 * Reads `[user@]host[:port]` (IPv6 in brackets) and what stands beside it. Paths are relative to the working directory.
 * @throws UsageError
 */
export function writtenConnection(options: HostOptions): Written {
  const found = /^(?:([^@\s-][^@\s]*)@)?(\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]|[A-Za-z0-9._][A-Za-z0-9._-]*)(?::(\d{1,5}))?$/.exec(
    options.host,
  );
  if (found === null) throw new UsageError(`--host ${options.host} is not [user@]host[:port] (IPv6 in brackets).`);
  const [, user, host = "", ownPort] = found;
  const port = options.port ?? ownPort;
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageError(`--port ${port} is no number from 1 to 65535.`);
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    ...(port !== undefined && { port: Number(port) }),
    ...(user !== undefined && { user }),
    ...pathAt("privateKeyPath", options.identity),
    ...pathAt("configFile", options.configFile),
    ...pathAt("knownHosts", options.knownHosts),
    ...(options.become !== undefined && { become: options.become }),
    ...(options.hostKeyChecking !== undefined && { hostKeyChecking: options.hostKeyChecking }),
  };
}

/** `~/` stays as it is: what reads the path knows the home. */
const pathAt = (field: string, path: string | undefined) =>
  path === undefined ? {} : { [field]: path.startsWith("~") ? path : resolve(path) };

/**
 * The connection that the command line describes. Without an identity, a password, a config file or an agent it takes the user's own
 * key, as ssh does.
 * @throws UsageError for what can't be right
 */
export async function connectionOf(options: HostOptions, env: NodeJS.ProcessEnv = process.env): Promise<Connection> {
  const written = writtenConnection(options);
  const secrets = await passwords(options, env);
  const isBare = written.privateKeyPath === undefined && written.configFile === undefined && secrets.password === undefined;
  const own = isBare && !env.SSH_AUTH_SOCK ? ownKey() : undefined;
  const parsed = connectionSchema.safeParse({ ...written, ...(own !== undefined && { privateKeyPath: own }), ...secrets });
  if (parsed.success) return parsed.data;
  const words = parsed.error.issues.map(({ path, message }) => `${optionOf[String(path[0])] ?? String(path[0])} ${message}.`);
  throw new UsageError(words.join(" "));
}

function ownKey(): string | undefined {
  return ["id_ed25519", "id_ecdsa", "id_rsa"].map((name) => join(homedir(), ".ssh", name)).find(existsSync);
}
