import { look, newTransactionId } from "../board/board";
import { DevbindError, plain } from "../errors";
import { claimantOf } from "../plan/guards";
import { coOwnerWords } from "../plan/keep";
import { changesClaim, hasSteps, planDevice, stepsOf, transactionDevice, wishOf } from "../plan/plan";
import { otherDeviceRefusal } from "../plan/select";
import { blockedWords } from "../plan/vfio";
import type { Binding, Device, Outputs } from "../schema";
import { addressOf } from "../ssh/connection";
import type { LookItem, Observation, Transaction } from "../transaction";
import { applyOnce } from "./apply";
import { dependentsLost, lostWords } from "./dependents";
import { failure } from "./outcome";
import { type Attempt, deviceAt, lookItem, outputsFrom } from "./request";

/** One binding to be made true; `last` is what the resource knew before, undefined on create. */
export interface Wanted {
  binding: Binding;
  last: Outputs | undefined;
  isRebind: boolean;
  /** Whether the program still chooses the device by the same name or selector. */
  isSameChoice: boolean;
}

/** How often the world may move between the plan and the transaction. */
const attempts = 3;

/**
 * Create and update in one flow, for all bindings of one board: look, plan, refuse or apply, read back. Already right: nothing is
 * written. One login, one exec to look and one more only to change.
 * @returns the outputs, in the order of the bindings
 * @throws DevbindError `refused` or `busy` (nothing written), `undone` (all back), `stuck`, or what the connection says
 */
export async function reconcile(wanted: Wanted[]): Promise<Outputs[]> {
  const { observation, tries } = await converge(
    wanted.map(({ binding }) => binding),
    (observed) => wanted.map((one, index) => attemptFor(one, observed, index)),
  );
  for (const [index, { binding }] of tries.entries()) {
    const device = deviceAt(observation, index);
    for (const words of [blockedWords(binding.driver, device), coOwnerWords(binding, device)])
      if (words !== undefined) console.warn(`On ${addressOf(binding.connection)}: ${plain(words)}`);
  }
  return tries.map(({ binding, past }, index) => outputsFrom(binding, observation, deviceAt(observation, index), past));
}

function attemptFor({ binding, last, isRebind, isSameChoice }: Wanted, observation: Observation, index: number): Attempt {
  const device = deviceAt(observation, index);
  const isOurs = device.claim?.claimant === claimantOf(binding);
  const isSameBoard = last !== undefined && last.boardId === observation.board.boardId;
  const hasMoved = isSameBoard && device.isPresent && device.name !== last.deviceName;
  const past =
    isSameBoard && !(hasMoved && device.modalias !== last.modalias)
      ? { driver: last.previousDriver, override: last.previousOverride }
      : isOurs && device.claim
        ? { driver: device.claim.driver, override: device.claim.override }
        : { driver: device.driver, override: device.override };
  const owners = [claimantOf(binding), ...(last ? [last.claimant] : [])];
  const plan = planDevice(binding, wishOf(binding, device, isRebind), observation.board, device, owners);
  if (hasMoved && !isSameChoice) plan.refusals.push(otherDeviceRefusal(binding.device, device.name, last.deviceName));
  const mayTake = binding.force || (device.claim !== null && owners.includes(device.claim.claimant));
  const isClaimedSo = isOurs && !hasMoved && !changesClaim(plan) && (device.claim?.networkInterface ?? null) === interfaceOf(binding);
  return { binding, plan, claim: isClaimedSo ? "keep" : "take", mayTake, past, left: hasMoved ? last.deviceName : undefined };
}

/** The claim keeps it: the interface itself is gone while another driver has the card. */
const interfaceOf = ({ device }: Binding): string | null =>
  typeof device !== "string" && device.key === "networkInterface" ? device.value : null;

/**
 * The loop that create, update and delete share: plan from what was seen, run the transaction, and plan again when the board had
 * moved or an interrupted transaction had to be undone first.
 */
