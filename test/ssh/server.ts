import { spawn } from "node:child_process";
import { createServer, type Socket, connect as tcpConnect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type AuthContext, type Connection, Server, type ServerChannel, type TcpipRequestInfo, utils } from "ssh2";
import { type KeyPair, makeKey } from "./keys";

export interface Answer {
  stdout: string;
  stderr: string;
  /** Null: the command was killed, no code is told. */
  code: number | null;
  /** What happens to the channel then: it is closed (default), left open, cut with the whole connection, or filled without end. */
  after?: "close" | "stay open" | "cut" | "endless";
}

export interface ServerOptions {
  /** Who may log in: public keys ("ssh-ed25519 AAAA…"), a password, the answer to one keyboard-interactive prompt. Default: nobody. */
  publicKeys?: readonly string[];
  password?: string;
  promptAnswer?: string;
  /** The right password is answered with the wish for a new one. */
  passwordExpired?: boolean;
  /** The connection is closed at the first refusal of something other than "none". */
  closesAtRefusal?: boolean;
  /** Host keys, the first is the one in `hostKey`. Default: a new Ed25519 key. */
  hostKeys?: readonly KeyPair[];
  /** How an exec is answered, after its stdin has ended: by a function, or really, by `sh -c` on this machine. Default: "sh". */
  answer?: "sh" | ((command: string, stdin: string) => Promise<Answer>);
  /** What it shows before the login. */
  banner?: string;
  /** Milliseconds before the server says its first word, and before each answer. */
  bannerDelay?: number;
  answerDelay?: number;
  /** How many connections are reset before the first that is served. */
  resetFirst?: number;
  /** Takes connections and never says a word. */
  silent?: boolean;
  /** Sessions at once on one connection, as sshd's MaxSessions; more are refused. Default: 10. */
  maximumSessions?: number;
  /** Leads on to other ports of this machine, as a jump host. Default: false. */
  forwards?: boolean;
}

export interface TestServer {
  readonly port: number;
  /** "ssh-ed25519 AAAA…", for the input `hostKey`. */
  readonly hostKey: string;
  /** The line for a known_hosts file. */
  readonly knownHostsLine: string;
  /** TCP connections taken, logins that succeeded, and each command that was asked for, in order. */
  readonly connections: number;
  readonly logins: number;
  readonly execs: string[];
  /** The most execs that were under way at once. */
  readonly mostAtOnce: number;
  /** Connections open now. */
  readonly open: number;
  close(): Promise<void>;
}

