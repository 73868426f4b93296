import { isDeepStrictEqual } from "node:util";
import { claimantOf } from "../plan/guards";
import { type Binding, unknownValue, validate } from "../schema";
import { isSameChoice, outputsOf, type Properties, wishesOf } from "./request";

export interface DiffAnswer {
  changes: boolean;
  replaces: string[];
  deleteBeforeReplace: boolean;
}

/**
 * Pure. Changed: another wish, option or connection; a drift that check found and that is to be repaired; a look that is unknown
 * or got no answer; a board that was left out and answers again; and a live driver that is not the wished one, which is how refresh asks (it calls diff with the live state as
 * `olds`; then `drift` is the recorded one in both, which check never lets happen with a fresh one). Replaced, the old one first: another device, bus or board. Another address or other credentials are an update, and so is a
 * device that the same selector finds at another place, and another selector or name for the same device.
 */
export function diff(olds: Properties, news: Properties): DiffAnswer {
  const replaces = [
    ...(isOther(olds.bus, news.bus) ? ["bus"] : []),
    ...(isOtherDevice(olds, news) ? ["device"] : []),
    ...(isOther(olds.boardId, news.boardId) ? ["boardId"] : []),
  ];
  const wished = news.driver ?? null;
  const live = [olds.currentDriver ?? null, ...(outputsOf(olds)?.siblings ?? []).map(({ currentDriver }) => currentDriver)];
  const hasMoved = news.onDrift !== "report" && "deviceName" in olds && live.some((driver) => driver !== wished);
  const hasDrifted = news.drift !== undefined && news.drift !== olds.drift;
  const isElsewhere = news.onDrift !== "report" && isOther(olds.deviceName, news.deviceName);
  const isBack = typeof olds.skipped === "string" && news.skipped === undefined;
  const changes = replaces.length > 0 || hasDrifted || hasMoved || isElsewhere || isBack || !isSameWish(olds, news);
  return { changes, replaces, deleteBeforeReplace: replaces.length > 0 };
}

const isOther = (old: unknown, wanted: unknown) => old !== undefined && wanted !== undefined && wanted !== unknownValue && old !== wanted;

/** Of two selectors, or a selector and a name, only a look knows; where it does not, the update decides (it refuses to follow). */
export function isOtherDevice(olds: Properties, news: Properties): boolean {
  if (!isOther(olds.device, news.device) || isSameChoice(olds.device, news.device)) return false;
  if (typeof olds.device === "string" && typeof news.device === "string") return true;
  return isOther(olds.deviceName, typeof news.device === "string" ? news.device : news.deviceName);
}

/** Whether both ask for the same. Defaults count as written: adding `port: 22` to a program changes nothing. */
export function isSameWish(olds: Properties, news: Properties): boolean {
  const [old, wanted] = [wishesOf(olds), wishesOf(news)].map((wish) => ({ wish, binding: validate(wish).binding }));
  if (old?.binding && wanted?.binding) return isDeepStrictEqual(owned(old.binding), owned(wanted.binding));
  return isDeepStrictEqual(old?.wish, wanted?.wish);
}

/** With the claimant that counts: the outputs keep only that one. */
const owned = (binding: Binding): Binding => ({ ...binding, claimant: claimantOf(binding) });
