import { randomBytes } from "node:crypto";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isComplete, type Operation, requestLine } from "../../provider/board/protocol";
import { boardScript } from "../../provider/board/script";
import { type Answer, readAnswer } from "./answer";
import { type Mounted, mountTree, unmountStale } from "./fuse";
import { FakeKernel } from "./kernel";
import { bootId, isAlive } from "./processes";
import { applyItems, type LookWish, lookItems, type Transaction } from "./requests";
import { type Shell, toolFolder } from "./shells";

/** A script under way. */
export interface Running {
  pid: number;
  child: ChildProcessWithoutNullStreams;
  done: Promise<Answer>;
  /** The answer when its last line has come, which ends a client's wait; the script may still be at something. */
  answered: Promise<Answer>;
}

const prefix = join(tmpdir(), "devbind-script-");

/** Removes what tests that died have left. */
function removeStale(): void {
  unmountStale(prefix);
  for (const name of readdirSync(tmpdir())) {
    const pid = /^devbind-script-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/**
 * A board as `devbind.sh` sees one below its root: a FUSE tree as /sys, plain files for the rest. The real script's text runs on it;
 * only its root is another. Processes and their start times are this machine's own.
 */
export class MadeBoard {
  readonly root = mkdtempSync(`${prefix}${process.pid}-`);
  readonly kernel = new FakeKernel();
  /** Set in the environment of every script; PATH as well. */
  environment: Record<string, string> = {};
  private mounted: Mounted | undefined;
  private running = new Set<ChildProcessWithoutNullStreams>();

  /** A board whose /sys is mounted. */
  static async make(): Promise<MadeBoard> {
    removeStale();
    const board = new MadeBoard();
    mkdirSync(join(board.root, "sys"));
    board.mounted = await mountTree(join(board.root, "sys"), board.kernel.tree);
    board.reset();
    return board;
  }

  /** A fresh board: a quiet system with /run in memory and nothing in it. */
  reset(): void {
    this.kernel.reset();
    for (const name of readdirSync(this.root))
      if (name !== "sys" && name !== "tools") rmSync(join(this.root, name), { recursive: true, force: true });
    for (const folder of ["run", "tmp", "dev/shm", "bin"]) mkdirSync(join(this.root, folder), { recursive: true });
    this.write("proc/sys/kernel/random/boot_id", `${bootId}\n`);
    this.write("proc/sys/kernel/osrelease", "6.1.0-test\n");
    this.write("proc/modules", "");
    this.write("proc/sys/kernel/hostname", "board-7\n");
    this.write("proc/mounts", "/dev/root / ext4 rw 0 0\nsysfs /sys sysfs rw,nosuid 0 0\ntmpfs /run tmpfs rw 0 0\n");
    this.write("proc/self/mountinfo", "");
    this.write("proc/swaps", "Filename Type Size Used Priority\n");
    this.write("etc/machine-id", "b08dfa6083e7567a1921a715000001fb\n");
    // Not this machine's: its cards are not the board's. (busybox ash has an ip of its own, whatever PATH says.)
    this.write("bin/ip", "#!/bin/sh\nexit 1\n", 0o755);
    this.environment = {};
  }

  /** Makes a second of every script's waiting a twentieth (not in busybox ash, which has a sleep of its own). */
  hurry(): void {
    this.write("bin/sleep", "#!/bin/sh\nexec /bin/sleep 0.05\n", 0o755);
  }

  /** Writes a plain file of the board. */
  write(path: string, content: string | Buffer, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content, { mode });
  }

  /** Whether there is a plain file of the board. */
  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** Removes a plain file of the board. */
  remove(path: string): void {
    rmSync(join(this.root, path));
  }

  /** The folder that holds lock, journals and claims. */
  get state(): string {
    return join(this.root, "run/devbind", bootId);
  }

  /** The names in the state folder, or none. */
  stateFiles(): string[] {
    try {
      return readdirSync(this.state).sort();
    } catch {
      return [];
    }
  }

  /** The script's text with this board's root, as it is sent. */
  get script(): string {
    const text = boardScript();
    const changed = text.replace("  root=''\n", `  root='${this.root}'\n`);
    if (changed === text) throw new Error("devbind.sh has no line for the root any more");
    return changed;
  }

  look(shell: Shell, ...wishes: LookWish[]): Promise<Answer> {
    return this.ask(shell, "look", lookItems(wishes)).done;
  }

  apply(shell: Shell, transaction: Transaction): Promise<Answer> {
    return this.startApply(shell, transaction).done;
  }

  /** Starts an apply; its id is made here where none is given. */
  startApply(shell: Shell, transaction: Transaction): Running {
    const id = transaction.id ?? randomBytes(6).toString("hex");
    return this.ask(shell, "apply", applyItems({ ...transaction, id }));
  }

  async outcome(shell: Shell, id: string): Promise<Record<string, string>> {
    return (await this.ask(shell, "outcome", applyItems({ wishes: [], id })).done).outcome;
  }

  /** As from a new login: that the board can still be reached. */
  async confirm(shell: Shell, id: string): Promise<Record<string, string>> {
    return (await this.ask(shell, "confirm", applyItems({ wishes: [], id })).done).outcome;
  }

  /** Every outcome must name the transaction that was asked for: another one's is not ours. */
  ask(shell: Shell, operation: Operation, items: string[][]): Running {
    const nonce = randomBytes(8).toString("hex");
    const running = this.start(shell, this.script + requestLine(nonce, operation, items), nonce);
    const asked = items.find(([word]) => word === "transaction")?.[1];
    const done = running.done.then((answer) => {
      if (answer.outcome.is !== undefined && answer.transaction !== asked)
        throw new Error(`asked for ${asked}, told of ${answer.transaction}`);
      return answer;
    });
    return { ...running, done };
  }

  /** Runs a text as a login's shell would, for 60 seconds at most. */
  start(shell: Shell, text: string, nonce: string): Running {
    const path = [join(this.root, "bin"), shell.toolbox && toolFolder(this.root, shell.toolbox), "/usr/sbin:/usr/bin:/sbin:/bin"]
      .filter(Boolean)
      .join(":");
    const [program = "sh", ...words] = [...shell.command, "-s"];
    const child = spawn(program, words, { cwd: tmpdir(), env: { PATH: path, ...this.environment } });
    this.running.add(child);
    const limit = setTimeout(() => child.kill("SIGKILL"), 60_000);
    const said = { stdout: "", stderr: "" };
    let hear = (_: Answer) => {};
    const answered = new Promise<Answer>((resolve) => (hear = resolve));
    child.stdout.on("data", (data: Buffer) => {
      said.stdout += data.toString("latin1");
      if (isComplete(said.stdout, nonce)) hear(readAnswer(nonce, said.stdout, said.stderr, null));
    });
    child.stderr.on("data", (data: Buffer) => (said.stderr += data.toString("latin1")));
    child.stdin.on("error", () => undefined);
    child.stdin.end(text);
    const done = new Promise<Answer>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        clearTimeout(limit);
        this.running.delete(child);
        resolve(readAnswer(nonce, said.stdout, said.stderr, code));
      });
    });
    return { pid: child.pid ?? 0, child, done, answered };
  }

  /** Ends what still runs, unmounts and removes everything. */
  async close(): Promise<void> {
    for (const child of this.running) child.kill("SIGKILL");
    await this.mounted?.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}
