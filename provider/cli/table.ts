import Table from "cli-table3";
import { plain } from "../errors";

/** One cell: its text, and the colour that it has where there are colours. */
export interface Cell {
  text: string;
  paint?(text: string): string;
}

const gap = 2;
/** The last column is never narrower: below that a terminal breaks the line. */
const narrowest = 12;
const noBorders = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"])
    .map((name) => [name, ""]),
);

/**
 * The lines of a table without borders: each column as wide as its widest cell, the last one cut with "…" where the terminal ends.
 * `width` undefined: nothing is cut. Columns of which no row has anything are left out.
 */
export function tableLines(head: readonly Cell[], rows: readonly Cell[][], width: number | undefined): string[] {
  const isUsed = head.map((_, column) => column === head.length - 1 || rows.some((row) => (row[column]?.text ?? "") !== ""));
  const all = [head, ...rows].map((row) => row.filter((_, column) => isUsed[column]).map((cell) => ({ ...cell, text: plain(cell.text) })));
  const widest = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => [...(row[column]?.text ?? "")].length)));
  const before = widest.slice(0, -1).reduce((sum, one) => sum + one + gap, 0);
  const last = Math.max(1, Math.min(widest.at(-1) ?? 0, Math.max(narrowest, (width ?? Number.POSITIVE_INFINITY) - before)));
  const table = new Table({
    chars: noBorders,
    style: { head: [], border: [], "padding-left": 0, "padding-right": gap },
    colWidths: widest.map((one, column) => (column === widest.length - 1 ? last : one) + gap),
  });
  table.push(
    ...all.map((row) => row.map(({ text, paint = same }, column) => (column === row.length - 1 ? paint(cut(text, last)) : paint(text)))),
  );
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

const same = (text: string): string => text;

function cut(text: string, width: number): string {
  const letters = [...text];
  return letters.length > width ? `${letters.slice(0, width - 1).join("")}…` : text;
}
