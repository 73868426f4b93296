import { execFileSync } from "node:child_process";
import type { Connection } from "../../provider/schema";
import { connectionSchema } from "../../provider/schema";
import { hopsOf } from "../../provider/ssh/target";

/** What a client makes of a config file for one host: each machine on the way as user@host:port; the keys to try and the alias are the host's own. */
export interface Reading {
  readonly way: readonly string[];
  readonly identityFiles: readonly string[];
  readonly hostKeyAlias: string | undefined;
}

export interface Asked {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

class Circle extends Error {}
const longestWay = 8;

/** What OpenSSH's own client makes of it, by `ssh -G`; undefined when it refuses the file, or would start itself again and again. */
export function readBySsh(file: string, asked: Asked): Reading | undefined {
  try {
    const way = wayBySsh(file, asked);
    const all = optionsOf(file, asked);
    const identityFiles = all("identityfile").filter((path) => path !== "none");
    return { way, identityFiles, hostKeyAlias: all("hostkeyalias")[0]?.toLowerCase() };
  } catch (error) {
    const isRefused = error instanceof Error && "status" in error && error.status === 255;
    if (isRefused || error instanceof Circle) return undefined;
    throw error;
  }
}

/** `ssh` reaches the last jump host by those before it (-J), and the first as the file says. */
function wayBySsh(file: string, asked: Asked, jumps?: string, length = 1): string[] {
  if (length > longestWay) throw new Circle();
  const all = optionsOf(file, asked, jumps);
  const [host = "", user, port] = [all("hostname")[0], all("user")[0], all("port")[0]];
  const here = `${user}@${host.includes(":") ? `[${host}]` : host}:${port}`;
  const list = (all("proxyjump")[0] ?? "none").split(",");
  if (list[0] === "none") return [here];
  const last = /^(?:ssh:\/\/)?(?:(.+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(list.pop() ?? "");
  const [, jumpUser, jumpHost = "", jumpPort] = last ?? [];
  const jump = { host: jumpHost.replace(/[[\]]/g, ""), user: jumpUser, port: jumpPort === undefined ? undefined : Number(jumpPort) };
  return [...wayBySsh(file, jump, list.length > 0 ? list.join(",") : undefined, length + 1), here];
}

function optionsOf(file: string, { host, user, port }: Asked, jumps?: string): (name: string) => string[] {
  const words = [
    "-G",
    "-F",
    file,
    ...(user ? ["-l", user] : []),
    ...(port ? ["-p", String(port)] : []),
    ...(jumps ? ["-J", jumps] : []),
    host,
  ];
  const lines = execFileSync("ssh", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n");
  return (name) => lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
}

/** What we make of it; the home's path is written as `~` again, as `ssh -G` does. */
export function readByUs(file: string, asked: Asked, home: string): Reading {
  const connection: Connection = connectionSchema.parse({ ...asked, configFile: file, password: "x" });
  const stops = hopsOf(connection);
  const settings = stops.at(-1)?.hop.settings;
  return {
    way: stops.map(({ target }) => target.address.replace(/@.*/, (name) => name.toLowerCase())), // as `ssh` does: the case of a name means nothing
    identityFiles: (settings?.identityFiles ?? []).map((path) => (path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path)),
    hostKeyAlias: settings?.hostKeyAlias?.toLowerCase(),
  };
}
