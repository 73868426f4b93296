import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { closeIdleConnections } from "../../provider/ssh/pool";
import { type Board, type BoardKind, type BootOptions, bootBoard, whyNoBoards } from "../boards/board";
import { cannotRun } from "../boards/can-run";
import { Binding, type Inputs } from "./binding";
import { boardAsFound } from "./eyes";
import { seesWrites, watchWrites, writesOn } from "./witness";

const bootMilliseconds = 1_200_000; // the first time, everything is downloaded and built

/** One board that all promises of a file share, and what they need of it. */
export class Bench {
  /** The test that just ran has cut the board: the next one gets it after a reset. */
  isSpoilt = false;
  private booted: Board | undefined;

  get board(): Board {
    if (this.booted === undefined) throw new Error("the board is booted before the tests, not while they are listed");
    return this.booted;
  }

  async boot(kind: BoardKind, options: BootOptions): Promise<void> {
    this.booted = await bootBoard(kind, { onProgress: (line) => console.log(line), ...options });
    await watchWrites(this.board);
  }

  /** The reset button. What comes after it is as from another process, with a login of its own. */
  async reset(): Promise<void> {
    await this.board.reset();
    await closeIdleConnections();
    await watchWrites(this.board);
    this.isSpoilt = false;
  }

  async close(): Promise<void> {
    await this.booted?.close();
  }

  /** A resource of the stack "org/lab/dev", not created yet. */
  binding(inputs: Inputs): Binding {
    return new Binding(this.board, inputs);
  }

  /** What the kernel was told since this was asked last; not of user-mode Linux, whose events can be counted. */
  writes(): Promise<string[]> {
    return writesOn(this.board);
  }
}

/** Promises about one booted board. Each must leave it as found; one that cannot says `isSpoilt`, and the board is reset. */
export function onBoard(kind: BoardKind, title: string, promises: (bench: Bench) => void, options: BootOptions = {}): void {
  describe(`${kind}: ${title}`, async () => {
    const why = await whyNoBoards(kind);
    if (why !== undefined) return cannotRun(why);
    const bench = new Bench();
    let found = "";
    beforeAll(async () => {
      await bench.boot(kind, options);
      found = await boardAsFound(bench.board);
    }, bootMilliseconds);
    afterAll(() => bench.close());
    beforeEach(async () => {
      if (seesWrites(bench.board)) await bench.writes();
    });
    afterEach(async () => {
      if (bench.isSpoilt) return bench.reset();
      const left = await boardAsFound(bench.board);
      if (left === found) return;
      await bench.reset();
      expect(left, "the board as this test left it").toBe(found);
    });
    promises(bench);
  });
}
