import { setTimeout as sleep } from "node:timers/promises";
import { listed } from "../errors";
import type { Device } from "../schema";
import type { Observation } from "../transaction";

type Bound = Device["dependents"][number];

/** How long devices below a rebound one may take to come back. */
const comingBackMilliseconds = 2000;

/**
 * What was bound below the devices that have the driver they had, or supplied by them, and has not come back to its own, as
 * "name (driver)". What is missing is given time, and looked for once more. Below another driver nothing is expected to come back.
 */
export async function dependentsLost(
  before: Observation,
  after: Observation | undefined,
  lookAgain: () => Promise<Observation>,
): Promise<string[]> {
  if (after === undefined) return [];
  const lost = lostBetween(before, after);
  if (lost.length === 0) return [];
  await sleep(comingBackMilliseconds);
  return lookAgain().then(
    (again) => lostBetween(before, again),
    () => lost,
  );
}

/** Says which devices lost their drivers along with another. */
export const lostWords = (lost: readonly string[]): string => `Not bound any more, with what they depended on: ${listed(lost)}.`;

/** A device may come back under another name (virtio2 for virtio0): then it is known by its driver. */
function lostBetween(before: Observation, after: Observation): string[] {
  const had = before.devices.flatMap(({ driver, dependents }, index) => (driver === after.devices[index]?.driver ? dependents : []));
  const has = after.devices.flatMap(({ dependents, name, driver }) => [...dependents, { name, driver }]);
  const missing = had.filter((one) => !has.some((other) => isSame(one, other)));
  const fresh = has.filter((one) => !had.some((other) => isSame(one, other)));
  const lost = missing.filter((one) => {
    const place = fresh.findIndex(({ driver }) => driver === one.driver);
    if (place >= 0) fresh.splice(place, 1);
    return place < 0;
  });
  return lost.map(({ name, driver }) => `${name} (${driver})`);
}

const isSame = (one: Bound, other: Bound): boolean => one.name === other.name && one.driver === other.driver;
