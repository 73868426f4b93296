import { randomUUID } from "node:crypto";
import { type Answer, call, type Operation, plain, recorded } from "./call";
import { plain as printable, StuckError } from "./errors";
import { checkBoard, diffBoard, entriesOf, isObject } from "./lifecycle/entries";
import { outputsOf, type Properties } from "./lifecycle/request";

/**
 * What stored state calls, for years (frozen): the text `__provider` in every resource's state loads this module by the name
 * `pulumi-devbind/runtime` and uses it as a dynamic provider. Its six methods serve both resources: one that has `bindings` is a
 * BoardBindings. Everything passes through `call`.
 */
export { type Answer, call, type Operation, type Request } from "./call";

const isBoard = (properties: Properties): boolean => "bindings" in properties;

async function one(operation: Operation, olds: Properties, news: Properties, id?: string): Promise<Answer> {
  const [answer] = await call(1, operation, { bindings: [{ id, olds, news }] });
  if (!answer) throw new Error("a call answers each of its bindings");
  return answer;
}

export async function check(olds: Properties, news: Properties) {
  const { inputs = {}, failures, reported } = isBoard(news) ? checkBoard(olds, news) : await one("check", olds, news);
  if (reported !== undefined) console.log(printable(`${String(news.claimant)}: drift, left alone as onDrift says: ${reported}`));
  return { inputs: plain(inputs), failures };
}

export async function diff(_id: string, olds: Properties, news: Properties) {
  return isBoard(news) ? diffBoard(olds, news) : one("diff", olds, news);
}

/** A board that is left out has bound nothing yet: its resource says so, and the next `up` tries again. */
const nothingBound = { currentDriver: null, previousDriver: null, previousOverride: null, driverOverride: null };

export async function create(news: Properties) {
  const { skipped } = news;
  if (typeof skipped === "string")
    return { id: randomUUID(), outs: plain({ ...recorded(news), ...(isBoard(news) ? { devices: {} } : nothingBound), skipped }) };
  if (isBoard(news)) return { id: randomUUID(), outs: await converge("create", {}, news) };
  const { id, outs = {} } = await one("create", {}, news);
  return { id, outs: plain(outs) };
}

/** Left out, the outputs stay those of the last wish that came true, so that the next update knows all that there is to give back. */
export async function update(id: string, olds: Properties, news: Properties) {
  if (typeof news.skipped === "string") return { outs: plain({ ...olds, skipped: news.skipped }) };
  if (isBoard(news)) return { outs: await converge("update", olds, news, id) };
  const { outs = {} } = await one("update", olds, news, id);
  return { outs: plain(outs) };
}

/** Nothing was bound yet: the board was left out when it was to be. */
const isOnlySkipped = (properties: Properties): boolean =>
  typeof properties.skipped === "string" &&
  (isBoard(properties) ? !isObject(properties.devices) || isEmpty(properties.devices) : outputsOf(properties) === undefined);
const isEmpty = (properties: Properties): boolean => Object.keys(properties).length === 0;

export async function read(id: string, props: Properties) {
  if (isOnlySkipped(props)) return { id, props };
  if (isBoard(props)) return readBoard(id, props);
  const answer = await one("read", props, {}, id);
  return { id: answer.id ?? "", props: plain(answer.outs ?? {}) };
}

async function removeBinding(id: string, props: Properties): Promise<void> {
  if (isOnlySkipped(props)) return;
  if (!isBoard(props)) {
    await one("delete", props, {}, id);
    return;
  }
  const bindings = Object.entries(entriesOf(props) ?? {}).map(([entry, olds]) => ({ id, entry, olds }));
  if (bindings.length > 0) await call(1, "delete", { bindings });
}
export { removeBinding as delete };

/** All entries of a board in one transaction: those that are wished, and those that are wished no more. */
async function converge(operation: "create" | "update", olds: Properties, news: Properties, id?: string): Promise<Properties> {
  const [before, now] = [entriesOf(olds) ?? {}, entriesOf(news) ?? {}];
  const entries = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  const bindings = entries.map((entry) => ({ id, entry, olds: before[entry] ?? {}, news: now[entry] ?? {} }));
  try {
    const answers = bindings.length > 0 ? await call(1, operation, { bindings }) : [];
    return boardOuts(
      recorded(news),
      entries.map((entry, index) => [entry, answers[index]?.outs]),
    );
  } catch (error) {
    throw error instanceof StuckError ? keptBoard(error, olds, news, id) : error;
  }
}

function boardOuts(wishes: Properties, outs: [string, Properties | undefined][]): Properties {
  const devices = outs.flatMap(([entry, of]) => {
    const outputs = of && outputsOf(of);
    return outputs ? [[entry, outputs] as const] : [];
  });
  const { boardId, bootId } = devices[0]?.[1] ?? {};
  return plain({ ...wishes, devices: Object.fromEntries(devices), boardId, bootId, skipped: null });
}

/** Those that are given up stay in the state of a stuck board too: the next update gives them back. */
function keptBoard(error: StuckError, olds: Properties, news: Properties, id?: string): Error {
  const left = error.bindings.flatMap(({ entry, isLeaving }) => (isLeaving && entry !== undefined ? [entry] : []));
  const gone = Object.fromEntries(left.map((entry) => [entry, isObject(olds.bindings) ? olds.bindings[entry] : undefined]));
  const bindings = { ...(isObject(news.bindings) ? news.bindings : {}), ...gone };
  const known = Object.entries(entriesOf(olds) ?? {});
  const stuck = error.bindings.flatMap(({ entry, outputs }): [string, Properties][] => (entry === undefined ? [] : [[entry, outputs]]));
  const properties = { ...boardOuts({ ...recorded(news), bindings }, [...known, ...stuck]), __provider: news.__provider };
  return Object.assign(error, { id: id ?? randomUUID(), properties: plain(properties), reasons: [error.message] });
}

async function readBoard(id: string, props: Properties) {
  const entries = Object.entries(entriesOf(props) ?? {}).filter(([, olds]) => outputsOf(olds) !== undefined);
  if (entries.length === 0) return { id, props };
  const answers = await call(1, "read", { bindings: entries.map(([entry, olds]) => ({ id, entry, olds })) });
  const found = entries.map(([entry], index): [string, Properties | undefined] => [
    entry,
    answers[index]?.id === "" ? undefined : answers[index]?.outs,
  ]);
  if (found.every(([, outs]) => outs === undefined)) return { id: "", props: {} };
  return { id, props: { ...props, ...boardOuts({}, found), skipped: props.skipped ?? null } };
}
