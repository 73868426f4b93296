import type { Selector } from "../selector";
import type { LookItem, Transaction } from "../transaction";
import { encode } from "./protocol";

/** The item that chooses the next device of a request by a selector; none for a device that is named. */
export function selectorItems(device: string | Selector | undefined, known: string | undefined): string[][] {
  if (device === undefined || typeof device === "string") return [];
  return [["selector", device.key, encode(device.value), ...(known === undefined ? [] : [encode(known)])]];
}

/** The request's items for a look: a device that a selector chooses has no name. */
export const lookItems = (items: LookItem[]): string[][] =>
  items.flatMap(({ bus, device, known, driver, module }) => [
    ...selectorItems(device, known),
    ["device", ...[bus, typeof device === "string" ? device : null, driver, module].map(encode)],
  ]);

/** The places whose claims are to be dropped. */
export const leftItems = ({ left = [] }: Transaction): string[][] =>
  left.map(({ bus, device, of }) => ["left", ...[bus, device].map(encode), ...(of === undefined ? [] : [String(of)])]);
