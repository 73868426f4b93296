import { listed } from "../errors";
import type { Binding, Device } from "../schema";
import { deviceWords, type Selector } from "../selector";
import type { Refusal } from "./guards";

/** Why there is no device to bind: no such bus, none that is meant, or several. */
export function absentRefusal({ bus, device: wanted }: Binding, device: Device): Refusal | undefined {
  if (!device.isBusPresent) {
    const buses = similar(bus, device.similarNames);
    return { property: "bus", isCertain: true, reason: `The board has no bus "${bus}"${buses}.`, todo: "Correct the name of the bus." };
  }
  if (device.isPresent) return undefined;
  if (device.matches.length > 0 && typeof wanted !== "string") return severalRefusal(bus, wanted, device);
  const [which, value] = typeof wanted === "string" ? [`device "${wanted}"`, wanted] : [`device with ${choice(wanted)}`, wanted.value];
  return {
    property: "device",
    isCertain: false,
    reason: `The bus ${bus} has no ${which}${similar(value, device.similarNames)}.`,
    todo: `Correct ${typeof wanted === "string" ? "the name" : "it"}, or bring the device there first.`,
  };
}

/** Nobody can bring what makes them one, but who wrote the program can. */
function severalRefusal(bus: string, selector: Selector, { matches }: Device): Refusal {
  const names = matches.map(({ name, driver }) => `${name} (${driver ?? "no driver"})`);
  return {
    property: "device",
    isCertain: true,
    reason: `The bus ${bus} has ${matches.length} devices with ${choice(selector)}: ${listed(names)}.`,
    todo: "Name one of them, or choose by what only one of them has.",
  };
}

/** Why an update does not follow a changed selector to another device: the old one would never be given back. */
export function otherDeviceRefusal(wanted: string | Selector, name: string, last: string): Refusal {
  return {
    property: "device",
    isCertain: true,
    reason: `This resource has bound ${last} so far, and ${deviceWords(wanted)} is ${name}: no look had told so before this update.`,
    todo: "Run `pulumi up` again: when the board answers its look, it gives the old device back and binds the other one.",
  };
}

/** What differs from a selector that meant one device: none does, or several do; undefined for one, and for a name. */
export function choiceDifference(wanted: string | Selector, { isPresent, matches }: Device): string | undefined {
  if (isPresent || typeof wanted === "string") return undefined;
  return matches.length > 0 ? `${matches.length} devices have ${choice(wanted)}` : `no device has ${choice(wanted)}`;
}

const choice = ({ key, value }: Selector): string => `${key} "${value}"`;

/** The names most like the wanted one, worded to be put into a sentence: ` (there are "a", "b" and 7 more)`; empty for no names. */
export function similar(wanted: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const nearest = [...names].sort((one, other) => distance(wanted, one) - distance(wanted, other)).slice(0, 3);
  const more = names.length - nearest.length;
  return ` (there ${names.length === 1 ? "is" : "are"} ${nearest.map((name) => `"${name}"`).join(", ")}${more > 0 ? ` and ${more} more` : ""})`;
}

/** How many letters must change to make one name the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      next.push(Math.min((row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, (row[column] ?? 0) + (letter === otherLetter ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
