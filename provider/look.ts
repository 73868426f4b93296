import * as pulumi from "@pulumi/pulumi";
import { boardsAtOnce, look as lookAtBoard, lookDials } from "./board/board";
import { DevbindError, plain } from "./errors";
import { lookItem } from "./lifecycle/request";
import { addressOf } from "./ssh/connection";
import type { Binding, Connection, Observed } from "./schema";
import type { LookItem, Observation } from "./transaction";

/** Looks at devices of one board. */
export type Look = (connection: Connection, items: LookItem[]) => Promise<Observation>;

/** An update waits for a board as long as its connection says; a program's look does not. */
const overSsh: Look = (connection, items) => lookAtBoard(connection, items, { dials: lookDials });
let injected: Look | undefined;

/** For tests of programs: all looks go to this function, also where there is no engine; undefined goes back to SSH. */
export function injectLook(look: Look | undefined): void {
  injected = look;
}

/** Whether a program looks at its boards: not under `pulumi.runtime.setMocks`, unless a look is injected. */
export const looks = (): boolean => injected !== undefined || pulumi.runtime.hasEngine();

/** One device that waits for its board's look. */
interface Asked {
  binding: Binding;
  answer(observed: Observed): void;
}

/** Looks made together travel together: those asked for within this time share one exec. */
const gatherMilliseconds = 25;
const gathered = new Map<string, Asked[]>();
let running = 0;
const waiting: (() => void)[] = [];

/**
 * The program's look at a binding's device: one login a board for all that are asked for together, all boards at once, in a queue.
 * Never rejects: a board that gives no answer is an answer too.
 */
export function observe(binding: Binding): Promise<Observed> {
  const key = JSON.stringify(binding.connection);
  const asked = gathered.get(key) ?? [];
  if (asked.length === 0) setTimeout(() => void flush(key), gatherMilliseconds);
  return new Promise((answer) => gathered.set(key, [...asked, { binding, answer }]));
}

async function flush(key: string): Promise<void> {
  const asked = gathered.get(key) ?? [];
  gathered.delete(key);
  const [first] = asked;
  if (!first) return;
  if (running >= boardsAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  const lookedAt = new Date().toISOString();
  try {
    const { board, devices } = await (injected ?? overSsh)(
      first.binding.connection,
      asked.map(({ binding }) => lookItem(binding)),
    );
    for (const [index, { answer }] of asked.entries()) answer({ lookedAt, board, device: devices[index] });
  } catch (error) {
    const isCertain = error instanceof DevbindError && ["invalid", "untrusted", "denied"].includes(error.kind);
    const unreachable = error instanceof Error ? error.message : String(error);
    if (!isCertain && asked.some(({ binding }) => binding.whenUnreachable === "skip")) leftOut.add(addressOf(first.binding.connection));
    for (const { answer } of asked) answer({ lookedAt, unreachable, isCertain });
  } finally {
    running -= 1;
    waiting.shift()?.();
    if (running === 0 && gathered.size === 0) summarize();
  }
}

/** The boards that were left out (`whenUnreachable: "skip"`), said once when all looks are over. */
const leftOut = new Set<string>();

function summarize(): void {
  if (leftOut.size === 0) return;
  const which = leftOut.size === 1 ? "1 board gave no answer and was left out" : `${leftOut.size} boards gave no answer and were left out`;
  void pulumi.log.warn(plain(`${which}: ${[...leftOut].sort().join(", ")}. The next \`pulumi up\` that finds them binds what is theirs.`));
  leftOut.clear();
}
