import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { plain } from "../errors";

/** A YAML text as data of which every part knows where it was written. Nothing but maps, lists and plain values comes out of it. */

/** One value, and where it stands. */
export interface Written {
  /** Characters from the start of the text. */
  offset: number;
  /** Of a map, by its keys; of a list, by its indexes. */
  fields?: Map<string, Written>;
  isList?: boolean;
  /** Of neither: a text, a number, true, false or null. */
  value?: unknown;
  /** What stands there, where that is not a quoted text. */
  source?: string;
}

export interface YamlProblem {
  offset: number;
  message: string;
}

/** More values than any lab has: anchors that name each other could make a short text endless. */
const valuesMaximum = 200_000;
const deepest = 30;

/** Our words for what the parser says; its own for the rest. */
const wordsFor: Record<string, string> = {
  MULTIPLE_DOCS: "a second document starts here: one file is one lab",
  TAB_AS_INDENT: "a tab can't indent in YAML: use spaces",
  DUPLICATE_KEY: "this key stands here already",
  TAG_RESOLVE_FAILED: "tags like this are not taken",
};

/** Reads a text. Line and column of an offset start at 1. Every problem is told; where there is one, `written` is what could be read. */
export function readYaml(text: string): { written: Written; problems: YamlProblem[]; place: (offset: number) => string } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const said = [...document.errors, ...document.warnings];
  const problems = said.map(({ code, message, pos }) => ({ offset: pos[0], message: wordsFor[code] ?? plain(message).replace(/\.$/, "") }));
  const reader = new Reader(document, problems);
  const written = reader.read(document.contents, 0, 0);
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  return { written, problems, place };
}

class Reader {
  private values = 0;

  constructor(
    private readonly document: Document,
    private readonly problems: YamlProblem[],
  ) {}

  read(node: Node | null | undefined, offset: number, depth: number): Written {
    const at = node?.range?.[0] ?? offset;
    this.values += 1;
    if (this.values > valuesMaximum || depth > deepest) return this.refuse(at, "more values, or deeper ones, than a lab has");
    if (isAlias(node)) {
      const named = node.resolve(this.document);
      return named === undefined ? this.refuse(at, "no anchor of this name stands above") : this.read(named, at, depth + 1);
    }
    if (isMap<Node, Node>(node)) return { offset: at, fields: new Map(node.items.map(({ key, value }) => this.pair(key, value, depth))) };
    if (isSeq<Node>(node)) {
      const items = node.items.map((item, index): [string, Written] => [String(index), this.read(item, at, depth + 1)]);
      return { offset: at, isList: true, fields: new Map(items) };
    }
    if (!isScalar(node)) return { offset: at, value: null };
    return { offset: at, value: node.value, ...(node.type === "PLAIN" && node.source !== undefined && { source: node.source }) };
  }

  /** An empty value stands where its key ends. */
  private pair(key: Node, value: Node | null, depth: number): [string, Written] {
    const end = key.range?.[1] ?? 0;
    const name = isScalar(key) ? String(key.value) : "?";
    if (name === "__proto__") this.problems.push({ offset: key.range?.[0] ?? end, message: "this key is not taken" });
    const read = this.read(value, end, depth + 1);
    return [name, read.value === null && read.source === "" ? { ...read, offset: key.range?.[0] ?? end } : read];
  }

  /** Once is enough: what follows is as wrong. */
  private refuse(offset: number, message: string): Written {
    if (!this.problems.some((one) => one.message === message)) this.problems.push({ offset, message });
    return { offset, value: null };
  }
}

/** The value itself. */
export function plainOf({ fields, isList, value }: Written): unknown {
  if (fields === undefined) return value;
  return isList ? [...fields.values()].map(plainOf) : Object.fromEntries([...fields].map(([key, inner]) => [key, plainOf(inner)]));
}

/**
 * What stands at a path like "boards.a.bindings.13860000.i2c.driver", or, where nothing does, what is nearest above it. Keys may hold
 * dots: the longest that fits is taken.
 */
export function nearest(written: Written, path: string): { found: Written; isExact: boolean } {
  if (path === "") return { found: written, isExact: true };
  const keys = [...(written.fields?.keys() ?? [])].filter((key) => startsAt(written.isList ? `[${key}]` : key, path));
  const key = keys.sort((one, other) => other.length - one.length)[0];
  const inner = key === undefined ? undefined : written.fields?.get(key);
  if (key === undefined || inner === undefined) return { found: written, isExact: false };
  return nearest(inner, path.slice(written.isList ? key.length + 2 : key.length).replace(/^\./, ""));
}

const startsAt = (key: string, path: string): boolean =>
  path.startsWith(key) && (path.length === key.length || [".", "["].includes(path[key.length] ?? ""));
