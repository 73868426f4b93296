import { open, readFile, stat } from "node:fs/promises";
import { sleep } from "./run";

/** Printed by init.sh when everything is up. */
const readyWord = "devbind-board: ready";
/** Many times what the slowest board needs, for a machine that runs many boards at once. */
const bootSeconds = 240;
const tailLines = 40;

/** The file that holds what a board printed on its serial console, over all its boots. */
export class Console {
  constructor(readonly path: string) {}

  /** Makes sure that the file is there. */
  async begin(): Promise<void> {
    await (await open(this.path, "a")).close();
  }

  text(): Promise<string> {
    return readFile(this.path, "utf8");
  }

  /** The last lines, introduced, to end an error message. */
  async tail(): Promise<string> {
    const lines = (await this.text()).trimEnd().split("\n");
    return `The last lines of its console:\n${lines.slice(-tailLines).join("\n")}`;
  }

  /** Where the text ends now, in bytes, to wait for what comes after. */
  async end(): Promise<number> {
    return (await stat(this.path)).size;
  }

  /** Waits for the ready word after this place. Refuses, with the last lines, once `isRunning` denies or the time is over. */
  async untilReady(after: number, isRunning: () => boolean): Promise<void> {
    const deadline = Date.now() + bootSeconds * 1000;
    for (;;) {
      const running = isRunning();
      const text = (await readFile(this.path)).subarray(after).toString("utf8");
      if (text.includes(readyWord)) return;
      const why = running ? `is not ready after ${bootSeconds} s` : "ended before it was ready";
      if (!running || Date.now() > deadline) {
        throw new Error(`the board ${why}. ${await this.tail()}`);
      }
      await sleep(0.05);
    }
  }
}
