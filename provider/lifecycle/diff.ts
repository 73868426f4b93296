import { isDeepStrictEqual } from "node:util";
import { claimantOf } from "../plan/guards";
import { type Binding, unknownValue, validate } from "../schema";
import { type Properties, wishesOf } from "./request";

export interface DiffAnswer {
  changes: boolean;
  replaces: string[];
  deleteBeforeReplace: boolean;
}

/**
 * Pure. Changed: another wish, option or connection; a drift that check found and that is to be repaired; a look that is unknown
 * or got no answer; and a live driver that is not the wished one, which is how refresh asks (it calls diff with the live state as
 * `olds`; then `drift` is the recorded one in both, which check never lets happen with a fresh one). Replaced, the old one first: another device, bus or board. Another address or other credentials are an update.
 */
export function diff(olds: Properties, news: Properties): DiffAnswer {
  const replaces = ["bus", "device", "boardId"].filter((key) => isOther(olds[key], news[key]));
  const hasMoved = news.onDrift !== "report" && "deviceName" in olds && (olds.currentDriver ?? null) !== (news.driver ?? null);
  const hasDrifted = news.drift !== undefined && news.drift !== olds.drift;
  const changes = replaces.length > 0 || hasDrifted || hasMoved || !isSameWish(olds, news);
  return { changes, replaces, deleteBeforeReplace: replaces.length > 0 };
}

const isOther = (old: unknown, wanted: unknown) => old !== undefined && wanted !== undefined && wanted !== unknownValue && old !== wanted;

/** Defaults count as written: adding `port: 22` to a program changes nothing. */
function isSameWish(olds: Properties, news: Properties): boolean {
  const [old, wanted] = [wishesOf(olds), wishesOf(news)].map((wish) => ({ wish, binding: validate(wish).binding }));
  if (old?.binding && wanted?.binding) return isDeepStrictEqual(owned(old.binding), owned(wanted.binding));
  return isDeepStrictEqual(old?.wish, wanted?.wish);
}

/** With the claimant that counts: the outputs keep only that one. */
const owned = (binding: Binding): Binding => ({ ...binding, claimant: claimantOf(binding) });
