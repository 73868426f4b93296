const intervalMilliseconds = 10_000;
const unansweredMaximum = 3;

/**
 * Asks the other side every 10 s, while something runs; three unanswered, and it counts as lost (as OpenSSH's ServerAliveInterval and
 * ServerAliveCountMax). `ssh2` has this too, but its timer can't be stopped and keeps the process alive.
 */
export class SignOfLife {
  private timer: NodeJS.Timeout | undefined;
  private unanswered = 0;

  constructor(
    private readonly ask: (answered: () => void) => void,
    private readonly lost: (reason: string) => void,
  ) {}

  /** Starts asking, or stops; harmless when it is so already. */
  watch(isRunning: boolean): void {
    if (isRunning === (this.timer !== undefined)) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.unanswered = 0;
    if (isRunning) this.timer = setInterval(() => this.tick(), intervalMilliseconds).unref();
  }

  private tick(): void {
    if (this.unanswered >= unansweredMaximum) {
      this.lost(`it gave no sign of life for ${((unansweredMaximum + 1) * intervalMilliseconds) / 1000} s`);
      return;
    }
    this.unanswered += 1;
    this.ask(() => {
      this.unanswered = 0;
    });
  }
}
