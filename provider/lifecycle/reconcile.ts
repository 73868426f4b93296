import { plain } from "../errors";
import { claimantOf, ownersOf } from "../plan/guards";
import { coOwnerWords } from "../plan/keep";
import { changesClaim, planDevice, wishOf } from "../plan/plan";
import { otherDeviceRefusal } from "../plan/select";
import { siblingsOf } from "../plan/together";
import { blockedWords } from "../plan/vfio";
import type { Binding, Board, Device, Outputs } from "../schema";
import { addressOf } from "../ssh/connection";
import type { Observation } from "../transaction";
import { converge, type Part, type Try, triesFor } from "./converge";
import { asLeaving, forget, type Leaving, leavingPart, sayLetGo } from "./delete";
import type { Attempt } from "./request";
import { outputsOfPart } from "./result";

/** One binding to be made true; `last` is what the resource knew before, undefined on create. */
export interface Wanted {
  binding: Binding;
  last: Outputs | undefined;
  isRebind: boolean;
  /** Whether the program still chooses the device by the same name or selector. */
  isSameChoice: boolean;
  /** What the program calls it, where one resource has many. */
  entry?: string;
}

/**
 * Create and update in one flow, for all bindings of one resource, and for those that it gives up: look, plan, refuse or apply, read
 * back. Already right: nothing is written. One login, one exec to look and one more only to change.
 * @returns the outputs of the wanted ones, in their order
 * @throws DevbindError `refused` or `busy` (nothing written), `undone` (all back), `stuck`, or what the connection says
 */
export async function reconcile(wanted: Wanted[], leaving: Leaving[] = []): Promise<Outputs[]> {
  const parts = wanted.map(wantedPart);
  const left = [...wanted.flatMap(leftSiblings), ...leaving].map(leavingPart);
  const { board, tries } = await converge([...parts, ...left]);
  warnOf(tries);
  await forget(leaving, board, tries);
  return parts.map((part) => outputsOfPart(part, board, tries));
}

/** What creating these bindings would try on a board as it was seen: the very plan that `reconcile` makes then. */
export function triesOf(bindings: Record<string, Binding>, observation: Observation): Try[] {
  const wanted = Object.entries(bindings).map(([entry, binding]) => ({
    entry,
    binding,
    last: undefined,
    isRebind: false,
    isSameChoice: true,
  }));
  return triesFor(wanted.map(wantedPart), observation);
}

/** Those that were taken along so far: given back, unless they are taken along again. */
function leftSiblings({ binding, last }: Wanted): Leaving[] {
  return (last?.siblings ?? []).map((sibling) => asLeaving(binding, last, sibling));
}

function wantedPart(wanted: Wanted): Part {
  const { binding, last, entry } = wanted;
  return {
    binding,
    entry,
    isLeaving: false,
    plan: (board, device) => [
      attemptFor(wanted, board, device),
      ...siblingsOf(binding, device).map((sibling) => attemptFor(asWanted(wanted, last, sibling.binding), board, sibling.device)),
    ],
  };
}

function asWanted({ isRebind }: Wanted, last: Outputs | undefined, binding: Binding): Wanted {
  const known = last?.siblings.find(({ bus, deviceName }) => bus === binding.bus && deviceName === binding.device);
  return { binding, last: known && asLeaving(binding, last, known).last, isRebind, isSameChoice: true };
}

function attemptFor({ binding, last, isRebind, isSameChoice }: Wanted, board: Board, device: Device): Attempt {
  const owners = ownersOf(binding, last ? [last.claimant] : []);
  const isOurs = device.claim !== null && owners.includes(device.claim.claimant);
  const isSameBoard = last !== undefined && last.boardId === board.boardId;
  const hasMoved = isSameBoard && device.isPresent && device.name !== last.deviceName;
  const past =
    isSameBoard && !(hasMoved && device.modalias !== last.modalias)
      ? { driver: last.previousDriver, override: last.previousOverride }
      : isOurs && device.claim
        ? { driver: device.claim.driver, override: device.claim.override }
        : { driver: device.driver, override: device.override };
  const plan = planDevice(binding, wishOf(binding, device, isRebind), board, device, owners);
  if (hasMoved && !isSameChoice) plan.refusals.push(otherDeviceRefusal(binding.device, device.name, last.deviceName));
  const isClaimedSo =
    device.claim?.claimant === claimantOf(binding) &&
    !hasMoved &&
    !changesClaim(plan) &&
    (device.claim?.networkInterface ?? null) === interfaceOf(binding);
  const left = hasMoved ? last.deviceName : undefined;
  return { binding, device, plan, claim: isClaimedSo ? "keep" : "take", mayTake: binding.force || isOurs, past, left };
}

/** The claim keeps it: the interface itself is gone while another driver has the card. */
const interfaceOf = ({ device }: Binding): string | null =>
  typeof device !== "string" && device.key === "networkInterface" ? device.value : null;

function warnOf(tries: Try[]): void {
  const warned = new Set<string>();
  for (const { binding, device, part } of tries) {
    if (part.isLeaving) continue;
    for (const words of [blockedWords(binding.driver, device), coOwnerWords(binding, device)])
      if (words !== undefined) warned.add(`On ${addressOf(binding.connection)}: ${plain(words)}`);
  }
  for (const words of warned) console.warn(words);
  sayLetGo(tries);
}
