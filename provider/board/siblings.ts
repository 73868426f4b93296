import { z } from "zod";
import { type Device, kernelName } from "../schema";
import type { LookItem, TransactionDevice } from "../transaction";
import { type AnswerLine, encode, garbled, readLine, text } from "./protocol";

/** The devices that are taken along with another one: as they are asked for, held to in a transaction, and answered. */

/** More than one device may take along. */
export const siblingsMaximum = 256;

export const askSiblingItems = (items: LookItem[]): string[][] =>
  items.flatMap(({ takesAlong = [] }, index) => takesAlong.map((kind) => ["siblings", String(index), kind]));

/** An apply writes nothing (`moved`) unless those that are there are the ones that the plan saw: all stand in the first item of a device. */
export const siblingItems = (devices: TransactionDevice[]): string[][] =>
  devices.flatMap(({ along }, index) =>
    (along?.kinds ?? []).map((kind, place) => ["siblings", String(index), kind, ...(place === 0 ? (along?.names ?? []).map(encode) : [])]),
  );

/** How many lines of siblings the answer to a request may have. */
export const siblingLines = (items: string[][]): number =>
  new Set(items.flatMap(([word, device]) => (word === "siblings" ? [device] : []))).size * siblingsMaximum;

const siblingLine = z.object({
  of: z.string().regex(/^(0|[1-9]\d{0,3})$/),
  bus: text,
  name: text.pipe(kernelName),
  present: z.literal("yes"),
});

/** A sibling's line and its name. */
export interface Placed {
  name: string;
  line: AnswerLine;
}

/**
 * The lines of siblings, those of each device in its place.
 * @throws DevbindError "protocol" for one that nobody asked for, of a device that is not there, on another bus, told twice, or its own
 */
export function placedSiblings(items: LookItem[], devices: Device[], lines: AnswerLine[], address: string): Placed[][] {
  const placed: Placed[][] = items.map(() => []);
  for (const line of lines) {
    if (line.word !== "sibling") continue;
    const { of, bus, name } = readLine(line, siblingLine, address);
    const [item, device, known] = [items[Number(of)], devices[Number(of)], placed[Number(of)]];
    if (item?.takesAlong === undefined || device?.isPresent !== true || known === undefined)
      throw garbled(address, `it tells of a sibling of the device ${of}, which has none that were asked for`);
    if (bus !== item.bus) throw garbled(address, `a sibling of ${device.name} is on another bus`);
    if (name === device.name || known.some((other) => other.name === name))
      throw garbled(address, `${name} cannot be a sibling of ${device.name} there`);
    if (known.length >= siblingsMaximum) throw garbled(address, `${device.name} has more than ${siblingsMaximum} siblings`);
    known.push({ name, line });
  }
  return placed;
}

/** A sibling is looked at as its own device is, but by its name; nothing is asked of its id. */
export const siblingItem = ({ bus, driver, module, parameters, asksKept }: LookItem, name: string): LookItem => ({
  ...{ bus, driver, module, parameters, asksKept },
  device: name,
});
