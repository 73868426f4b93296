import { plain } from "../errors";
import { differencesOf, wishOf } from "../plan/plan";
import { type Observed, observedSchema, unknownValue, validate } from "../schema";
import { type Properties, wishesOf } from "./request";

/** What check answers: inputs to record, or what is wrong with them; and a drift that is only to be told. */
export interface CheckAnswer {
  inputs: Properties;
  failures: { property: string; reason: string }[];
  reported?: string;
}

/**
 * Pure. Consumes the program's look: the inputs that it returns have no `observed`, but `drift` where the board differs from what
 * was last asked for, never in the very words of the last time (`lastDrift`), since the engine shows only what is new, and
 * `boardId`, the board that answered. What the program has already refused in preview passes, so that all
 * resources are shown; the update refuses it again. Unknown inputs pass.
 */
export function check(olds: Properties, news: Properties): CheckAnswer {
  const wishes = wishesOf(news);
  const observed = observedSchema.safeParse(news.observed).data;
  const { problems } = validate(wishes);
  if (problems.length > 0 && observed?.invalid !== true)
    return { inputs: news, failures: problems.map(({ property, message }) => ({ property, reason: `${property} ${message}` })) };
  const exists = typeof olds.device === "string";
  const found = exists ? driftOf(olds, news.observed, observed) : undefined;
  const isReport = exists && news.onDrift === "report" && found !== unknownValue && observed?.unreachable === undefined;
  const last = olds.drift ?? olds.lastDrift;
  const drift = isReport || found === undefined ? undefined : found === last ? `again: ${found}` : found;
  // It moves only while all is quiet, so that a drift is the only input that a display marks as changed.
  const lastDrift = drift === undefined ? last : olds.lastDrift;
  const boardId = observed?.board?.boardId ?? olds.boardId;
  return {
    inputs: { ...wishes, ...known({ boardId, lastDrift, drift }) },
    failures: [],
    reported: isReport ? found : undefined,
  };
}

const known = (inputs: Properties): Properties => Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));

/** In words, what differs from the last wish; the unknown value for a look that could not be made yet; undefined when all is right. */
function driftOf(olds: Properties, look: unknown, observed: Observed | undefined): string | undefined {
  if (look === unknownValue) return unknownValue;
  if (observed?.unreachable !== undefined) return plain(`not known: ${observed.unreachable}`);
  const last = validate(wishesOf(olds)).binding;
  if (observed?.device === undefined || last === undefined) return undefined;
  if (observed.device.name !== last.device || observed.device.bus !== last.bus) return undefined;
  if (typeof olds.boardId === "string" && observed.board?.boardId !== olds.boardId) return undefined;
  return plain(differencesOf(wishOf(last, observed.device, false), observed.device).join("; ")) || undefined;
}
