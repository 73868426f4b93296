import { readdirSync, readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";

/** What must not be left behind when the demo ends, whichever way it ends. */
export class Ending {
  private readonly tasks: (() => Promise<void>)[] = [];
  private readonly folders: string[] = [];
  private stopped: NodeJS.Signals | undefined;
  private gentle: ((signal: NodeJS.Signals) => void) | undefined;

  constructor(private readonly say: (text: string) => void) {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.signalled(signal));
    process.once("exit", () => {
      endDescendants();
      for (const folder of this.folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });
  }

  /** To be done at the end, the last one first; a failure of one does not keep the others from it. */
  atEnd(task: () => Promise<void>): void {
    this.tasks.push(task);
  }

  /** To be removed when this process exits. */
  removeAtExit(folder: string): void {
    this.folders.push(folder);
  }

  /** From now on the first signal only calls this, because a board of one's own must be put in order; the second ends at once. */
  gently(onSignal: (signal: NodeJS.Signals) => void): void {
    this.gentle = onSignal;
  }

  async run(): Promise<void> {
    for (let task = this.tasks.pop(); task !== undefined; task = this.tasks.pop()) {
      await task().catch((error: unknown) => this.say(error instanceof Error ? error.message : String(error)));
    }
  }

  private signalled(signal: NodeJS.Signals): void {
    if (this.gentle !== undefined) {
      const gentle = this.gentle;
      this.gentle = undefined;
      gentle(signal);
      return;
    }
    const code = 128 + constants.signals[signal];
    if (this.stopped !== undefined) process.exit(code);
    this.stopped = signal;
    this.say(`${signal}: cleaning up`);
    void this.run().finally(() => process.exit(code));
  }
}

/** Ends every process that this one started and that is still there. */
function endDescendants(): void {
  const parents = new Map(
    readdirSync("/proc")
      .filter(isNumber)
      .map((id) => [Number(id), parentOf(id)]),
  );
  const isOurs = (id: number): boolean => {
    const parent = parents.get(id);
    return parent !== undefined && parent > 1 && (parent === process.pid || isOurs(parent));
  };
  for (const id of [...parents.keys()].filter(isOurs)) {
    try {
      process.kill(id, "SIGTERM");
    } catch {
      // It has ended by itself.
    }
  }
}

const isNumber = (text: string) => /^\d+$/.test(text);

function parentOf(id: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}
