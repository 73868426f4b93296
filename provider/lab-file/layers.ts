import type { Problems } from "./problems";
import { plainOf, type Written } from "./yaml";

/** How what all boards have, what a profile has and what a board says itself become one board. */

export interface Layered {
  name: string;
  tags: string[];
  /** What the board is made of, every part with the place that it comes from. */
  written: Written;
}

/** Lays defaults, then the profiles that the board names, then its own words on each other. */
export function layered(name: string, own: Written, file: Written, wrong: Problems): Layered {
  const listed = (key: string) => [...(own.fields?.get(key)?.fields?.values() ?? [])];
  const profiles = listed("profiles").flatMap((named, index) => {
    const profile = file.fields?.get("profiles")?.fields?.get(String(named.value));
    const property = `boards.${name}.profiles[${index}]`;
    if (profile === undefined) wrong.add(named, { property, message: `is no profile of this file: ${String(named.value)}` }, "");
    return profile === undefined ? [] : [profile];
  });
  const defaults = file.fields?.get("defaults");
  const layers = [...(defaults === undefined ? [] : [defaults]), ...profiles, own];
  const written = layers.reduce((below, above) => laid(below, above), { offset: own.offset, fields: new Map<string, Written>() });
  written.fields?.delete("profiles");
  written.fields?.delete("tags");
  dropTaken(name, written, own, layers, wrong);
  return { name, tags: listed("tags").map(({ value }) => String(value)), written };
}

/** How deep layers are laid on each other by field: options and entries, their fields; below that a value is one. */
const depthOf: Record<string, number> = { connection: 1, bindings: 2 };

/** Field by field; what stands above wins. */
function laid(below: Written, above: Written, depth?: number): Written {
  if (below.fields === undefined || above.fields === undefined || below.isList || above.isList || depth === 0) return above;
  const fields = new Map(below.fields);
  for (const [key, value] of above.fields) {
    const known = fields.get(key);
    fields.set(key, known === undefined ? value : laid(known, value, depth === undefined ? (depthOf[key] ?? 0) : depth - 1));
  }
  return { ...above, fields };
}

/** A binding that is null takes an inherited one away. */
function dropTaken(name: string, written: Written, own: Written, layers: readonly Written[], wrong: Problems): void {
  const bindings = written.fields?.get("bindings")?.fields;
  for (const [entry, binding] of bindings ?? []) {
    if (binding.fields !== undefined || binding.value !== null) continue;
    bindings?.delete(entry);
    const isInherited = layers.some((layer) => layer !== own && layer.fields?.get("bindings")?.fields?.get(entry)?.fields !== undefined);
    const message = "takes nothing away: no profile of the board has a binding of this name";
    if (!isInherited) wrong.add(binding, { property: `boards.${name}.bindings.${entry}`, message }, "");
  }
}

/** What is written, as an object; what is none has nothing in it. */
export const mapOf = (written: Written): Record<string, unknown> => {
  const value = plainOf(written);
  return isMapping(value) ? value : {};
};

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