export async function converge(
  bindings: Binding[],
  planFor: (observation: Observation) => Attempt[],
  known: readonly (string | undefined)[] = [],
): Promise<{ observation: Observation; tries: Attempt[] }> {
  const first = bindings[0];
  if (!first) throw new Error("a request needs at least one binding");
  if (new Set(bindings.map((binding) => JSON.stringify([claimantOf(binding), binding.afterRebind]))).size > 1)
    throw new Error("the bindings of one request must have one claimant and one afterRebind: the board keeps one for each transaction");
  const timeoutSeconds = Math.max(...bindings.map((binding) => binding.timeoutSeconds));
  const items = bindings.map((binding, index) => lookItem(binding, known[index]));
  const lookAgain = () => look(first.connection, items, { timeoutSeconds });
  let observation = await lookAgain();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const tries = planFor(observation);
    refuse(tries, first, observation);
    if (tries.every((one, index) => isSettled(one, deviceAt(observation, index)))) return { observation, tries };
    const transaction = transactionOf(tries, observation, items, timeoutSeconds);
    const before = observation;
    const { outcome, observation: after } = await applyOnce(first.connection, transaction, lookAgain);
    observation = after ?? before;
    if (outcome.is === "moved") continue;
    const lost = await dependentsLost(before, after, lookAgain);
    if (outcome.is !== "done") throw failure(outcome, tries, transaction, { before, after }, addressOf(first.connection), lost);
    if (lost.length > 0) console.warn(plain(`On ${addressOf(first.connection)}: ${lostWords(lost)}`));
    const wasInterrupted = before.devices.some((device) => device.journal === "interrupted");
    if (!wasInterrupted) return { observation, tries };
  }
  throw new DevbindError("busy", {
    failed: `The devices on ${addressOf(first.connection)} changed ${attempts} times between the plan and its transaction.`,
    now: "Nothing was written by this update.",
    todo: "Something else on the board rebinds them (udev, driverctl, a script): stop it, then run `pulumi up` again.",
  });
}

const isSettled = ({ plan, claim, left }: Attempt, device: Device) =>
  !hasSteps(plan) && plan.keep === undefined && claim === "keep" && left === undefined && device.journal !== "interrupted";

function refuse(tries: Attempt[], { connection }: Binding, observation: Observation): void {
  const refused = tries.flatMap(({ binding, plan }, index) =>
    plan.refusals.map((refusal) => ({ binding, refusal, name: deviceAt(observation, index).name })),
  );
  const first = refused[0];
  if (!first) return;
  throw new DevbindError("refused", {
    failed: `Cannot bind ${first.name} on ${addressOf(connection)} to ${wishWords(first.binding)}. ${refused.map(({ refusal }) => refusal.reason).join(" ")}`,
    now: "Nothing was written.",
    todo: [...new Set(refused.map(({ refusal }) => refusal.todo))].join(" "),
  });
}

function transactionOf(tries: Attempt[], observation: Observation, items: LookItem[], timeoutSeconds: number): Transaction {
  const first = tries[0];
  return {
    id: newTransactionId(),
    claimant: first ? claimantOf(first.binding) : "",
    timeoutSeconds,
    force: tries.some(({ mayTake }) => mayTake),
    confirmSeconds: tries.reduce<number | null>((most, { binding }) => Math.max(most ?? 0, binding.confirmSeconds ?? 0) || null, null),
    afterRebind: first?.binding.afterRebind ?? [],
    devices: tries.map(({ binding, plan, claim, past }, index) =>
      transactionDevice(binding, plan, deviceAt(observation, index), { claim, past, known: items[index]?.known }),
    ),
    left: tries.flatMap(({ binding: { bus }, left, claim }, of) =>
      left === undefined ? [] : [{ bus, device: left, ...(claim === "take" && { of }) }],
    ),
    steps: stepsOf(tries.map(({ plan }) => plan)),
  };
}

const wishWords = (binding: Binding): string => (binding.driver === null ? "no driver" : `"${binding.driver}"`);
