import type { Inventory, Place } from "../inventory";
import { UsageError } from "./exit";

/** A device on the command line: `pci/0000:01:00.0`, or its name alone where no other bus has one of that name. */

/**
 * The places that words mean, of those that there are.
 * @throws UsageError for a word that means none, or several
 */
export function placesOf(words: readonly string[], known: readonly Place[]): Place[] {
  return words.map((word) => {
    const meant = known.filter(({ bus, device }) => word === `${bus}/${device}` || word === device);
    const [only, another] = meant;
    if (only === undefined)
      throw new UsageError(`There is nothing at ${word} here: \`devbind list\` shows what there is, as <bus>/<device>.`);
    if (another !== undefined) throw new UsageError(`${word} is several: ${meant.map(placeWords).join(", ")}. Write the bus before it.`);
    return only;
  });
}

export const placeWords = ({ bus, device }: Place): string => `${bus}/${device}`;

/** All devices of a board as places. */
export const devicePlaces = ({ devices }: Pick<Inventory, "devices">): Place[] => devices.map(({ bus, name }) => ({ bus, device: name }));

export const isAt =
  (one: Place) =>
  ({ bus, device }: Place): boolean =>
    one.bus === bus && one.device === device;
