import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { afterAll, beforeAll, expect } from "vitest";
import { z } from "zod";
import type { ErrorKind } from "../../provider/errors";
import { type HostileServer, type Hostility, startHostile } from "./hostile-server";
import { startServer } from "./server";

const ending = z.union([z.object({ kind: z.string(), message: z.string() }), z.object({ answer: z.unknown() })]);
const reportSchema = z.object({ first: ending, second: ending, peakKiB: z.int() });
type Report = z.infer<typeof reportSchema>;

export interface Meeting {
  /** What is done with the hostile board; see hostile-child.ts. */
  work: "look" | "apply" | "outcome" | "run" | "run for two seconds";
  hostility: Hostility;
  /** Of the test: it ends the process when the test's time is over. Before, the process has to end by itself. */
  signal: AbortSignal;
  /** What the connection to the hostile board has instead of the usual. */
  connection?: { privateKey?: string; password?: undefined; perDialTimeout?: number };
  /** The hostile board is the jump host before one that is never reached. */
  isJump?: boolean;
}

const allowedKiB = 64 * 1024;
const root = join(__dirname, "..", "..");
const program = join("test", "ssh", "hostile-child.js");

/**
 * Runs attacks, each against a process of its own, which works with an honest board at the same time. Whatever the hostile board
 * does, the honest one must give the answer that it gives to a process that meets no other, and the process must end by itself, with
 * no word on stderr, and with at most 64 MB more than such a one took.
 */
export class Attacks {
  private folder = "";
  private honest: HostileServer | undefined;
  private alone: Report | undefined;

  constructor() {
    beforeAll(async () => {
      this.folder = built();
      this.honest = await startServer({ password: "swordfish" });
      this.alone = await this.run("look", connectionTo(this.honest));
    });
    afterAll(async () => {
      await this.honest?.close();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Holds that nothing comes of it but this error, and that its message names the board and is fit to print. */
  async failsWith(kind: ErrorKind, says: RegExp, meeting: Meeting): Promise<void> {
    const { end, address } = await this.meet(meeting);
    if (!("kind" in end)) throw new Error(`it did not fail: ${JSON.stringify(end).slice(0, 500)}`);
    expect(end.kind, end.message).toBe(kind);
    expect(end.message).toMatch(says);
    expect(end.message).toContain(address);
    expect(end.message).not.toMatch(/\p{C}/u);
    expect(end.message.length).toBeLessThan(1000);
  }

  /** Holds that it answers, and that nothing else comes of it. */
  async answers(meeting: Meeting): Promise<unknown> {
    const { end } = await this.meet(meeting);
    if (!("answer" in end)) throw new Error(`it failed: ${JSON.stringify(end)}`);
    return end.answer;
  }

  private async meet({ work, hostility, signal, connection, isJump }: Meeting): Promise<{ end: Report["first"]; address: string }> {
    const server = await startHostile(hostility);
    try {
      const own = { ...connectionTo(server), ...connection };
      const report = await this.run(work, isJump ? { ...own, host: "board.invalid", proxy: connectionTo(server) } : own, signal);
      const { alone } = this;
      if (alone === undefined || !("answer" in alone.second)) throw new Error(`the honest board gave no answer: ${JSON.stringify(alone)}`);
      expect(report.second).toEqual(alone.second);
      expect(report.peakKiB - alone.peakKiB, "KiB more than with honest boards alone").toBeLessThan(allowedKiB);
      return { end: report.first, address: `root@${isJump ? "board.invalid" : "127.0.0.1"}:${server.port}` };
    } finally {
      await server.close();
    }
  }

  private async run(work: Meeting["work"], connection: object, signal?: AbortSignal): Promise<Report> {
    const connections = [connection, this.honest && connectionTo(this.honest)].map((one) => JSON.stringify(one));
    const env = { PATH: process.env.PATH, HOME: this.folder };
    const child = spawn(process.execPath, [program, work, ...connections], { cwd: this.folder, env, signal, killSignal: "SIGKILL" });
    let [output, complaints] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    const code = await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
    expect([complaints, code]).toEqual(["", 0]);
    return reportSchema.parse(JSON.parse(output));
  }
}

/** A minute for a login, so that a slow machine does not end what a limit of ours has to end. */
const connectionTo = ({ port, hostKey }: HostileServer) => ({
  ...{ host: "127.0.0.1", port, hostKey, password: "swordfish" },
  ...{ dialErrorLimit: 1, perDialTimeout: 60 },
});

/** The provider and the child's program as JavaScript, in a folder of their own: tsx would take memory that hides some of ours. */
function built(): string {
  const folder = mkdtempSync(join(tmpdir(), "devbind-hostile-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const names = readdirSync(join(root, "provider"), { recursive: true, encoding: "utf8" }).map((name) => join("provider", name));
  for (const name of [...names, program.replace(/js$/, "ts")].filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))) {
    const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
    const { outputText } = transpileModule(readFileSync(join(root, name), "utf8"), { compilerOptions });
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name.replace(/ts$/, "js")), outputText);
  }
  for (const name of ["devbind.sh", "at-boot.sh", "devbind.service"])
    copyFileSync(join(root, "provider", "board", name), join(folder, "provider", "board", name));
  return folder;
}
