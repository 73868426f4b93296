import { readFileSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import SSHConfig, { type Directive, type Section } from "ssh-config";
import { resolvePath } from "./paths";
import { filesLike } from "./wildcards";
import * as words from "./words";

/** What a config file says of one machine, as far as it is used; the names are ssh_config(5)'s. */
export interface Settings {
  readonly hostName?: string;
  readonly port?: number;
  readonly user?: string;
  /** Files that hold a private key, absolute; one that isn't there is passed over, as `ssh` does. */
  readonly identityFiles?: readonly string[];
  readonly certificateFiles?: readonly string[];
  /** Only those keys of the agent are offered that stand in `identityFiles`. */
  readonly identitiesOnly?: boolean;
  /** An agent's socket; "none" for no agent at all. */
  readonly identityAgent?: string;
  readonly hostKeyAlias?: string;
  readonly userKnownHostsFiles?: readonly string[];
  readonly jumps?: readonly Place[];
  readonly proxyCommand?: string;
}

/** A machine as ProxyJump writes it. */
export interface Place {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
}

/** An OpenSSH client's configuration file (ssh_config(5)). */
export interface ConfigFile {
  readonly path: string;
  /** What it says of a machine. `given` are the inputs: they come first, as the command line's options do with `ssh`. */
  settingsOf(given: Place): Settings;
}

const deepestInclude = 16;
const defaultIdentities = ["id_rsa", "id_ecdsa", "id_ed25519"].map((name) => `~/.ssh/${name}`);

/**
 * Reads a config file. Used are Host, Match (host, originalhost, user, localuser, all), Include, HostName, Port, User, IdentityFile,
 * IdentitiesOnly, IdentityAgent, HostKeyAlias, UserKnownHostsFile and ProxyJump. Nothing in it is run: `Match exec` never matches, a
 * ProxyCommand is refused, names are not made canonical. Host keys are checked as our own inputs say, not as the file does.
 * @throws DevbindError "invalid" when the file, or one that it includes, can't be read or understood
 */
export function readConfigFile(configFile: string): ConfigFile {
  const path = resolvePath(configFile);
  return {
    path,
    settingsOf: (given) => {
      const lines = new Lines(path, given);
      lines.addFile(path, 0);
      return settingsIn(lines.computed(), given, path);
    },
  };
}

/** The lines of a file as they count for one machine: those of an included file stand in the place of its Include. */
class Lines {
  private readonly flat = new SSHConfig();

  constructor(
    private readonly path: string,
    private readonly given: Place,
  ) {}

  addFile(file: string, depth: number): void {
    if (depth > deepestInclude) throw words.configUnreadable(this.path, file, new Error("its Includes go too deep"));
    for (const line of this.parsed(file)) {
      if (line.type !== SSHConfig.DIRECTIVE) continue;
      if ("config" in line) this.addSection(line, depth);
      else if (isNamed(line, "include")) this.include(line, depth);
      else this.flat.push(...asUsed(line));
    }
  }

  computed(extra: readonly Section[] = []): Record<string, string | string[]> {
    const { host, user } = this.given;
    const all = new SSHConfig();
    all.push(...this.flat, ...extra);
    return all.compute({ Host: host, ...(user !== undefined && { User: user }) }, { ignoreCase: true, matchExec: false });
  }

  /** An Include inside a section counts only where the section does; the section's other lines stay around it. */
  private addSection(section: Section, depth: number): void {
    const part = () => {
      const empty: Section = { ...section, config: new SSHConfig() };
      this.flat.push(empty);
      return empty.config;
    };
    let lines = part();
    for (const line of section.config) {
      if (line.type !== SSHConfig.DIRECTIVE) continue;
      if (!isNamed(line, "include")) {
        lines.push(...asUsed(line));
        continue;
      }
      if (this.applies(section)) this.include(line, depth);
      lines = part();
    }
  }

  private applies(section: Section): boolean {
    const sign = SSHConfig.parse("devbind-applies yes");
    return "devbind-applies" in this.computed([{ ...section, config: sign }]);
  }

  private include(line: Directive, depth: number): void {
    for (const written of listOf(line.value)) {
      const isAbsolute = written.startsWith("/") || written.startsWith("~");
      for (const file of filesLike(resolvePath(isAbsolute ? written : `~/.ssh/${written}`))) this.addFile(file, depth + 1);
    }
  }

  private parsed(file: string): SSHConfig {
    const text = this.read(file);
    try {
      return SSHConfig.parse(text);
    } catch {
      // The library's own words quote the file, which may be a private key that was named by mistake.
      throw words.configUnreadable(this.path, file, "it is no OpenSSH config file");
    }
  }

  private read(file: string): string {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      throw words.configUnreadable(this.path, file, error);
    }
  }
}

