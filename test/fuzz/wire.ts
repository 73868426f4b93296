import fc from "fast-check";
import { applyItems, newTransactionId } from "../../provider/board/board";
import { decode, encode, requestLine } from "../../provider/board/protocol";
import { claimantOf } from "../../provider/plan/guards";
import { planDevice, stepsOf, transactionDevice, wishOf } from "../../provider/plan/plan";
import { type Binding, type Board, type Device, validate } from "../../provider/schema";
import type { Transaction } from "../../provider/transaction";
import { asUtf8, expectSame } from "./expectations";
import { property } from "./frame";
import { hostileText } from "./hostile";
import { inputs, name } from "./inputs";
import { board, device } from "./observed";
import { openShells, type StubShell } from "./stub-shell";

/** A text as it is after the wire: nothing and null are the same there. */
const overTheWire = (text: string | null): string | null => (text === null || text === "" ? null : asUtf8(text));

function comesBack(text: string): string {
  const word = encode(text);
  if (!/^[A-Za-z0-9._:@+/%-]+$/.test(word)) throw new Error(`"${word}" is not made of safe bytes`);
  expectSame(decode(word), overTheWire(text), "what came back");
  return decode(decode(word) ?? "-") === text ? "same when read twice" : "as it was";
}

export const ofWords = property({
  name: "encode and decode: any text comes back, through safe bytes only",
  share: 10_000,
  ends: ["as it was", "same when read twice"],
  cases: fc.oneof(hostileText, fc.string({ unit: "binary", maxLength: 200 })),
  open: () => ({ meets: comesBack }),
});

/** What a program wishes and what a board says, of which a transaction is made. */
interface Made {
  binding: Binding;
  /** Where the device was before. */
  known: string;
  board: Board;
  device: Device;
  nonce: string;
}

const bindings = inputs.map((given) => validate(given).binding).filter((binding) => binding !== undefined);
const nonce = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 24, maxLength: 24 });
const transactions: fc.Arbitrary<Made> = fc.record({ binding: bindings, known: name, board, device, nonce });

/** With texts of 200 letters at most: a shell reads its stdin byte by byte. */
function shortened<T>(value: T): T;
function shortened(value: unknown): unknown {
  if (typeof value === "string") return value.slice(0, 200);
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shortened(inner)]));
}

/** As the provider makes it of a plan for one device. */
function transactionOf({ binding, known, board: of, device: seen }: Made): Transaction {
  const plan = planDevice(binding, wishOf(binding, seen, true), of, seen);
  const past = { driver: seen.claim?.driver ?? seen.driver, override: seen.claim?.override ?? seen.override };
  return {
    id: newTransactionId(),
    claimant: claimantOf(binding),
    timeoutSeconds: binding.timeoutSeconds,
    force: binding.force,
    confirmSeconds: binding.confirmSeconds ?? null,
    afterRebind: binding.afterRebind ?? [],
    devices: [transactionDevice(binding, plan, seen, { claim: "take", past, known })],
    left: known === seen.name ? [] : [{ bus: binding.bus, device: known, of: 0 }],
    steps: stepsOf([plan]),
  };
}

/** Every text of a transaction, beside the word of the request that must stand for it. */
function pairsOf(transaction: Transaction, items: string[][]): [word: string | undefined, text: string | null][] {
  const item = (kind: string) => items.filter(([first]) => first === kind);
  const [one] = transaction.devices;
  const [, bus, name, driver, module, seenDriver] = item("device")[0] ?? [];
  const [pastDriver, pastOverride] = item("device")[0]?.slice(-2) ?? [];
  const [, key, value, known] = item("selector")[0] ?? [];
  const [, , id, ...others] = item("id")[0] ?? [];
  return [
    [item("transaction")[0]?.[2], transaction.claimant],
    ...transaction.afterRebind.map((word, index): [string | undefined, string] => [item("after")[0]?.[index + 1], word]),
    [bus, one?.bus ?? null],
    [name, one?.device ?? null],
    [driver, one?.driver ?? null],
    [module, one?.module ?? null],
    [seenDriver, one?.seen.isGone ? "-gone" : (one?.seen.driver ?? null)],
    ...(one?.selector ? pairsWith([key, value, known], [one.selector.key, one.selector.value, one.known ?? null]) : []),
    ...(one?.newId ? pairsWith([id, ...others], [one.newId.id, ...one.newId.others]) : []),
    ...pairsWith(item("left")[0]?.slice(1, 3) ?? [], transaction.left?.flatMap(({ bus, device }) => [bus, device]) ?? []),
    ...(one?.parameters ?? []).flatMap((asked, index) =>
      pairsWith(item("parameter")[index]?.slice(2) ?? [], [asked.module, asked.name, asked.value]),
    ),
    [pastDriver, one?.past.driver ?? null],
    [pastOverride, one?.past.override ?? null],
    ...transaction.steps.map((step, index): [string | undefined, string | null] => [item("step")[index]?.[3], step.value]),
  ];
}

/** Each text beside its word. */
const pairsWith = (words: (string | undefined)[], texts: (string | null)[]): [word: string | undefined, text: string | null][] =>
  texts.map((text, index) => [words[index], text]);

async function arrivesIn(shell: StubShell, line: string, nonce: string, items: string[][], transaction: Transaction): Promise<void> {
  const [version, saidNonce, operation, count, ...words] = await shell.hears(line);
  const frame = [version, saidNonce, operation, count, words.pop()];
  expectSame(frame, ["1", nonce, "apply", String(items.length), `end-${nonce}`], `the request's frame in ${shell.name}`);
  expectSame(
    words,
    items.map((item) => item.join(",")),
    `what ${shell.name} hands over`,
  );
  const heard = words.map((word) => word.split(","));
  for (const [word, text] of pairsOf(transaction, heard))
    expectSame(decode(word ?? ""), overTheWire(text), `a word of the request in ${shell.name}`);
}

async function arrives(shells: readonly StubShell[], made: Made): Promise<string> {
  const transaction = transactionOf(shortened(made));
  const items = applyItems(transaction);
  const line = requestLine(made.nonce, "apply", items);
  if (!/^[A-Za-z0-9._:@+/%, -]+\n$/.test(line)) throw new Error("the line is not made of safe bytes");
  await Promise.all(shells.map((shell) => arrivesIn(shell, line, made.nonce, items, transaction)));
  return transaction.steps.length > 0 ? "with steps" : "without steps";
}

/** Bindings that the schema accepts, against devices of which a board may say anything. */
export const ofRequests = property({
  name: "the request: what arrives at a real shell is what was sent, word for word, and nothing of it runs",
  share: 5_000,
  ends: ["with steps", "without steps"],
  cases: transactions,
  open: async () => {
    // The builtin echo: mksh has no printf of its own, and safe bytes have no backslash.
    const shells = openShells('devbind() { for word; do echo "$word"; done; }', "\n");
    return { meets: (made) => arrives(shells, made), close: () => shells.map((shell) => shell.close()) };
  },
});
