import { listed } from "../errors";
import type { Binding, Device } from "../schema";
import type { Step } from "../transaction";
import type { Refusal } from "./guards";
import type { Wish } from "./plan";

/** Strategy "new-id": the driver is told a new id, and every device of the board that has it may be the driver's from then on. */

/**
 * The ids to add and to take back again. One that was added earlier is taken back when the wish is for another driver or another
 * way; only what is given up as it is keeps it.
 */
export function idSteps(binding: Binding, wish: Wish, isMoved: boolean, device: Device): Omit<Step, "device">[] {
  if (wish.driver === undefined && binding.onDelete !== "probe") return [];
  const isWished = binding.strategy === "new-id" && typeof wish.driver === "string";
  const stale = (device.claim?.idDrivers ?? []).filter((driver) => !isWished || driver !== wish.driver);
  const removals = stale.map((driver) => ({ word: "remove-id" as const, value: driver }));
  return isWished && isMoved ? [...removals, { word: "new-id", value: wish.driver ?? null }] : removals;
}

/** Why an id can't be added, or must not: what it would claim beside the device has to be named by the user. */
export function idRefusals(binding: Binding, driver: string, { bus, wanted, newId }: Device): Refusal[] {
  const refusals: Refusal[] = [];
  const refuse = (property: string, reason: string, todo: string) => refusals.push({ property, isCertain: true, reason, todo });
  if (wanted?.isRegistered && wanted.takesIds === "no")
    refuse("strategy", `The driver "${driver}" has no new_id file: it takes no ids.`, 'Use strategy "auto".');
  if (wanted?.isRegistered && wanted.takesIds === "add")
    refuse("strategy", `The driver "${driver}" has no remove_id file: an id that it is given can't be taken back.`, 'Use strategy "auto".');
  if (newId === undefined) return refusals;
  if (newId.id === null)
    refuse("strategy", `Which id a new_id file takes for a device of the bus ${bus} is not known here.`, 'Use strategy "auto".');
  const others = newId.others.filter(({ name }) => !binding.newIdMayClaim?.includes(name));
  if (others.length === 0) return refusals;
  const names = others.map(({ name, driver: its }) => `${name} (${its ?? "without driver, so at once"})`);
  refuse(
    "strategy",
    `The id is not the device's alone: "${driver}" would also claim ${listed(names)}.`,
    `If it may have all of them, name them: newIdMayClaim: ${JSON.stringify(others.map(({ name }) => name))}.`,
  );
  return refusals;
}

/** `auto` has no way left: no override on this bus, and no id of the driver that matches. */
export function noWayRefusal(binding: Binding, driver: string, { bus, hasOverride, modalias, wanted }: Device): Refusal | undefined {
  if (binding.strategy !== "auto" || hasOverride || wanted?.isMatch !== false) return undefined;
  const adds = wanted.takesIds === "both" ? 'Strategy "new-id" adds the device\'s id to the driver; ' : "Choose another driver; ";
  return {
    property: "driver",
    isCertain: wanted.isRegistered,
    reason: `Devices of the bus ${bus} have no driver override here, and of the ids that the module of "${driver}" lists none matches "${modalias}".`,
    todo: `${adds}strategy "bind" tries it all the same.`,
  };
}
