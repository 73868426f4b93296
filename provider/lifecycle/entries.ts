import { isDeepStrictEqual } from "node:util";
import { observedSchema, unknownValue, validateBoard } from "../schema";
import { type CheckAnswer, check, skippedWords } from "./check";
import { type DiffAnswer, diff } from "./diff";
import { type Properties, wishesOf } from "./request";

/**
 * The bindings of one BoardBindings, each as if it were a DeviceBinding of its own: so check and diff are the same for both. What is
 * known of each entry lies under its name: among the inputs `drift`, `lastDrift`, `deviceNames`, among the outputs `devices`.
 */

/** The properties of each entry, under its name; undefined while it is not known which there are. */
export function entriesOf(properties: Properties): Record<string, Properties> | undefined {
  const { bindings, devices, drift, lastDrift, deviceNames, observed, ...shared } = properties;
  if (!isObject(bindings)) return bindings === undefined ? {} : undefined;
  return Object.fromEntries(
    Object.entries(bindings).map(([entry, binding]) => {
      const of = (map: unknown): unknown => (isObject(map) ? map[entry] : undefined);
      const own = {
        drift: typeof drift === "string" ? drift : of(drift),
        lastDrift: of(lastDrift),
        deviceName: of(deviceNames),
        observed: isObject(observed) ? { ...observed, devices: undefined, device: of(observed.devices) } : observed,
      };
      const outputs = of(devices);
      return [entry, { ...shared, ...(isObject(binding) ? binding : {}), ...known(own), ...(isObject(outputs) ? outputs : {}) }];
    }),
  );
}

/**
 * Pure. As `check` for one binding; the drift of each entry stands under its name, or once for all where the board gave no answer.
 */
export function checkBoard(olds: Properties, news: Properties): CheckAnswer {
  const wishes = wishesOf(news);
  const observed = observedSchema.safeParse(news.observed).data;
  const { problems } = validateBoard(wishes);
  if (problems.length > 0 && observed?.invalid !== true)
    return { inputs: news, failures: problems.map(({ property, message }) => ({ property, reason: `${property} ${message}` })) };
  const [before, now] = [entriesOf(olds) ?? {}, entriesOf(news) ?? {}];
  const answers = Object.entries(now).map(([entry, properties]) => ({ entry, ...check(before[entry] ?? {}, properties) }));
  const each = (key: string) =>
    mapped(answers.flatMap(({ entry, inputs, failures }) => (failures.length > 0 ? [] : [[entry, inputs[key]]])));
  const drift = each("drift");
  const isOfBoard = observed?.unreachable !== undefined || news.observed === unknownValue;
  const told = answers.flatMap(({ entry, reported }) => (reported === undefined ? [] : [`${entry}: ${reported}`]));
  const inputs = {
    boardId: observed?.board?.boardId ?? olds.boardId,
    deviceNames: each("deviceName"),
    lastDrift: each("lastDrift"),
    drift: isOfBoard ? Object.values(drift ?? {})[0] : drift,
    skipped: skippedWords(observed, wishes),
  };
  return { inputs: { ...wishes, ...known(inputs) }, failures: [], reported: told.length > 0 ? told.join("; ") : undefined };
}

/** Pure. As `diff` for one binding: changed where any entry is, or is new or gone; replaced only for another board. */
export function diffBoard(olds: Properties, news: Properties): DiffAnswer {
  const isOtherBoard = olds.boardId !== undefined && news.boardId !== undefined && olds.boardId !== news.boardId;
  const replaces = isOtherBoard ? ["boardId"] : [];
  return { changes: isOtherBoard || hasChanged(olds, news), replaces, deleteBeforeReplace: isOtherBoard };
}

function hasChanged(olds: Properties, news: Properties): boolean {
  const [before, now] = [entriesOf(olds), entriesOf(news)];
  if (before === undefined || now === undefined) return true;
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  if (names.length === 0) return !isDeepStrictEqual(wishesOf(olds), wishesOf(news));
  return names.some((entry) => {
    const [old, wanted] = [before[entry], now[entry]];
    return old === undefined || wanted === undefined || diff(old, wanted).changes;
  });
}

export const isObject = (value: unknown): value is Properties => typeof value === "object" && value !== null && !Array.isArray(value);

const known = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));

/** What is known of some entries, under their names; undefined where that is nothing. */
function mapped(pairs: unknown[][]): Properties | undefined {
  const found = pairs.filter(([, value]) => value !== undefined);
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}
