import { type AuthContext, Server, type ServerChannel } from "ssh2";
import { type KeyPair, makeKey } from "../ssh/keys";
import type { Answer } from "../ssh/server";

export interface SudoServerOptions {
  /** The public key that lets somebody in, or the password. */
  publicKey?: string;
  password?: string;
  /** What sudo asks for. */
  becomePassword: string;
  /** Answers a script that was sent to root's shell. */
  answer: (command: string, stdin: string) => Promise<Answer>;
  /** Sudo repeats on stderr what it was given, as a broken terminal setting makes it, and refuses it. */
  repeats?: boolean;
}

export interface SudoServer {
  readonly port: number;
  readonly hostKey: string;
  close(): Promise<void>;
}

/**
 * An SSH server in this process with a dialog as sudo has it: its prompt on stderr, then the password, then root's shell. It takes what
 * the client sends for the right thing to send; that is proven where a real sudo asks, in secrets-debian.test.ts and test/ssh.
 */
export async function startSudoServer(options: SudoServerOptions): Promise<SudoServer> {
  const hostKey = makeKey();
  const server = new Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    client
      .on("error", () => {})
      .on("authentication", (context) => authenticate(context, options))
      .on("session", (accept) =>
        accept().on("exec", (acceptExec, _reject, { command }) =>
          dialog(
            acceptExec().on("error", () => {}),
            command,
            options,
          ),
        ),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return described(server, hostKey);
}

function described(server: Server, { publicKey }: KeyPair): SudoServer {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, hostKey: publicKey, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Whose key it is is all that matters here: no signature is checked. */
function authenticate(context: AuthContext, { publicKey, password }: SudoServerOptions): void {
  const isKey = context.method === "publickey" && publicKey?.split(" ")[1] === context.key.data.toString("base64");
  if (isKey || (context.method === "password" && context.password === password)) context.accept();
  else context.reject(publicKey === undefined ? ["password"] : ["publickey"]);
}

/** The nonces are in the command: sudo's prompt, and what root's shell says first. */
async function dialog(channel: ServerChannel, command: string, options: SudoServerOptions): Promise<void> {
  const prompt = /-p (\S+)/.exec(command)?.[1] ?? "";
  const opened = /'echo ([^;]+);/.exec(command)?.[1] ?? "";
  channel.stderr.write(prompt);
  const input = new Input(channel);
  const given = await input.line();
  if (options.repeats || given !== options.becomePassword) {
    channel.stderr.write(options.repeats ? `${given}: no such account\n` : `Sorry, try again.\n${prompt}`);
    channel.exit(1);
    channel.end();
    return;
  }
  channel.write(`${opened}\n`);
  await input.line(); // root's shell waits for this one
  const { stdout, stderr, code } = await options.answer(command, await input.rest());
  channel.stderr.write(stderr);
  channel.write(stdout);
  channel.exit(code ?? 1);
  channel.end();
}

/** What comes in on a channel, by lines and then as a whole. */
class Input {
  private text = "";
  private isEnded = false;
  private wake = () => {};

  constructor(channel: ServerChannel) {
    channel.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("utf8");
      this.wake();
    });
    channel.on("end", () => {
      this.isEnded = true;
      this.wake();
    });
  }

  async line(): Promise<string> {
    while (!this.text.includes("\n") && !this.isEnded) await this.more();
    const [line = "", ...rest] = this.text.split("\n");
    this.text = rest.join("\n");
    return line;
  }

  async rest(): Promise<string> {
    while (!this.isEnded) await this.more();
    return this.text;
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
