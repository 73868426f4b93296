import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "../ssh/server";
import type { Arguments } from "./lab";
import { ScriptedBoard } from "./scripted-board";
import { Marks } from "./secrets-marks";
import { type SudoServerOptions, startSudoServer } from "./secrets-sudo";

/** A binding of the program in `secrets-program/`: what it is made of, and in which way its secrets are given. */
export type Given = Record<string, { way: string; args: Arguments }>;

/** Each way: its name in the program, and which input names its jump hosts. */
const table: Record<string, [way: string, through: "proxy" | "jumps"]> = {
  plain: ["plain", "jumps"],
  plainProxy: ["plain", "proxy"],
  secret: ["secret", "jumps"],
  config: ["config", "jumps"],
  configProxy: ["config", "proxy"],
  whole: ["whole", "jumps"],
  output: ["output", "proxy"],
  promise: ["promise", "jumps"],
  outputFields: ["outputFields", "proxy"],
  outputProxy: ["outputProxy", "proxy"],
  outputJumps: ["outputJumps", "jumps"],
  outputJump: ["outputJump", "jumps"],
  late: ["late", "jumps"],
  lateWhole: ["lateWhole", "proxy"],
};

/** A connection as the program's file has it. */
export type Connection = Record<string, unknown>;
type Answer = SudoServerOptions["answer"];

/** Servers for every way, before one scripted board, and what it takes to log in to them: marked values, each its own. */
export class Ways {
  readonly marks = new Marks();
  readonly board = new ScriptedBoard("with-secrets");
  /** The bindings of all ways. */
  readonly given: Given = {};
  /** What the program reads from its configuration. */
  readonly config: [key: string, value: string][] = [];
  /** How the board ends what it is asked to do; undefined: well. */
  refusal: "undone" | "stuck" | undefined;
  private readonly closing: (() => Promise<void>)[] = [];

  /** `folder` is for a key file; it has to lie outside of all that is searched for marks. */
  static async start(folder: string): Promise<Ways> {
    const ways = new Ways();
    await ways.addByPath(join(folder, "key"));
    for (const [name, [way, through]] of Object.entries(table)) await ways.add(name, way, through);
    return ways;
  }

  async close(): Promise<void> {
    await Promise.all(this.closing.map((close) => close()));
  }

  /** Adds a binding to what is given. */
  bind(name: string, way: string, connection: unknown): void {
    this.given[name] = { way, args: { connection, bus: "pci", device: name, driver: "vfio-pci" } };
  }

  /** A board that takes the password or the key, and asks for a password before it lets a user be root. */
  async sudoBoard(name: string, takes: "password" | "key", more: Partial<SudoServerOptions> = {}): Promise<Connection> {
    const { given, publicKey, password } = this.credentials(name, takes === "key");
    const becomePassword = this.marks.text(`${name}: becomePassword`);
    const lets = takes === "key" ? { publicKey } : { password };
    const server = await this.opened(startSudoServer({ ...lets, becomePassword, answer: this.answer, ...more }));
    return { ...addressOf(server), ...given, user: "operator", become: "sudo", becomePassword: coded(becomePassword) };
  }

  /** A jump host that takes the key. */
  async jump(name: string): Promise<Connection> {
    const { given, publicKey } = this.credentials(name, false);
    const server = await this.opened(startServer({ publicKeys: [publicKey], forwards: true }));
    return { ...addressOf(server), ...given, dialErrorLimit: 1 };
  }

  /** The first: nothing secret of it goes through Pulumi. */
  private async addByPath(privateKeyPath: string): Promise<void> {
    const { privateKey, publicKey } = this.marks.key("byPath");
    await writeFile(privateKeyPath, privateKey, { mode: 0o600 });
    const server = await this.opened(startServer({ publicKeys: [publicKey], answer: this.answer }));
    this.bind("byPath", "plain", { ...addressOf(server), privateKeyPath });
  }

  private async add(name: string, way: string, through: "proxy" | "jumps"): Promise<void> {
    const board = await this.sudoBoard(name, through === "proxy" ? "key" : "password");
    const nearer = await this.jump(`${name}: jump 0`);
    const connection = {
      ...board,
      [through]: through === "proxy" ? nearer : [nearer, ...(name === "plain" ? [await this.jump(`${name}: jump 1`)] : [])],
    };
    if (way === "config") this.config.push(...secretsOf(connection, name));
    this.bind(name, way, connection);
  }

  /** All that a login can need, whether it does or not. Locked keys take their time. */
  private credentials(name: string, isLocked: boolean) {
    const [password, passphrase] = [this.marks.text(`${name}: password`), this.marks.text(`${name}: privateKeyPassword`)];
    const { privateKey, publicKey } = this.marks.key(`${name}: privateKey`, isLocked ? passphrase : undefined);
    const given = { password: coded(password), privateKey: coded(privateKey), privateKeyPassword: coded(passphrase) };
    return { given, publicKey, password };
  }

  private async opened<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const server = await starting;
    this.closing.push(() => server.close());
    return server;
  }

  private readonly answer: Answer = async (command, stdin) => {
    this.board.refuses = this.refusal !== undefined;
    const answered = await this.board.answer(command, stdin);
    return this.refusal === "stuck" ? { ...answered, stdout: answered.stdout.replace("is=undone", "is=stuck left=-") } : answered;
  };
}

const addressOf = ({ port, hostKey }: { port: number; hostKey: string }) => ({ host: "127.0.0.1", port, hostKey });

/** A secret as the program's file has it. */
export const coded = (value: string) => ({ hex: Buffer.from(value).toString("hex") });

/** The secrets of a connection, by their paths as the program names them. */
function secretsOf(value: unknown, path: string): [path: string, value: string][] {
  if (typeof value !== "object" || value === null) return [];
  if ("hex" in value && typeof value.hex === "string") return [[path, Buffer.from(value.hex, "hex").toString()]];
  return Object.entries(value).flatMap(([key, inner]) => secretsOf(inner, `${path}.${key}`));
}
