import { appendFileSync, writeFileSync } from "node:fs";
import type { Board } from "../boards/board";
import type { Random } from "./random";

/** How a trial ended: the three outcomes that are promised, and the two that must never be. */
export const ends = ["done", "undone", "stuck", "half-bound", "lost"] as const;
export type End = (typeof ends)[number];

/** One fault and what became of it. */
export interface Trial {
  shape: string;
  /** The byte, the write or the moment of the fault. */
  hit: string;
  /** Whether it hit while the client and the board were in their dialogue. */
  isInside: boolean;
  end: End;
  /** What was said, or what is wrong. */
  words: string;
}

/** What a case works with: a board of its own while it runs, its share of the trials, and numbers that only the seed decides. */
export interface Ground {
  board: Board;
  isShort: boolean;
  random: Random;
  /** How many trials of a kind: `short` in the short run, else `long` times the scale. */
  trials(short: number, long: number): number;
  record(trial: Trial): void;
}

export interface Case {
  name: string;
  play(ground: Ground): Promise<void>;
}

interface Row {
  tried: number;
  inside: number;
  ends: Record<End, number>;
}

/** All trials of a run: each a line in the log, and the table of them. */
export class Tally {
  private readonly rows = new Map<string, Row>();
  private brokenOff = 0;

  constructor(
    private readonly cases: readonly string[],
    readonly logPath: string,
  ) {
    writeFileSync(logPath, "");
    for (const name of cases) this.rows.set(name, emptyRow());
  }

  record(name: string, { shape, hit, isInside, end, words }: Trial): void {
    const row = this.rowOf(name);
    row.tried += 1;
    row.inside += isInside ? 1 : 0;
    row.ends[end] += 1;
    appendFileSync(
      this.logPath,
      `${name} | ${shape} | ${hit} | ${isInside ? "inside" : "outside"} | ${end} | ${words.replace(/\s+/g, " ")}\n`,
    );
  }

  /** A case could not be played to its end. */
  breakOff(name: string, error: unknown): void {
    this.brokenOff += 1;
    appendFileSync(this.logPath, `${name} | broken off: ${error instanceof Error ? error.stack : String(error)}\n`);
  }

  /** One line of a case, for while it runs. */
  lineOf(name: string): string {
    const { tried, inside, ends: counts } = this.rowOf(name);
    return `${name}: ${tried} tried, ${inside} inside, ${ends.map((end) => `${counts[end]} ${end}`).join(", ")}`;
  }

  /** The table and, as the last line, what it comes to. */
  text(): string {
    const head = ["case", "tried", "inside the dialogue", "done", "undone", "stuck as expected", "half-bound", "lost"];
    const lines = this.cases.map((name) => cells(name, this.rowOf(name)));
    const table = [head, ...lines, cells("all", this.total())];
    const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
    const aligned = table.map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    );
    return [...aligned.map((row) => row.join("  ")), this.lastLine()].join("\n");
  }

  private lastLine(): string {
    const { tried, ends: counts } = this.total();
    return `faults: ${tried} tried, ${counts["half-bound"]} half-bound, ${counts.lost} lost`;
  }

  /** Whether every case was tried to its end, nine of ten hits were inside the dialogue, and every promise was kept. */
  isGood(): boolean {
    const { tried, inside, ends: counts } = this.total();
    const isEachTried = this.cases.every((name) => this.rowOf(name).tried > 0);
    return isEachTried && this.brokenOff === 0 && inside >= tried * 0.9 && counts["half-bound"] === 0 && counts.lost === 0;
  }

  private total(): Row {
    const total = emptyRow();
    for (const row of this.rows.values()) {
      total.tried += row.tried;
      total.inside += row.inside;
      for (const end of ends) total.ends[end] += row.ends[end];
    }
    return total;
  }

  private rowOf(name: string): Row {
    const row = this.rows.get(name);
    if (row === undefined) throw new Error(`there is no case "${name}"`);
    return row;
  }
}

const emptyRow = (): Row => ({ tried: 0, inside: 0, ends: { done: 0, undone: 0, stuck: 0, "half-bound": 0, lost: 0 } });
const cells = (name: string, { tried, inside, ends: counts }: Row) => [
  name,
  ...[tried, inside, ...ends.map((end) => counts[end])].map(String),
];
