import type { Screen } from "./screen";

/** Every promise that `npm run demo` checks, in the story's order. The count is fixed here: one that is not reached has failed. */
export const promises = {
  before: "the device has its own driver, no override and no claim",
  created: "pulumi up creates the binding",
  bound: "the wished driver has the device",
  outputs: "Pulumi's outputs say what the board says",
  byHand: "the old driver has the device again",
  drift: "a plain preview shows the drift, in words",
  previewOnly: "the preview did not write to the board",
  repaired: "pulumi up repairs it",
  refreshed: "pulumi refresh finds nothing to change",
  unchanged: "pulumi up finds nothing to do",
  nothingWritten: "neither of them wrote to the board",
  destroyed: "pulumi destroy gives the previous driver back",
  override: "the override is as it was",
  noClaim: "the board keeps no claim on the device",
} as const;

export type PromiseName = keyof typeof promises;

/** Counts what held, of the promises that were known at the beginning. */
export class Checks<Name extends string> {
  private readonly seen = new Map<Name, boolean>();

  /** `title` begins the last line. */
  constructor(
    private readonly screen: Screen,
    private readonly title: string,
    private readonly promises: Readonly<Partial<Record<Name, string>>>,
  ) {}

  /** Prints one check: the promise, and what was really seen. Refuses what was not promised. */
  check(name: Name, isHeld: boolean, seen: string): void {
    if (this.promises[name] === undefined) throw new Error(`${name} was not promised`);
    this.seen.set(name, isHeld && this.seen.get(name) !== false);
    const mark = isHeld ? this.screen.paint("green", "✓") : this.screen.paint("red", "✗");
    this.screen.line(`   ${mark} ${this.promises[name]}${this.screen.paint("dim", `: ${seen}`)}`);
  }

  /** Names what was never reached, prints the last line, and says whether all held. */
  end(): boolean {
    const names = Object.keys(this.promises) as Name[];
    const missed = names.filter((name) => !this.seen.has(name));
    this.screen.line();
    for (const name of missed) this.screen.line(`   ${this.screen.paint("red", "✗")} not reached: ${this.promises[name]}`);
    const held = names.filter((name) => this.seen.get(name) === true).length;
    const isWhole = held === names.length;
    this.screen.line(this.screen.paint(["bold", isWhole ? "green" : "red"], `${this.title}: ${held} of ${names.length} checks held`));
    return isWhole;
  }
}