const isNamed = (line: Directive, name: string) => line.param.toLowerCase() === name;
const listOf = (value: Directive["value"]) => (typeof value === "string" ? [value] : value.map(({ val }) => val));

/** The line spelled as the library knows it; none for what would make it ask a name server. */
function asUsed(line: Directive): Directive[] {
  const spelled = ["HostName", "User"].find((name) => isNamed(line, name.toLowerCase()));
  return isNamed(line, "canonicalizehostname") ? [] : [{ ...line, param: spelled ?? line.param }];
}

function settingsIn(found: Record<string, string | string[]>, given: Place, path: string): Settings {
  const all = (name: string): string[] | undefined => (found[name] === undefined ? undefined : [found[name]].flat());
  const one = (name: string): string | undefined => all(name)?.[0];
  const hostName = one("hostname")?.replace(/%[h%]/g, (token) => (token === "%h" ? given.host : "%"));
  const port = one("port") === undefined ? undefined : Number(one("port"));
  if (hostName !== undefined && !isHostName(hostName)) throw words.configWrong(path, "HostName", hostName);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) throw words.configWrong(path, "Port", one("port"));
  const user = one("user");
  const tokens = { ...given, hostName: hostName ?? given.host, port: given.port ?? port ?? 22, user: given.user ?? user ?? "root" };
  const paths = (names: string[] | undefined) =>
    names && [...new Set(names.filter((name) => name !== "none").map((name) => pathOf(name, tokens)))];
  const agent = one("identityagent");
  return {
    ...{ hostName, port, user },
    identityFiles: paths(all("identityfile") ?? defaultIdentities),
    certificateFiles: paths(all("certificatefile")),
    identitiesOnly: one("identitiesonly") === "yes",
    identityAgent: agent === undefined || agent === "none" || agent === "SSH_AUTH_SOCK" ? agent : pathOf(agent, tokens),
    hostKeyAlias: one("hostkeyalias"),
    userKnownHostsFiles: paths(all("userknownhostsfile")),
    jumps: one("proxyjump") === undefined ? undefined : jumpsIn(one("proxyjump") ?? "", path),
    proxyCommand: one("proxycommand") === "none" ? undefined : one("proxycommand"),
  };
}

const isHostName = (name: string) => /^[A-Za-z0-9._:%[\]-]+$/.test(name);

/** `[user@]host[:port]` or `ssh://…`, several between commas; "none" for no jump host. */
function jumpsIn(value: string, path: string): Place[] {
  if (value.toLowerCase() === "none") return [];
  return value.split(",").map((written) => {
    const parts = /^(?:ssh:\/\/)?(?:(.+)@)?(\[[^\]]+\]|[^:@[\]]+)(?::(\d{1,5}))?\/?$/.exec(written.trim());
    const [, user, host = "", port] = parts ?? [];
    if (!isHostName(host)) throw words.configWrong(path, "ProxyJump", written);
    return { host, ...(user && { user }), ...(port && { port: Number(port) }) };
  });
}

/** A path with ssh_config(5)'s tokens and `${NAME}` filled in, absolute. */
function pathOf(written: string, { host, hostName, port, user }: Place & { hostName: string }): string {
  const tokens: Record<string, string | undefined> = {
    "%": "%",
    d: homedir(),
    h: hostName,
    n: host,
    p: String(port),
    r: user,
    u: userInfo().username,
    l: hostname(),
    L: hostname().split(".")[0],
    i: String(userInfo().uid),
  };
  const named = written.replace(/\$\{(\w+)\}/g, (text, name: string) => process.env[name] ?? text);
  return resolvePath(named.replace(/%(.)/g, (text, token: string) => tokens[token] ?? text));
}
