import type { Duplex } from "node:stream";

/** What may come unasked: twenty times what a login with a long banner takes. Small, because some packets cost us a signature each. */
export const loginBytes = 128 * 1024;
export const linkBytes = 256 * 1024;

/**
 * Counts what the other side sends. What a command answers is earned, with as much again for its packets; all else (greetings,
 * banners, refusals, rekeys, requests of its own, data for nobody) may come to `freeBytes` until an answer is complete. `ssh2` bounds
 * none of it, reads on while it queues a reply to each, and has no say in how fast it comes.
 */
export class Ration {
  private left: number;

  /** `outer` is the ration of the connection that the stream goes through. */
  constructor(
    private readonly stream: Duplex,
    private readonly freeBytes: number,
    private readonly spent: (bytes: number) => void,
    private readonly outer?: Ration,
  ) {
    this.left = freeBytes;
    stream.on("data", this.take);
  }

  earn(bytes: number): void {
    this.left = Math.min(this.freeBytes, this.left + 2 * bytes);
  }

  /** An answer is complete, so the other side has read all that it caused us to send. */
  refill(): void {
    this.left = this.freeBytes;
  }

  stop(): void {
    this.stream.off("data", this.take);
  }

  private readonly take = (chunk: Buffer): void => {
    this.left -= chunk.length;
    this.outer?.earn(chunk.length);
    if (this.left >= 0) return;
    this.stop();
    this.spent(this.freeBytes);
  };
}
