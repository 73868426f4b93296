import { lookDials } from "../board/board";
import { listBoard } from "../board/list";
import type { Inventory, ListedClaim, ListedJournal } from "../inventory";
import { releaseClaims, undoInterrupted } from "../lifecycle/release";
import { wildcardMatches } from "../wildcard";
import { type BoardOptions, eachBoard, nameOf, type Target, targetsOf } from "./boards";
import { type Exit, exits, UsageError } from "./exit";
import { isAt, placesOf, placeWords } from "./places";
import { count, type Screen } from "./screen";
import { askYes } from "./secrets";

export interface ReleaseOptions extends BoardOptions {
  claimant?: string;
  all?: boolean;
  yes?: boolean;
}

/**
 * `devbind release`: drops claims of somebody who is gone, and has interrupted transactions undone. It says what there is, asks, does
 * it, and says what is left. Devices stay on the drivers that they have.
 */
export async function release(screen: Screen, words: readonly string[], options: ReleaseOptions): Promise<Exit> {
  const { board, devices } = namesOf(words, options);
  const isChosen = options.claimant !== undefined || devices.length > 0 || options.all === true;
  if (options.yes && !isChosen) throw new UsageError("--yes needs to know what to release: --claimant, devices, or --all.");
  const [target] = await targetsOf(options, board);
  if (target === undefined) throw new UsageError("Name one board: --host, or --lab with a board.");
  const before = await inventoryOf(screen, target);
  const claims = chosenClaims(before, devices, options);
  const undone = before.journals.filter(({ is }) => is === "interrupted");
  tell(screen, target, before, claims);
  if (claims.length + undone.length === 0) return exits.fine;
  if (!(await isAllowed(options))) {
    screen.line("Nothing was done.");
    return exits.wrong;
  }
  await undoAll(screen, target, undone);
  // An undo brings back the claims that its transaction had replaced, and takes away those that it had made.
  const now = undone.length > 0 ? await inventoryOf(screen, target) : before;
  await releaseAll(
    screen,
    target,
    now.claims.filter((claim) => claims.some((one) => isSame(one, claim))),
  );
  return tellLeft(screen, await inventoryOf(screen, target), claims, undone);
}

/** With a lab file the first word is the board, and all else are devices. */
function namesOf(words: readonly string[], { host }: BoardOptions): { board: string[]; devices: string[] } {
  if (host !== undefined) return { board: [], devices: [...words] };
  const [board, ...devices] = words;
  if (board === undefined) throw new UsageError("Name one board: --host, or --lab with a board.");
  return { board: [board], devices };
}

const inventoryOf = async (screen: Screen, target: Target): Promise<Inventory> => {
  const [inventory] = await eachBoard(screen, [target], ({ connection }) => listBoard(connection, { dials: lookDials }));
  if (inventory === undefined) throw new Error("one board was asked");
  return inventory;
};

/** Pure. The claims that are meant: of a claimant (`*` and `?` as in a pattern), on devices, or all. */
export function chosenClaims({ claims }: Inventory, devices: readonly string[], { claimant }: ReleaseOptions): ListedClaim[] {
  const places = placesOf(devices, claims);
  return claims.filter(
    (claim) => (claimant === undefined || wildcardMatches(claimant, claim.claimant)) && (places.length === 0 || places.some(isAt(claim))),
  );
}

const isSame = (one: ListedClaim, other: ListedClaim): boolean => isAt(one)(other) && one.claimant === other.claimant;

async function isAllowed({ yes }: ReleaseOptions): Promise<boolean> {
  if (yes) return true;
  if (process.stdin.isTTY !== true) throw new UsageError("There is no terminal to ask at: --yes releases without a question.");
  return askYes("Release this?");
}

async function undoAll(screen: Screen, target: Target, [first, ...others]: readonly ListedJournal[]): Promise<void> {
  if (first === undefined) return;
  const places = [first, ...others].flatMap(({ devices }) => devices);
  const once = places.filter((place, index) => places.findIndex(isAt(place)) === index);
  await busy(screen, "undoing what was interrupted", () => undoInterrupted(target.connection, first.claimant, once));
}

async function releaseAll(screen: Screen, target: Target, claims: readonly ListedClaim[]): Promise<void> {
  for (const claimant of new Set(claims.map((claim) => claim.claimant))) {
    const own = claims.filter((claim) => claim.claimant === claimant);
    await busy(screen, `releasing ${count(own.length, "claim")} of ${claimant}`, () => releaseClaims(target.connection, claimant, own));
  }
}

async function busy(screen: Screen, words: string, work: () => Promise<void>): Promise<void> {
  screen.progress(words);
  try {
    await work();
  } finally {
    screen.quiet();
  }
}

function tell(screen: Screen, target: Target, { devices, journals, claims: all }: Inventory, claims: readonly ListedClaim[]): void {
  const { paint } = screen;
  screen.line(paint.bold(`${nameOf(target)}: ${count(claims.length, "claim")} to release, of ${all.length}`));
  for (const claim of claims) {
    const device = devices.find(({ bus, name }) => isAt(claim)({ bus, device: name }));
    const now = device === undefined ? "is gone" : `stays ${device.driver === null ? "without a driver" : `on ${device.driver}`}`;
    const kept = claim.isKept ? "; it is not kept over a reboot any more" : "";
    screen.line(`  claim of ${claim.claimant} on ${placeWords(claim)}: the device ${now}${kept}`);
  }
  for (const { is, transaction, claimant, devices: of } of journals) {
    const words =
      is === "interrupted"
        ? `was interrupted: ${of.map(placeWords).join(", ")} ${of.length === 1 ? "goes" : "go"} back to what was there before`
        : `is ${is}: left alone`;
    screen.line(`  ${is === "interrupted" ? "" : paint.yellow("not released: ")}transaction ${transaction} of ${claimant} ${words}`);
  }
  if (claims.length === 0 && !journals.some(({ is }) => is === "interrupted")) screen.line("Nothing of that is here.");
}

/** What is still there of what was to go. */
function tellLeft(screen: Screen, after: Inventory, claims: readonly ListedClaim[], undone: readonly ListedJournal[]): Exit {
  const left = claims.filter((claim) => after.claims.some((one) => isSame(one, claim)));
  const stuck = undone.filter(({ transaction }) => after.journals.some((one) => one.transaction === transaction));
  const parts = [
    ...(claims.length > 0 ? [`${count(claims.length - left.length, "claim")} released`] : []),
    ...(undone.length > 0 ? [`${count(undone.length - stuck.length, "transaction")} undone`] : []),
  ];
  screen.line(`${parts.join(", ")}.`);
  for (const claim of left) screen.complain(`The claim of ${claim.claimant} on ${placeWords(claim)} is still there.`);
  for (const { transaction, devices } of stuck)
    screen.complain(`The transaction ${transaction} could not be undone: ${devices.map(placeWords).join(", ")}.`);
  return left.length + stuck.length > 0 ? exits.wrong : exits.fine;
}
