import { execFileSync, type StdioOptions, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Machine, makeMachine, scratch } from "./machine";
import { endAfterwards, freePort, untilListening } from "./process";
import { type Lifetime, whenOver } from "./project";

export { startAgent } from "./agent";
export { whatIsMissing } from "./machine";

/** A real SSH server process on a free port of 127.0.0.1. */
export interface RealServer {
  readonly port: number;
  /** The first of its host keys: "ssh-ed25519 AAAA…" */
  readonly hostKey: string;
  readonly hostKeys: readonly string[];
  /** What it logged so far. */
  log(): string;
  /** Ends it before its time. */
  end(): Promise<void>;
}

export interface ServerOptions {
  /** Types of the host keys, as `ssh-keygen -t` knows them. Default: one of Ed25519. */
  readonly hostKeyTypes?: readonly ("ed25519" | "ecdsa" | "rsa")[];
  /** Default: any free port. */
  readonly port?: number;
  /** Default: gone after the test. */
  readonly lifetime?: Lifetime;
}

/** A made machine, or the public key with which root logs in to one that is made for this server. */
type On = Machine | string;

/** OpenSSH's sshd, only for key logins; `lines` are added before its configuration, and the first word on a setting holds. */
export async function startSshd(on: On, lines: readonly string[] = [], options: ServerOptions = {}): Promise<RealServer> {
  const port = options.port ?? (await freePort());
  const { hostKeys, command } = prepareSshd(lines, options);
  const server = await start(on, port, [...command, "-D", "-o", `ListenAddress=127.0.0.1:${port}`], options);
  return { port, hostKey: hostKeys[0] ?? "", hostKeys, ...server };
}

/** OpenSSH's sshd as systemd's ssh.socket starts it: for each connection a process of its own, whose stdin and stdout it is. */
export async function startSocketActivated(on: On, lines: readonly string[] = [], options: ServerOptions = {}): Promise<RealServer> {
  const { hostKeys, command } = prepareSshd(lines, options);
  const machine = machineOf(on, options);
  let log = "";
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    const [program = "", ...words] = machine.inside([...command, "-i"]);
    const stdio: StdioOptions = [socket, socket, "pipe"];
    spawn(program, words, { stdio }).stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const end = () => new Promise<void>((resolve) => listener.close(() => resolve()));
  whenOver(options.lifetime ?? "test", end);
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, hostKey: hostKeys[0] ?? "", hostKeys, log: () => log, end };
}

/** Dropbear with an Ed25519 host key; without flags it takes passwords too. */
export async function startDropbear(on: On, flags: readonly string[] = ["-s"], options: ServerOptions = {}): Promise<RealServer> {
  const folder = scratch(options.lifetime);
  const file = join(folder, "host_key");
  const made = execFileSync("dropbearkey", ["-t", "ed25519", "-f", file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const hostKey = publicHalf(made.split("\n").find((line) => line.startsWith("ssh-ed25519 ")) ?? "");
  const port = options.port ?? (await freePort());
  const command = ["/usr/sbin/dropbear", "-F", "-E", ...flags, "-p", `127.0.0.1:${port}`, "-r", file, "-P", join(folder, "pid")];
  return { port, hostKey, hostKeys: [hostKey], ...(await start(on, port, command, options)) };
}

/** Host keys and a configuration file; the command that runs sshd with them. */
function prepareSshd(lines: readonly string[], { hostKeyTypes = ["ed25519"], lifetime }: ServerOptions) {
  const folder = scratch(lifetime);
  const files = hostKeyTypes.map((type) => {
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", join(folder, type)]);
    return join(folder, type);
  });
  const own = [...files.map((file) => `HostKey ${file}`), "PidFile none", "PasswordAuthentication no", "KbdInteractiveAuthentication no"];
  const configuration = join(folder, "config");
  writeFileSync(configuration, `${[...lines, ...own].join("\n")}\n`);
  const hostKeys = files.map((file) => publicHalf(readFileSync(`${file}.pub`, "utf8")));
  return { hostKeys, command: ["/usr/sbin/sshd", "-e", "-f", configuration] };
}

const machineOf = (on: On, { lifetime }: ServerOptions) =>
  typeof on === "string" ? makeMachine({ users: [{ name: "root", keys: [on] }], lifetime }) : on;

async function start(on: On, port: number, command: readonly string[], options: ServerOptions): Promise<Pick<RealServer, "log" | "end">> {
  const [program = "", ...words] = machineOf(on, options).inside(command);
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const end = endAfterwards(child, options.lifetime);
  await untilListening(port, child);
  return { log: () => log, end };
}

const publicHalf = (line: string) => line.trim().split(" ").slice(0, 2).join(" ");
