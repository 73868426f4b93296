import fc from "fast-check";
import { hostileText, hostileValue } from "./hostile";

/** A tree as JSON has it. Its objects are plain ones. */
export type Tree = Record<string, unknown>;

interface Mutation {
  /** Which of the tree's places, counted through; more than there are begins again. */
  place: number;
  act: "replace" | "remove" | "wrap" | "spread" | "add";
  key: string;
  value: unknown;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  place: fc.nat({ max: 400 }),
  act: fc.constantFrom("replace", "replace", "replace", "remove", "wrap", "spread", "add"),
  key: hostileText,
  value: hostileValue,
});

/** The tree with up to `most` places of it made wrong: replaced, removed, put into a list, made an object of, or with one more key. */
export const mutated = (tree: fc.Arbitrary<Tree>, most = 3): fc.Arbitrary<Tree> =>
  fc.tuple(tree, fc.array(mutation, { maxLength: most })).map(([whole, mutations]) => mutations.reduce(mutate, whole));

function mutate(tree: Tree, { place, act, key, value }: Mutation): Tree {
  const places = pathsOf(tree);
  const path = places[place % places.length] ?? [];
  if (act === "add")
    return treeOf(changeAt(tree, path, (old) => (isTree(old) ? fromEntries([...Object.entries(old), [key, value]]) : [old, value])));
  if (path.length === 0) return tree;
  if (act === "remove") return treeOf(changeAt(tree, path, () => removed));
  return treeOf(changeAt(tree, path, (old) => (act === "replace" ? value : act === "wrap" ? [old] : { [key]: old })));
}

/** All paths into a tree, that to the tree itself first. */
export function pathsOf(tree: unknown): string[][] {
  if (typeof tree !== "object" || tree === null) return [[]];
  return [[], ...Object.entries(tree).flatMap(([key, value]) => pathsOf(value).map((path) => [key, ...path]))];
}

const removed = Symbol("removed");

export function changeAt(tree: unknown, [key, ...rest]: string[], change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(tree);
  if (typeof tree !== "object" || tree === null) return tree;
  const entries = Object.entries(tree)
    .map(([name, value]) => [name, name === key ? changeAt(value, rest, change) : value] as const)
    .filter(([, value]) => value !== removed);
  return Array.isArray(tree) ? entries.map(([, value]) => value) : fromEntries(entries);
}

/** An object's own properties only, `__proto__` too, as JSON.parse makes it. */
const fromEntries = (entries: (readonly [string, unknown])[]): Tree => Object.fromEntries(entries);

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);
export const treeOf = (value: unknown): Tree => (isTree(value) ? value : { value });
