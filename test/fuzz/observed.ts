import fc from "fast-check";
import type { Board, Device } from "../../provider/schema";
import { selectorSchema } from "../../provider/selector";
import { hostileText } from "./hostile";
import { name } from "./inputs";

import type { Tree } from "./mutation";
import { chosen } from "./selectors";

/** What a look brings, from a board that may say anything in it. */

const text = fc.oneof(fc.constantFrom("a", "b0a4d1"), hostileText);
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });
const bound = fc.record({ name: text, driver: orNull(text) });

export const board: fc.Arbitrary<Board> = fc.record({
  boardId: text,
  bootId: text,
  hostName: text,
  kernel: text,
  isRoot: fc.constantFrom(true, true, true, false),
  isSysfsWritable: fc.constantFrom(true, true, true, false),
  stateFolder: orNull(text),
  condition: fc.constantFrom("quiet", "busy"),
  keeping: fc.option(
    fc.record({
      obstacle: fc.constantFrom(null, null, "systemd", "readonly", "memory", "unknown"),
      unit: fc.constantFrom("right", "wrong", "foreign"),
    }),
    { nil: undefined },
  ),
});

const parameterWords = fc.constantFrom("right", "wrong", "fixed", "hidden", "unloaded", "none");
const wanted = {
  isRegistered: fc.boolean(),
  canBind: fc.boolean(),
  isLoadable: orNull(fc.boolean()),
  lack: orNull(fc.constantFrom("kernel", "disabled", "release")),
  takesIds: orNull(fc.constantFrom("no", "add", "both")),
  isMatch: orNull(fc.boolean()),
};
const claim = {
  claimant: text,
  driver: orNull(text),
  override: orNull(text),
  networkInterface: orNull(text),
  idDrivers: some(fc.oneof(name, text)),
};

const facts = {
  bus: name,
  name,
  isBusPresent: fc.constantFrom(true, true, true, false),
  isPresent: fc.constantFrom(true, true, true, false),
  similarNames: some(text),
  matches: some(bound),
  driver: orNull(fc.oneof(name, text)),
  canUnbind: fc.boolean(),
  override: orNull(text),
  hasOverride: fc.boolean(),
  journal: fc.constantFrom("none", "none", "interrupted", "running", "stuck"),
  modalias: orNull(text),
  compatible: some(text),
  sysfsPath: orNull(text),
  iommuGroup: orNull(text),
  groupMembers: some(bound),
  dependents: some(bound),
  holders: some(text),
  vfioPath: orNull(text),
  wanted: orNull(fc.record(wanted, { requiredKeys: ["isRegistered", "canBind", "isLoadable"] })),
  guard: orNull(text),
  claim: orNull(fc.record(claim, { requiredKeys: ["claimant", "driver", "override"] })),
  kept: orNull(
    fc.record({ is: fc.constantFrom("broken", "whole", "right"), claimant: orNull(text), driver: orNull(text), override: orNull(text) }),
  ),
  coOwners: some(text),
} as const;

/** What only some looks tell: what chose it, and what was asked for besides. */
const laterFacts = {
  selector: orNull(chosen),
  newId: fc.record({ id: orNull(text), others: some(bound) }),
  parameters: some(fc.record({ module: orNull(text), name: text, is: parameterWords, value: orNull(text) })),
  vfio: fc.record({
    hasIommu: fc.boolean(),
    noIommu: orNull(fc.constantFrom("Y", "N", "absent")),
    hasReset: orNull(fc.boolean()),
    needsReset: orNull(fc.constantFrom("Y", "N")),
  }),
};

const lone = fc.tuple(fc.record(facts), fc.record(laterFacts, { requiredKeys: [] })).map(([always, later]) => ({ ...always, ...later }));

/** A device, whatever the board says of it and of those that are taken along with it. */
export const device: fc.Arbitrary<Device> = fc
  .tuple(lone, fc.option(some(lone), { nil: undefined }))
  .map(([one, siblings]) => ({ ...one, ...(siblings && { siblings }) }));

/** What the program's look gives to check. */
export const observed: fc.Arbitrary<Tree> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ lookedAt: text, board, device }) },
  { weight: 1, arbitrary: fc.record({ lookedAt: text, unreachable: text, isCertain: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ lookedAt: text, invalid: fc.boolean() }) },
);

/** The device by its name; by a selector it is the one that is known, or another one. */
const placed = (named: unknown, known: unknown): Tree =>
  typeof named === "object" ? { name: known, selector: selectorSchema.safeParse(named).data ?? null } : { name: named };

/** A look at the very device, on the very board, that a state tells of. */
export const observedOf = ({ bus, device: named, deviceName, boardId }: Tree): fc.Arbitrary<Tree> =>
  fc.record({ lookedAt: text, board, device }).map((look) => ({
    ...look,
    board: { ...look.board, boardId: boardId ?? look.board.boardId },
    device: { ...look.device, isPresent: true, isBusPresent: true, bus, ...placed(named, deviceName ?? look.device.name) },
  }));
