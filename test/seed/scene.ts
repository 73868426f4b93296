import { isDeepStrictEqual } from "node:util";
import type { Board } from "../boards/board";
import type { Inputs } from "../kernel/binding";

/** A binding in the hands of whoever plays a story: a program under the real engine, or the runtime's door alone. */
export interface Told {
  /** Creates it, or updates it with these changes; returns its outputs. Refuses with what was said. */
  up(changes?: Partial<Inputs>): Promise<Record<string, unknown>>;
  destroy(): Promise<void>;
}

/** What a story is played with. */
export interface Scene {
  board: Board;
  /** A binding that is not made yet. */
  binding: (inputs: Inputs) => Told;
}

/**
 * A way to hand a device over, run on a real kernel. Returns in few words what was seen on the board; refuses where that is not what the
 * way promises. Leaves the board as found.
 */
export type Story = (scene: Scene) => Promise<string>;

/** Holds a story to its promise: refuses, in one line, what differs from it. */
export function mustBe(what: string, seen: unknown, promised: unknown): void {
  if (!isDeepStrictEqual(seen, promised)) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(promised)}`);
}

/** As mustBe, of some outputs of a binding; Pulumi leaves an output out that is null. */
export function outputsMustBe(outputs: Record<string, unknown>, promised: Record<string, unknown>): void {
  const seen = Object.keys(promised).map((name) => [name, outputs[name] ?? null]);
  mustBe("the outputs", Object.fromEntries(seen), promised);
}
