/** A line of waiting work: at most `limit` hold a place at once, the others come in the order they asked. */
export class Line {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private limit: number) {}

  /** How many hold a place now. */
  get holders(): number {
    return this.taken;
  }

  /** Resolves to the function that gives the place back (calling it twice is harmless). */
  async place(): Promise<() => void> {
    if (this.taken >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.taken += 1;
    let held = true;
    return () => {
      if (held) this.leave();
      held = false;
    };
  }

  /** Fewer places from now on, at least one. */
  narrow(limit: number): void {
    this.limit = Math.max(1, Math.min(this.limit, limit));
  }

  private leave(): void {
    const next = this.taken > this.limit ? undefined : this.waiting.shift();
    if (next === undefined) this.taken -= 1;
    else next();
  }
}
