import { listed } from "../errors";
import type { Binding, Board, Device } from "../schema";
import { ownersOf, type Refusal } from "./guards";
import { coOwnerWords } from "./keep";
import { type DevicePlan, planDevice, wishOf } from "./plan";
import { isSamePlace, siblingsOf, twiceRefusal } from "./together";
import { blockedWords } from "./vfio";

/** What an update of one binding would do and say, as a preview and `devbind plan` tell it before. */
export interface Verdict {
  /** The binding's own device first, then those that it takes along. */
  planned: { device: Device; plan: DevicePlan }[];
  /** Why it would be refused: certain, or something that a dependency may still bring. */
  refusals: Refusal[];
  /** What somebody should know before. */
  warnings: string[];
}

/**
 * Judges one binding by a look. `former`: claimants that it had before; `together`: the other bindings of its transaction, by their
 * names, each with its device.
 */
export function verdictOf(
  binding: Binding,
  board: Board,
  device: Device,
  { former = [], together = {} }: { former?: readonly string[]; together?: Record<string, Device> } = {},
): Verdict {
  const owners = ownersOf(binding, former);
  const others = Object.values(together);
  const planned = [{ binding, device }, ...siblingsOf(binding, device)]
    .filter((one, place) => place === 0 || !others.some((other) => isSamePlace(other, one.device)))
    .map((one) => ({ ...one, plan: planDevice(one.binding, wishOf(one.binding, one.device, false), board, one.device, owners) }));
  const twin = Object.entries(together).find(([, other]) => isSamePlace(other, device))?.[0];
  const refusals = [
    ...(twin === undefined ? [] : [twiceRefusal(device, twin)]),
    ...planned.flatMap(({ device: of, plan }, place) => (place === 0 ? plan.refusals : plan.refusals.map((one) => ofSibling(of, one)))),
  ];
  const isRefused = refusals.some(({ isCertain }) => isCertain);
  return { planned, refusals, warnings: isRefused ? [] : warningsOf(binding, device, planned, others) };
}

const ofSibling = ({ name }: Device, refusal: Refusal): Refusal => ({ ...refusal, reason: `${name} is taken along: ${refusal.reason}` });

function warningsOf(binding: Binding, device: Device, planned: Verdict["planned"], others: readonly Device[]): string[] {
  const takes = planned.flatMap(({ device: { name, dependents }, plan }) => {
    if (plan.unbinds.length === 0 || dependents.length === 0) return [];
    const names = dependents.map((one) => `${one.name} (${one.driver})`);
    return [`Unbinding ${name} also takes from their drivers what depends on it: ${listed(names)}.`];
  });
  const taken = [...planned.map((one) => one.device), ...others].map(({ name }) => name);
  return [...takes, blockedWords(binding.driver, device, taken), coOwnerWords(binding, device)].filter((words) => words !== undefined);
}
