import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { plain as printable, StuckError } from "./errors";
import { check as checkBinding } from "./lifecycle/check";
import { remove } from "./lifecycle/delete";
import { diff as diffBinding } from "./lifecycle/diff";
import { read as readBindings } from "./lifecycle/read";
import { reconcile } from "./lifecycle/reconcile";
import { bindingOf, isSameChoice, outputsOf, type Properties, wishesOf } from "./lifecycle/request";

/**
 * What stored state calls, for years (frozen): the text `__provider` in every resource's state loads this module by the name
 * `pulumi-devbind/runtime` and uses it as a dynamic provider. Everything passes through `call`, and a request is always a list of
 * bindings of one board; a DeviceBinding sends a list of one.
 */
const requestSchema = z.object({
  bindings: z
    .array(
      z.object({
        id: z.string().optional(),
        olds: z.record(z.string(), z.unknown()).default({}),
        news: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .min(1),
});
export type Request = z.input<typeof requestSchema>;
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
 * The one door of the provider. Version 1 is the only one so far; a later package serves it too.
 * @throws DevbindError; it carries `id`, `properties` and `reasons` only where the board really changed and is stuck
 */
export async function call(version: number, operation: Operation, request: Request): Promise<Answer[]> {
  if (version !== 1) throw new Error(`pulumi-devbind/runtime does not know request version ${version}; install a newer pulumi-devbind`);
  const { bindings } = requestSchema.parse(request);
  switch (operation) {
    case "check":
      return bindings.map(({ olds, news }) => checkBinding(olds, news));
    case "diff":
      return bindings.map(({ olds, news }) => diffBinding(olds, news));
    case "create":
    case "update":
      return converge(bindings, operation);
    case "read": {
      const live = await readBindings(bindings.map(({ olds }) => ({ binding: bindingOf(olds), last: outputsOf(olds) })));
      return live.map((outputs, index) =>
        outputs ? { id: bindings[index]?.id, outs: { ...bindings[index]?.olds, ...outputs } } : { id: "" },
      );
    }
    case "delete":
      await remove(bindings.map(({ olds }) => ({ binding: bindingOf(olds), last: outputsOf(olds) })));
      return bindings.map(() => ({}));
  }
}

async function converge(bindings: z.output<typeof requestSchema>["bindings"], operation: "create" | "update"): Promise<Answer[]> {
  const wanted = bindings.map(({ olds, news }) => ({
    binding: bindingOf(news),
    last: operation === "update" ? outputsOf(olds) : undefined,
    isRebind: operation === "update" && !isDeepStrictEqual(olds.triggers ?? [], news.triggers ?? []),
    isSameChoice: isSameChoice(olds.device, news.device),
  }));
  try {
    const outputs = await reconcile(wanted);
    return outputs.map((outs, index) => ({
      id: bindings[index]?.id ?? randomUUID(),
      outs: { ...recorded(bindings[index]?.news ?? {}), ...outs },
    }));
  } catch (error) {
    throw error instanceof StuckError ? kept(error, bindings) : error;
  }
}

/** A stuck board keeps its resource, so that the next update or destroy knows what was there before. */
function kept(error: StuckError, bindings: z.output<typeof requestSchema>["bindings"]): Error {
  const [first] = bindings;
  // The engine keeps these as the resource's outputs, and loads the provider from them; to an answer the SDK adds it by itself.
  const properties = plain({ ...recorded(first?.news ?? {}), __provider: first?.news.__provider, ...error.outputs[0] });
  return Object.assign(error, { id: first?.id ?? randomUUID(), properties, reasons: [error.message] });
}

/** What the state keeps of the inputs; the drift too, by which diff knows a recorded one from a fresh one. */
const recorded = (news: Properties): Properties => ({ ...wishesOf(news), ...(news.drift === undefined ? {} : { drift: news.drift }) });

/** Neither the engine nor its messages can carry `undefined`. */
const plain = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));

async function one(operation: Operation, olds: Properties, news: Properties, id?: string): Promise<Answer> {
  const [answer] = await call(1, operation, { bindings: [{ id, olds, news }] });
  if (!answer) throw new Error("a call answers each of its bindings");
  return answer;
}

/** The six methods of a dynamic provider, each one call. */
export async function check(olds: Properties, news: Properties) {
  const { inputs = {}, failures, reported } = await one("check", olds, news);
  if (reported !== undefined) console.log(printable(`${String(news.claimant)}: drift, left alone as onDrift says: ${reported}`));
  return { inputs: plain(inputs), failures };
}

export async function diff(_id: string, olds: Properties, news: Properties) {
  return one("diff", olds, news);
}

export async function create(news: Properties) {
  const { id, outs = {} } = await one("create", {}, news);
  return { id, outs: plain(outs) };
}

export async function update(id: string, olds: Properties, news: Properties) {
  const { outs = {} } = await one("update", olds, news, id);
  return { outs: plain(outs) };
}

export async function read(id: string, props: Properties) {
  const answer = await one("read", props, {}, id);
  return { id: answer.id ?? "", props: plain(answer.outs ?? {}) };
}

async function removeBinding(id: string, props: Properties): Promise<void> {
  await one("delete", props, {}, id);
}
export { removeBinding as delete };
