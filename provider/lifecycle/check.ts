import { isDeepStrictEqual } from "node:util";
import { plain } from "../errors";
import { unexpected } from "../plan/expect";
import { keptDifferences } from "../plan/keep";
import { differencesOf, wishOf } from "../plan/plan";
import { choiceDifference } from "../plan/select";
import { siblingsOf } from "../plan/together";
import { type Binding, type Board, type Device, type Observed, observedSchema, unknownValue, validate, wishFields } from "../schema";
import { lookItem, type Properties, wishesOf } from "./request";

/** What check answers: inputs to record, or what is wrong with them; and a drift that is only to be told. */
export interface CheckAnswer {
  inputs: Properties;
  failures: { property: string; reason: string }[];
  reported?: string;
}

/**
 * Pure. Consumes the program's look: the inputs that it returns have no `observed`, but `drift` where the board differs from what
 * was last asked for, never in the very words of the last time (`lastDrift`), since the engine shows only what is new, and
 * `boardId`, the board that answered, for a selector `deviceName`, the device that it means, and `skipped` for a board that is left out. What the program has already refused in preview passes, so that all
 * resources are shown; the update refuses it again. Unknown inputs pass.
 */
export function check(olds: Properties, news: Properties): CheckAnswer {
  const wishes = wishesOf(news);
  const observed = observedSchema.safeParse(news.observed).data;
  const { problems, binding } = validate(wishes);
  if (problems.length > 0 && observed?.invalid !== true)
    return { inputs: news, failures: problems.map(({ property, message }) => ({ property, reason: `${property} ${message}` })) };
  const exists = olds.device !== undefined && olds.device !== null;
  const skipped = skippedWords(observed, wishes);
  const found = exists && skipped === undefined ? driftOf(olds, news.observed, observed, binding) : undefined;
  const isReport = exists && news.onDrift === "report" && found !== unknownValue && observed?.unreachable === undefined;
  const last = olds.drift ?? olds.lastDrift;
  const drift = isReport || found === undefined ? undefined : found === last ? `again: ${found}` : found;
  // It moves only while all is quiet, so that a drift is the only input that a display marks as changed.
  const lastDrift = drift === undefined ? last : olds.lastDrift;
  const boardId = observed?.board?.boardId ?? olds.boardId;
  return {
    inputs: { ...wishes, ...known({ boardId, deviceName: chosenName(wishes, observed), lastDrift, drift, skipped }) },
    failures: [],
    reported: isReport ? found : undefined,
  };
}

/** Why the board is left out, where it gave no answer and the binding says so. */
export function skippedWords(observed: Observed | undefined, { whenUnreachable }: Properties): string | undefined {
  if (whenUnreachable !== "skip" || observed?.unreachable === undefined || observed.isCertain === true) return undefined;
  return plain(observed.unreachable);
}

const known = (inputs: Properties): Properties => Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));

/** In words, what differs from the last wish; the unknown value for a look that could not be made yet; undefined when all is right. */
function driftOf(olds: Properties, look: unknown, observed: Observed | undefined, wished: Binding | undefined): string | undefined {
  if (look === unknownValue) return unknownValue;
  if (observed?.unreachable !== undefined) return plain(`not known: ${observed.unreachable}`);
  const last = validate(wishesOf(olds)).binding;
  if (observed?.device === undefined || last === undefined) return undefined;
  if (!isOfLast(last, olds, observed.device) || observed.device.bus !== last.bus) return undefined;
  if (typeof olds.boardId === "string" && observed.board?.boardId !== olds.boardId) return undefined;
  // The look asked by the new inputs: only where these ask for the same does it tell all of the last ones.
  const isAskedSo = wished !== undefined && isDeepStrictEqual(lookItem(wished), lookItem(last));
  return differenceWords(last, observed.board, observed.device, { place: olds.deviceName, isAskedSo });
}

/**
 * In words, all that differs from a binding on the device that a look found for it; undefined when all is right. `place`: which device
 * its selector meant so far, where that is known; `isAskedSo`: the look was asked by this very binding.
 */
export function differenceWords(
  binding: Binding,
  board: Board | undefined,
  device: Device,
  { place, isAskedSo = true }: { place?: unknown; isAskedSo?: boolean } = {},
): string | undefined {
  const kept = board && device.isPresent ? keptDifferences(binding, wishOf(binding, device, false), board, device, isAskedSo) : [];
  const along = siblingsOf(binding, device).flatMap((one) => siblingWrong(one.binding, one.device));
  return plain([...wrongWith(binding, place, device), ...along, ...kept].join("; ")) || undefined;
}

const siblingWrong = (binding: Binding, device: Device): string[] =>
  differencesOf(wishOf(binding, device, false), device).map((words) => `${device.name}: ${words}`);

/** Whether the look was at the device of the last wish: by its name, or because the same selector chose it. */
function isOfLast({ device: wished }: Binding, olds: Properties, { name, selector }: Device): boolean {
  if (typeof wished === "string") return name === wished;
  return isDeepStrictEqual(selector, wished) || name === olds.deviceName;
}

/** `place`: which device the last selector meant, where it is known. */
function wrongWith(last: Binding, place: unknown, device: Device): string[] {
  const choice = choiceDifference(last.device, device);
  if (choice !== undefined) return [choice];
  const moved = typeof place === "string" && place !== device.name ? [`device is ${device.name}, not ${place}`] : [];
  return [...moved, ...differencesOf(wishOf(last, device, false), device), ...unexpected(last.expect, device)];
}

/** The device that the look found by the very selector of these inputs; none for a name. */
function chosenName({ device: wished }: Properties, observed: Observed | undefined): string | undefined {
  const { isPresent, name, selector } = observed?.device ?? {};
  const isChosen = isPresent === true && selector != null && isDeepStrictEqual(selector, wishFields.device.safeParse(wished).data);
  return isChosen ? name : undefined;
}