/** An SSH server inside this process, on a free port of 127.0.0.1. What it can't prove, real servers do: see real-servers.test.ts. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const hostKeys = options.hostKeys ?? [makeKey()];
  const count = { connections: 0, logins: 0, execs: [] as string[], atOnce: 0, mostAtOnce: 0 };
  const sockets = new Set<Socket>();
  const ssh = new Server({ hostKeys: hostKeys.map((key) => key.privateKey), banner: options.banner }, (client) =>
    serve(client, options, count, sockets),
  );
  const listener = createServer({ noDelay: true }, (socket) => {
    count.connections += 1;
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    if (count.connections <= (options.resetFirst ?? 0)) socket.resetAndDestroy();
    else if (!options.silent) sleep(options.bannerDelay ?? 0).then(() => ssh.injectSocket(socket));
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const hostKey = hostKeys[0]?.publicKey ?? "";
  return {
    port,
    hostKey,
    knownHostsLine: `[127.0.0.1]:${port} ${hostKey}`,
    execs: count.execs,
    get connections() {
      return count.connections;
    },
    get logins() {
      return count.logins;
    },
    get mostAtOnce() {
      return count.mostAtOnce;
    },
    get open() {
      return sockets.size;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

interface Count {
  logins: number;
  execs: string[];
  atOnce: number;
  mostAtOnce: number;
}

function serve(client: Connection, options: ServerOptions, count: Count, sockets: Set<Socket>): void {
  let sessions = 0;
  client
    .on("error", () => {})
    .on("authentication", (context) => authenticate(context, options, () => client.end()))
    .on("ready", () => {
      count.logins += 1;
    })
    .on("session", (accept, reject) => {
      if (sessions >= (options.maximumSessions ?? 10)) return reject();
      sessions += 1;
      accept()
        .on("close", () => {
          sessions -= 1;
        })
        .on("exec", (acceptExec, _reject, { command }) => {
          count.execs.push(command);
          count.atOnce += 1;
          count.mostAtOnce = Math.max(count.mostAtOnce, count.atOnce);
          const channel = acceptExec().on("error", () => {});
          answer(channel, command, options, () => client.end(), sockets).finally(() => {
            count.atOnce -= 1;
          });
        });
    });
  if (options.forwards) client.on("tcpip", forward);
}

function authenticate(context: AuthContext, options: ServerOptions, end: () => void): unknown {
  const methods: AuthContext["method"][] = [];
  if (options.publicKeys !== undefined) methods.push("publickey");
  if (options.password !== undefined) methods.push("password");
  if (options.promptAnswer !== undefined) methods.push("keyboard-interactive");
  const judge = (isRight: boolean) => {
    if (isRight) context.accept();
    else context.reject(methods);
    if (!isRight && options.closesAtRefusal && context.method !== "none") end();
  };
  if (context.method === "password" && options.passwordExpired) return context.requestChange("New: ", () => {});
  if (context.method === "password") return judge(options.password !== undefined && context.password === options.password);
  if (context.method === "keyboard-interactive" && options.promptAnswer !== undefined) {
    return context.prompt([{ prompt: "Password: ", echo: false }], (answers) => judge(answers?.[0] === options.promptAnswer));
  }
  if (context.method !== "publickey") return judge(false);
  const shown = context.key.data.toString("base64");
  const allowed = (options.publicKeys ?? []).find((line) => line.split(" ")[1] === shown);
  if (allowed === undefined || context.signature === undefined) return judge(allowed !== undefined);
  const key = utils.parseKey(allowed);
  return judge(!(key instanceof Error) && context.blob !== undefined && key.verify(context.blob, context.signature, context.hashAlgo));
}

async function answer(
  channel: ServerChannel,
  command: string,
  options: ServerOptions,
  cut: () => void,
  sockets: Set<Socket>,
): Promise<void> {
  if (options.answer === undefined || options.answer === "sh") return runBySh(channel, command, options.answerDelay);
  const chunks: Buffer[] = [];
  channel.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise<void>((resolve) => channel.once("end", resolve));
  if (options.answerDelay !== undefined) await sleep(options.answerDelay);
  const made = await options.answer(command, Buffer.concat(chunks).toString("utf8"));
  channel.stderr.write(made.stderr);
  channel.write(made.stdout);
  if (made.after === "stay open") return;
  if (made.after === "endless") return flood(channel);
  if (made.after === "cut") {
    setImmediate(() => {
      for (const socket of sockets) socket.destroy();
      cut();
    });
    return;
  }
  if (made.code !== null) channel.exit(made.code);
  channel.end();
}

function flood(channel: ServerChannel): void {
  if (!channel.writable) return;
  channel.write("x".repeat(32_768), () => setImmediate(() => flood(channel)));
}

async function runBySh(channel: ServerChannel, command: string, delay = 0): Promise<void> {
  if (delay > 0) await sleep(delay);
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  channel.pipe(child.stdin);
  child.stdout.on("data", (chunk: Buffer) => channel.write(chunk));
  child.stderr.on("data", (chunk: Buffer) => channel.stderr.write(chunk));
  await new Promise<void>((resolve) => {
    child.on("close", (code) => {
      if (code !== null) channel.exit(code);
      channel.end();
      resolve();
    });
  });
}

function forward(accept: () => ServerChannel, reject: () => void, info: TcpipRequestInfo): void {
  const socket = tcpConnect(info.destPort, "127.0.0.1");
  socket.once("error", () => reject());
  socket.once("connect", () => {
    const channel = accept();
    socket.removeAllListeners("error").on("error", () => channel.close());
    channel.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    channel.pipe(socket).pipe(channel);
  });
}
