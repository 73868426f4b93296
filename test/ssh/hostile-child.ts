import { readFileSync } from "node:fs";
import { apply, askOutcome, look } from "../../provider/board/board";
import { boardScript } from "../../provider/board/script";
import { DevbindError } from "../../provider/errors";
import { type Connection, connectionSchema } from "../../provider/schema";
import { connect } from "../../provider/ssh/connection";
import type { Transaction } from "../../provider/transaction";

/**
 * Run in a process of its own: works with two boards at once, and tells at its end what became of each and how much memory it took
 * at most. Its arguments are the work, and the connections to the first board and to the second, which is looked at.
 */
const item = { bus: "platform", device: "devbind-none", driver: "devbind-driver", module: null };
const transaction: Transaction = {
  id: "0123456789abcdef01234567",
  claimant: "organization/lab/dev/card",
  timeoutSeconds: 10,
  force: false,
  confirmSeconds: null,
  afterRebind: [],
  devices: [
    { ...item, seen: { driver: null, override: null, hasOverride: true }, wish: {}, claim: "take", past: { driver: null, override: null } },
  ],
  steps: [],
};

const works: Record<string, (connection: Connection) => Promise<unknown>> = {
  look: (connection) => look(connection, [item], { dials: 1 }),
  apply: (connection) => apply(connection, transaction),
  outcome: (connection) => askOutcome(connection, transaction),
  run: (connection) => run(connection, 100),
  "run for two seconds": (connection) => run(connection, 2),
};

async function run(connection: Connection, timeoutSeconds: number): Promise<unknown> {
  const board = await connect(connection);
  const isComplete = (stdout: string) => stdout.endsWith("END\n");
  return board.run({ input: boardScript(), isComplete, maximumBytes: 1_000_000, timeoutSeconds }).finally(() => board.end());
}

async function ending(work: Promise<unknown> | undefined): Promise<unknown> {
  try {
    return { answer: await work };
  } catch (error) {
    if (error instanceof DevbindError) return { kind: error.kind, message: error.message };
    throw error;
  }
}

const [, , work = "", ...connections] = process.argv;
const [first, second] = connections.map((text) => connectionSchema.parse(JSON.parse(text)));
if (first === undefined || second === undefined) throw new Error("two connections are wanted");
const endings: Record<string, unknown> = {};
process.on("exit", () => {
  const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  process.stdout.write(JSON.stringify({ ...endings, peakKiB }));
});
void ending(works[work]?.(first)).then((end) => (endings.first = end));
void ending(look(second, [item])).then((end) => (endings.second = end));
