import type { BoardName } from "./boards";
import { type Break, breakWords } from "./breaks";

/** Promises about the lab as a whole. */
const ofTheLab = {
  created: "pulumi up makes one resource for each board",
  holds: "devbind check finds that all boards are as the file says: exit code 0",
  unreachable: "devbind check says which board is off: exit code 2",
  drift: "devbind check says which device of which board differs: exit code 1",
  planned: "devbind plan lists the writes that repair, and none for a board that needs none",
  updated: "pulumi up updates the broken boards, and only them",
  holdsAgain: "devbind check finds that all boards are as the file says again: exit code 0",
  unchanged: "pulumi up finds nothing to do",
  destroyed: "pulumi destroy takes one resource away for each board",
} as const;

/** Promises about each board, or about those that are broken, or that are not. */
const ofEach = {
  before: "its devices have their own drivers, no override and no claim",
  bound: "each device has the driver that the file says",
  repaired: "each device has the driver that the file says again",
  nothingWritten: "an up that finds nothing to do has not written to it",
  restored: "each device has its own driver and override back, and no claim is left",
} as const;
const ofOn = { lookedOnly: "neither check nor plan has written to it" } as const;
const ofWhole = { leftAlone: "the repair of the others has not written to it" } as const;

type OfTheLab = keyof typeof ofTheLab;
type OfEach = keyof typeof ofEach | keyof typeof ofOn | keyof typeof ofWhole | "broken";
export type PromiseName = OfTheLab | `${BoardName} ${OfEach}`;
type Promises = Partial<Record<PromiseName, string>>;
const all: readonly OfEach[] = ["before", "bound", "broken", "lookedOnly", "repaired", "leftAlone", "nothingWritten", "restored"];

/** Every promise of one run, in the story's order: the count is fixed before the first board is asked. */
export function promisesFor(names: readonly BoardName[], breaks: ReadonlyMap<BoardName, Break>): Promises {
  const promises: Promises = { ...ofTheLab };
  if (![...breaks.values()].includes("off")) delete promises.unreachable;
  for (const name of names) {
    const way = breaks.get(name);
    const broken = way === undefined ? ofWhole : { broken: `${breakWords[way]}, and it shows` };
    const own: Partial<Record<OfEach, string>> = { ...ofEach, ...(way === "off" ? {} : ofOn), ...broken };
    for (const promise of all) if (own[promise] !== undefined) promises[`${name} ${promise}`] = `${name}: ${own[promise]}`;
  }
  return promises;
}
