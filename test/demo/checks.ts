import type { Screen } from "./screen";

/** Every promise that the demo checks, in the story's order. The count is fixed here: one that is not reached has failed. */
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

/** Counts what held. */
export class Checks {
  private readonly seen = new Map<PromiseName, boolean>();

  constructor(private readonly screen: Screen) {}

  /** Prints one check: the promise, and what was really seen. */
  check(name: PromiseName, isHeld: boolean, seen: string): void {
    this.seen.set(name, isHeld && this.seen.get(name) !== false);
    const mark = isHeld ? this.screen.paint("green", "✓") : this.screen.paint("red", "✗");
    this.screen.line(`   ${mark} ${promises[name]}${this.screen.paint("dim", `: ${seen}`)}`);
  }

  /** Names what was never reached, prints the last line, and says whether all held. */
  end(): boolean {
    const names = Object.keys(promises) as PromiseName[];
    const missed = names.filter((name) => !this.seen.has(name));
    this.screen.line();
    for (const name of missed) this.screen.line(`   ${this.screen.paint("red", "✗")} not reached: ${promises[name]}`);
    const held = names.filter((name) => this.seen.get(name) === true).length;
    const isWhole = held === names.length;
    this.screen.line(this.screen.paint(["bold", isWhole ? "green" : "red"], `demo: ${held} of ${names.length} checks held`));
    return isWhole;
  }
}
