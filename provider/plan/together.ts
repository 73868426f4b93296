import { plain } from "../errors";
import type { Binding, Device } from "../schema";
import type { Refusal } from "./guards";

/** What is planned for several devices of one board at once: who is taken along, who comes first, who is meant twice. */

/** A device with the binding that is wished for it. */
export interface Bound {
  binding: Binding;
  device: Device;
}

/**
 * The devices that a binding takes along (`wholeIommuGroup`, `wholeSlot`), each with the binding that is wished for it: the same
 * driver, by name, and of its modules the same parameters: whichever comes first loads them. What is expected of the first device is
 * not expected of them, and no id is given for them.
 */
export function siblingsOf(binding: Binding, { siblings = [] }: Device): Bound[] {
  return siblings.map((device) => ({ binding: siblingBinding(binding, device.bus, device.name), device }));
}

export function siblingBinding(binding: Binding, bus: string, device: string): Binding {
  const strategy = binding.strategy === "new-id" ? "auto" : binding.strategy;
  const alone = { wholeIommuGroup: false, wholeSlot: false, expect: undefined, newIdMayClaim: undefined };
  return { ...binding, ...alone, bus, device, strategy };
}

const placeOf = ({ bus, name }: Pick<Device, "bus" | "name">): string => `${bus}/${name}`;

/** Whether two of them are one device of the board. */
export const isSamePlace = (one: Device, other: Device): boolean => one.isPresent && other.isPresent && placeOf(one) === placeOf(other);

/** Sorts parents before their children, and a card's physical function before its virtual ones, whose addresses follow its own. */
export const byPath = ({ device: one }: { device: Device }, { device: other }: { device: Device }): number => {
  const [first, second] = [one, other].map(({ sysfsPath, name }) => sysfsPath ?? name);
  return first === second ? 0 : (first ?? "") < (second ?? "") ? -1 : 1;
};

/** Two names for one device: whichever came last would win, so neither does. */
export function twiceRefusal(device: Device, other: string): Refusal {
  return {
    property: "device",
    isCertain: true,
    reason: plain(`${device.name} is bound by "${other}" too.`),
    todo: "Take one of them out.",
  };
}
