import type { Screen } from "../demo/screen";
import type { Row } from "./rows";

/** How a row ended: what was seen on the board where it holds, else what went wrong. */
export interface Verdict {
  holds: boolean;
  why: string;
}

/** What the table says of it. */
export const wordOf = ({ holds }: Verdict) => (holds ? "✓ holds" : "✗ fails");

/** Prints the table, and last the count; says whether every row that is listed was run and holds. */
export function printTable(screen: Screen, rows: Record<string, Row>, verdicts: ReadonlyMap<string, Verdict>): boolean {
  const width = Math.max(...Object.values(rows).map(({ way }) => way.length));
  const columns = (first: string, second: string) => `${first.padEnd(7)}  ${second.padEnd(width)}  `;
  screen.line();
  screen.line(screen.paint("bold", `${columns("", "what was asked")}what ran, and what was seen`));
  let held = 0;
  for (const [name, { way, ran, board }] of Object.entries(rows)) {
    const verdict = verdicts.get(name) ?? { holds: false, why: "not run" };
    if (verdict.holds) held += 1;
    screen.line(screen.paint(verdict.holds ? "green" : "red", `${columns(wordOf(verdict), way)}${board}: ${ran}`));
    screen.line(`${columns("", "")}${verdict.why}`);
  }
  const listed = Object.keys(rows).length;
  screen.line();
  screen.line(screen.paint(["bold", held === listed ? "green" : "red"], `seed: ${held} of ${listed} rows hold`));
  return held === listed;
}
