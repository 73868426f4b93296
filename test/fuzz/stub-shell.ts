import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Shell, shells } from "../script/shells";

/** How long a shell may be silent: one that waits for the end of a quote says nothing more. */
const patienceMilliseconds = 20_000;

/** A real shell that reads its commands from stdin, as a board's does, in an empty folder of its own. Only what `prelude` defines is there to be called. */
export class StubShell {
  private readonly folder = mkdtempSync(join(tmpdir(), "devbind-fuzz-"));
  private child: ChildProcessWithoutNullStreams | undefined;
  private said = "";
  private errors = "";
  private lines = 0;
  private wake = () => {};

  constructor(
    private readonly shell: Shell,
    private readonly prelude: string,
    /** What stands after each word that a command prints. */
    private readonly separator: "\n" | "\0",
  ) {}

  get name(): string {
    return this.shell.name;
  }

  /** The words that a command line printed. Throws where it said anything on stderr, made a file, or never came to its end. */
  async hears(line: string): Promise<string[]> {
    this.child ??= this.start();
    this.lines += 1;
    const end = ` end of line ${this.lines}${this.separator}`;
    this.said = "";
    this.child.stdin.write(`${line}${this.separator === "\n" ? "echo" : "printf '%s\\0'"} ' end of line ${this.lines}'\n`);
    const deadline = Date.now() + patienceMilliseconds;
    while (!this.said.endsWith(end) && this.errors === "" && Date.now() < deadline) await this.next(deadline - Date.now());
    const wrong = this.whatIsWrong() ?? (this.said.endsWith(end) ? undefined : "did not come to the end of the line");
    if (wrong === undefined) return this.said.slice(0, -end.length).split(this.separator).slice(0, -1);
    this.end();
    throw new Error(`${this.name} ${wrong}`);
  }

  close(): void {
    this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private whatIsWrong(): string | undefined {
    const files = readdirSync(this.folder);
    if (files.length > 0) return `made a file: ${files.join(", ")}`;
    return this.errors === "" ? undefined : `said: ${this.errors.slice(0, 1000)}`;
  }

  private start(): ChildProcessWithoutNullStreams {
    const [program = "sh", ...words] = [...this.shell.command, "-s"];
    const child = spawn(program, words, { cwd: this.folder, env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } });
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", (text: string) => child === this.child && this.hear(text, ""));
    child.stderr.setEncoding("utf8").on("data", (text: string) => child === this.child && this.hear("", text));
    child.on("close", () => child === this.child && this.hear("", "(the shell ended)"));
    child.stdin.write(`${this.prelude}\n`);
    return child;
  }

  /** Ends the shell, so that the next line finds a new one. */
  private end(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
    this.errors = "";
    for (const file of readdirSync(this.folder)) rmSync(join(this.folder, file), { recursive: true, force: true });
  }

  private hear(text: string, error: string): void {
    this.said += text;
    this.errors += error;
    this.wake();
  }

  private next(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** One of each shell that a board may have and this machine has; at least one. (With toybox it is mksh once more.) */
export function openShells(prelude: string, separator: "\n" | "\0"): StubShell[] {
  const here = shells.filter(({ missing, name }) => missing === undefined && !name.includes("toybox"));
  if (here.length === 0) throw new Error(shells.map(({ missing }) => missing).join("; "));
  return here.map((shell) => new StubShell(shell, prelude, separator));
}
