import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { StuckError } from "./errors";
import { check } from "./lifecycle/check";
import { type Leaving, remove } from "./lifecycle/delete";
import { diff, isOtherDevice, isSameWish } from "./lifecycle/diff";
import { read } from "./lifecycle/read";
import { reconcile, type Wanted } from "./lifecycle/reconcile";
import { bindingOf, isSameChoice, outputsOf, type Properties, wishesOf } from "./lifecycle/request";

/**
 * The one door of the provider's runtime (frozen): a request is always a list of bindings of one board and one claimant; a
 * DeviceBinding sends a list of one. In an update, a binding without `olds` is new, and one without `news` is given up.
 */
const requestSchema = z.object({
  bindings: z
    .array(
      z.object({
        id: z.string().optional(),
        /** What the program calls it, where one resource has many. */
        entry: z.string().optional(),
        olds: z.record(z.string(), z.unknown()).default({}),
        news: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .min(1),
});
export type Request = z.input<typeof requestSchema>;
type Asked = z.output<typeof requestSchema>["bindings"][number];
export type Operation = "check" | "diff" | "create" | "read" | "update" | "delete";

/** What a call answers, one entry for each binding; which fields are there depends on the operation. */
export interface Answer {
  id?: string;
  inputs?: Properties;
  outs?: Properties;
  failures?: { property: string; reason: string }[];
  reported?: string;
  changes?: boolean;
  replaces?: string[];
  deleteBeforeReplace?: boolean;
}

/**
 * Version 1 is the only one so far; a later package serves it too.
 * @throws DevbindError; it carries `id`, `properties` and `reasons` only where the board really changed and is stuck
 */
export async function call(version: number, operation: Operation, request: Request): Promise<Answer[]> {
  if (version !== 1) throw new Error(`pulumi-devbind/runtime does not know request version ${version}; install a newer pulumi-devbind`);
  const { bindings } = requestSchema.parse(request);
  switch (operation) {
    case "check":
      return bindings.map(({ olds, news }) => check(olds, news));
    case "diff":
      return bindings.map(({ olds, news }) => diff(olds, news));
    case "create":
    case "update":
      return converge(bindings, operation === "update");
    case "read": {
      const live = await read(bindings.map(leavingOf));
      return live.map((outputs, index) =>
        outputs ? { id: bindings[index]?.id, outs: { ...bindings[index]?.olds, ...outputs } } : { id: "" },
      );
    }
    case "delete":
      await remove(bindings.map(leavingOf));
      return bindings.map(() => ({}));
  }
}

const isGiven = (properties: Properties): boolean => Object.keys(properties).length > 0;
const leavingOf = ({ olds, entry }: Asked): Leaving => ({ binding: bindingOf(olds), last: outputsOf(olds), entry });

async function converge(bindings: Asked[], isUpdate: boolean): Promise<Answer[]> {
  // A DeviceBinding for another device is replaced; an entry of many is given up and made anew in one transaction.
  const isOther = ({ entry, olds, news }: Asked) => entry !== undefined && isOtherDevice(olds, news);
  const isNew = (one: Asked) => !isUpdate || !isGiven(one.olds) || isOther(one);
  const asked = bindings.filter(({ news }) => isGiven(news));
  const leaving = bindings.filter((one) => isUpdate && isGiven(one.olds) && (!isGiven(one.news) || isOther(one)));
  const changed = asked.filter((one) => isNew(one) || !isLeftAlone(one));
  const wanted = changed.length + leaving.length > 0 ? changed : asked;
  try {
    const outputs = await reconcile(
      wanted.map((one) => wantedOf(one, isNew(one))),
      leaving.map(leavingOf),
    );
    return bindings.map((one) => {
      const outs = outputs[wanted.indexOf(one)] ?? outputsOf(one.olds);
      return { id: one.id ?? randomUUID(), ...(isGiven(one.news) && { outs: { ...recorded(one.news), ...outs } }) };
    });
  } catch (error) {
    throw error instanceof StuckError ? kept(error, bindings) : error;
  }
}

/** One of many that only reports its drift, and of which nothing was changed, is not touched because another one was. */
const isLeftAlone = ({ entry, olds, news }: Asked): boolean =>
  entry !== undefined && news.onDrift === "report" && outputsOf(olds) !== undefined && isSameWish(olds, news);

function wantedOf({ olds, news, entry }: Asked, isNew: boolean): Wanted {
  return {
    binding: bindingOf(news),
    last: isNew ? undefined : outputsOf(olds),
    isRebind: !isNew && !isDeepStrictEqual(olds.triggers ?? [], news.triggers ?? []),
    isSameChoice: isSameChoice(olds.device, news.device),
    entry,
  };
}

/** A stuck board keeps its resource, so that the next update or destroy knows what was there before. */
function kept(error: StuckError, [first]: Asked[]): Error {
  // The engine keeps these as the resource's outputs, and loads the provider from them; to an answer the SDK adds it by itself.
  const properties = plain({ ...recorded(first?.news ?? {}), __provider: first?.news.__provider, ...error.bindings[0]?.outputs });
  return Object.assign(error, { id: first?.id ?? randomUUID(), properties, reasons: [error.message] });
}

/** What the state keeps of the inputs; the drift too, by which diff knows a recorded one from a fresh one. */
export const recorded = (news: Properties): Properties => ({
  ...wishesOf(news),
  ...(news.drift === undefined ? {} : { drift: news.drift }),
});

/** Neither the engine nor its messages can carry `undefined`. */
export const plain = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
