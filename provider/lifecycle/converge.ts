import { look, newTransactionId } from "../board/board";
import { DevbindError, plain } from "../errors";
import { claimantOf } from "../plan/guards";
import { hasSteps, stepsOf, transactionDevice } from "../plan/plan";
import { byPath, isSamePlace, twiceRefusal } from "../plan/together";
import type { Binding, Board, Device } from "../schema";
import { addressOf } from "../ssh/connection";
import type { Observation, Transaction } from "../transaction";
import { applyOnce } from "./apply";
import { dependentsLost, lostWords } from "./dependents";
import { failure } from "./outcome";
import { type Attempt, deviceAt, lookItem, seenAlong } from "./request";

/** One binding that is to be made true or given up, and how that is planned from what a look brings. */
export interface Part {
  binding: Binding;
  /** The device that was bound so far, where it may decide between several. */
  known?: string;
  /** What the program calls it, where one resource has many. */
  entry?: string;
  /** Nothing but giving up: where another part wants the same device, that one has it. */
  isLeaving: boolean;
  /** The binding's own device first, then those that it takes along. */
  plan(board: Board, device: Device): [Attempt, ...Attempt[]];
}

/** An attempt, with the part of which it is and whether it is for a device that is taken along. */
export interface Try extends Attempt {
  part: Part;
  isSibling: boolean;
  known?: string;
}

/** How often the world may move between the plan and the transaction. */
const attempts = 3;

/**
 * The loop that create, update and delete share, for all bindings of one resource: look, plan, refuse or apply, read back; planned
 * again when the board had moved or an interrupted transaction had to be undone first. Nothing is written where all is right.
 * @returns every attempt with its device as it is now
 * @throws DevbindError `refused` or `busy` (nothing written), `undone` (all back), `stuck`, or what the connection says
 */
export async function converge(parts: Part[]): Promise<{ board: Board; tries: Try[] }> {
  const { connection } = firstOf(parts);
  const address = addressOf(connection);
  const timeoutSeconds = Math.max(...parts.map(({ binding }) => binding.timeoutSeconds));
  const lookAgain = () =>
    look(
      connection,
      parts.map(({ binding, known }) => lookItem(binding, known)),
      { timeoutSeconds },
    );
  let observation = await lookAgain();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const { board } = observation;
    const tries = triesFor(parts, observation);
    refuse(tries, address);
    if (tries.every(isSettled)) return { board, tries };
    const transaction = transactionOf(tries, timeoutSeconds);
    const before = { board, devices: tries.map(({ device }) => device) };
    const lookAfterwards = () => look(connection, tries.map(lookItemOf), { timeoutSeconds });
    const { outcome, observation: after } = await applyOnce(connection, transaction, lookAfterwards);
    if (outcome.is !== "moved") {
      const lost = await dependentsLost(before, after, lookAfterwards);
      if (outcome.is !== "done") throw failure(outcome, { parts, tries, transaction, board, after, address, lost });
      if (lost.length > 0) console.warn(plain(`On ${address}: ${lostWords(lost)}`));
      const wasInterrupted = tries.some(({ device }) => device.journal === "interrupted");
      if (!wasInterrupted) return { board: after?.board ?? board, tries: seenAgain(tries, after) };
    }
    observation = tries.length === 1 && !takesAlong(tries) ? (after ?? observation) : await lookAgain();
  }
  throw new DevbindError("busy", {
    failed: `The devices on ${address} changed ${attempts} times between the plan and its transaction.`,
    now: "Nothing was written by this update.",
    todo: "Something else on the board rebinds them (udev, driverctl, a script): stop it, then run `pulumi up` again.",
  });
}

/** What all parts of a request share: the board keeps one claimant and one command for each transaction. */
function firstOf(parts: Part[]): Binding {
  const first = parts[0]?.binding;
  if (!first) throw new Error("a request needs at least one binding");
  if (new Set(parts.map(({ binding }) => JSON.stringify([claimantOf(binding), binding.afterRebind]))).size > 1)
    throw new Error("the bindings of one request must have one claimant and one afterRebind: the board keeps one for each transaction");
  return first;
}

/** An attempt for each device, once: the binding that names it goes before one that takes it along, and that before giving it up. */
export function triesFor(parts: Part[], observation: Observation): Try[] {
  const planned = parts.flatMap((part, index) =>
    part.plan(observation.board, deviceAt(observation, index)).map((attempt, place): Try => {
      return { ...attempt, part, isSibling: place > 0, known: place > 0 ? undefined : part.known };
    }),
  );
  const rank = ({ part, isSibling }: Try) => (part.isLeaving ? 2 : isSibling ? 1 : 0);
  const kept: Try[] = [];
  for (const one of [...planned].sort((first, second) => rank(first) - rank(second))) {
    const other = kept.find(({ device }) => isSamePlace(device, one.device));
    if (other === undefined) kept.push(one);
    else if (rank(one) === 0) one.plan.refusals.push(twiceRefusal(one.device, other.part.entry ?? "another binding")) && kept.push(one);
  }
  return kept.sort(byPath);
}

/** What came after a transaction tells of no siblings. */
const takesAlong = (tries: Try[]): boolean => tries.some(({ binding }) => lookItem(binding).takesAlong !== undefined);

const lookItemOf = ({ binding, known }: Try) => ({ ...lookItem(binding, known), takesAlong: undefined });

const seenAgain = (tries: Try[], after: Observation | undefined): Try[] =>
  tries.map((one, index) => ({ ...one, device: after?.devices[index] ?? one.device }));

const isSettled = ({ plan, claim, left, device }: Try) =>
  !hasSteps(plan) && plan.keep === undefined && claim === "keep" && left === undefined && device.journal !== "interrupted";

function refuse(tries: Try[], address: string): void {
  const refused = tries.filter(({ plan }) => plan.refusals.length > 0);
  if (refused.length === 0) return;
  const sentences = refused.map(({ binding, device, plan }) => {
    const reasons = plan.refusals.map(({ reason }) => reason).join(" ");
    return `Cannot bind ${device.name} on ${address} to ${wishWords(binding)}. ${reasons}`;
  });
  throw new DevbindError("refused", {
    failed: sentences.join(" "),
    now: "Nothing was written.",
    todo: [...new Set(refused.flatMap(({ plan }) => plan.refusals.map(({ todo }) => todo)))].join(" "),
  });
}

function transactionOf(tries: Try[], timeoutSeconds: number): Transaction {
  const first = tries[0];
  return {
    id: newTransactionId(),
    claimant: first ? claimantOf(first.binding) : "",
    timeoutSeconds,
    force: tries.some(({ mayTake }) => mayTake),
    confirmSeconds: tries.reduce<number | null>((most, { binding }) => Math.max(most ?? 0, binding.confirmSeconds ?? 0) || null, null),
    afterRebind: first?.binding.afterRebind ?? [],
    devices: tries.map(({ binding, device, plan, claim, past, known }) => ({
      ...transactionDevice(binding, plan, device, { claim, past, known }),
      along: seenAlong(binding, device),
    })),
    left: tries.flatMap(({ binding: { bus }, left, claim }, of) =>
      left === undefined ? [] : [{ bus, device: left, ...(claim === "take" && { of }) }],
    ),
    steps: stepsOf(tries.map(({ plan }) => plan)),
  };
}

const wishWords = (binding: Binding): string => (binding.driver === null ? "no driver" : `"${binding.driver}"`);
