import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterwards } from "./project";

/** A real SSH server process on a free port of 127.0.0.1. */
export interface RealServer {
  readonly port: number;
  /** "ssh-ed25519 AAAA…" */
  readonly hostKey: string;
  /** What it logged so far. */
  log(): string;
}

/**
 * Servers run in a mount namespace of their own: there `/run/sshd` exists, and the user's home is a made folder, because dropbear
 * reads authorized_keys nowhere else. Nothing of the machine is touched, and a
 * server ends with the process that started it.
 */
const inNamespace = 'mount -t tmpfs none /run && mkdir /run/sshd && mount --bind "$0" "$1" && shift && exec setpriv --pdeathsig KILL "$@"';

/** Why the tests against real servers can't run here, in words that enable them; undefined when they can. */
export function whatIsMissing(): string | undefined {
  const programs = ["/usr/sbin/sshd", "/usr/sbin/dropbear", "/usr/bin/dropbearkey", "/usr/bin/ssh-keygen", "/usr/bin/ssh-agent"];
  const missing = programs.filter((path) => !existsSync(path));
  if (missing.length > 0) return `${missing.join(", ")} missing: apt-get install openssh-server openssh-client dropbear-bin`;
  const tried = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/run"], { stdio: "ignore" });
  return tried.status === 0 ? undefined : "no mount namespace: run as root, in a container with --cap-add SYS_ADMIN";
}

/** A folder for a server's files, gone after the test. */
function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "devbind-sshd-"));
  afterwards(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** OpenSSH's sshd, only for key logins; `lines` are added to its configuration. */
export async function startSshd(authorizedKey: string, lines: readonly string[] = []): Promise<RealServer> {
  const folder = scratch();
  const hostKey = join(folder, "host_key");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
  const port = await freePort();
  const configuration = [`ListenAddress 127.0.0.1:${port}`, `HostKey ${hostKey}`, `PidFile ${folder}/pid`, "PasswordAuthentication no"];
  writeFileSync(join(folder, "config"), `${[...configuration, "StrictModes no", ...lines].join("\n")}\n`);
  const log = start(folder, authorizedKey, ["/usr/sbin/sshd", "-D", "-e", "-f", join(folder, "config")]);
  return { port, hostKey: publicHalf(readFileSync(`${hostKey}.pub`, "utf8")), log };
}

/** Dropbear, with an Ed25519 host key. */
export async function startDropbear(authorizedKey: string): Promise<RealServer> {
  const folder = scratch();
  const hostKey = join(folder, "host_key");
  const made = execFileSync("dropbearkey", ["-t", "ed25519", "-f", hostKey], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const port = await freePort();
  const command = ["/usr/sbin/dropbear", "-F", "-E", "-s", "-p", `127.0.0.1:${port}`, "-r", hostKey, "-P", join(folder, "pid")];
  const log = start(folder, authorizedKey, command);
  return { port, hostKey: publicHalf(made.split("\n").find((line) => line.startsWith("ssh-ed25519 ")) ?? ""), log };
}

/** An ssh-agent that holds one private key; the path of its socket. */
export async function startAgent(privateKey: string): Promise<string> {
  const folder = scratch();
  const [socket, file] = [join(folder, "socket"), join(folder, "key")];
  endAfterwards(spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" }));
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
  writeFileSync(file, privateKey, { mode: 0o600 });
  execFileSync("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: "ignore" });
  return socket;
}

function start(folder: string, authorizedKey: string, command: readonly string[]): () => string {
  const home = join(folder, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".ssh", "authorized_keys"), `${authorizedKey}\n`, { mode: 0o600 });
  const child = spawn("unshare", ["-m", "sh", "-c", inNamespace, home, userInfo().homedir, ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  endAfterwards(child);
  return () => log;
}

/** Ends a process by its id; dropbear now and then misses a SIGTERM that comes just before it waits, so a SIGKILL follows. */
function endAfterwards(child: ChildProcess): void {
  const ended = new Promise((resolve) => child.on("exit", resolve));
  afterwards(async () => {
    child.kill();
    const late = setTimeout(() => child.kill("SIGKILL"), 500);
    await ended;
    clearTimeout(late);
  });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

const publicHalf = (line: string) => line.trim().split(" ").slice(0, 2).join(" ");
