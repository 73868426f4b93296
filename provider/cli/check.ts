import { look, lookDials } from "../board/board";
import { differenceWords } from "../lifecycle/check";
import { deviceAt, lookItem } from "../lifecycle/request";
import { addressOf } from "../ssh/connection";
import { eachBoard, type LabOptions, labTargets, nameOf, type Target } from "./boards";
import { type Exit, exits, withoutAnswer, worst } from "./exit";
import { count, jsonText, type Screen } from "./screen";

export interface CheckOptions extends LabOptions {
  quiet?: boolean;
  json?: boolean;
}

/** How a board is found: all its bindings hold, some don't, it gave no answer, or it is left out because it may be off. */
interface Checked {
  board: string;
  address: string;
  is: "holds" | "drift" | "unreachable" | "skipped";
  bindings: number;
  /** What differs, by the binding's name, in the words that a preview has for it. */
  drift?: Record<string, string>;
  /** Why it gave no answer. */
  reason?: string;
  exit: Exit;
}

/**
 * `devbind check`: whether the lab file holds on its boards right now. One login and one exec for each board; nothing is written, and
 * no state of Pulumi's is read.
 */
export async function check(screen: Screen, names: readonly string[], options: CheckOptions): Promise<Exit> {
  const targets = labTargets(options, names);
  const found = await eachBoard(screen, targets, checkBoard);
  const exit = worst(found.map((one) => one.exit));
  if (options.json) screen.text(jsonText({ holds: exit === exits.fine, boards: found.map(({ exit: _, ...told }) => told) }));
  else tell(screen, found, targets, options.quiet === true);
  return exit;
}

async function checkBoard(target: Target): Promise<Checked> {
  const { name, connection, bindings } = target;
  const about = { board: name, address: addressOf(connection), bindings: Object.keys(bindings).length };
  try {
    const entries = Object.entries(bindings);
    const seen = await look(
      connection,
      entries.map(([, binding]) => lookItem(binding)),
      { dials: lookDials },
    );
    const wrong = entries.flatMap(([entry, binding], index): [string, string][] => {
      const words = differenceWords(binding, seen.board, deviceAt(seen, index));
      return words === undefined ? [] : [[entry, words]];
    });
    if (wrong.length === 0) return { ...about, is: "holds", exit: exits.fine };
    return { ...about, is: "drift", drift: Object.fromEntries(wrong), exit: exits.wrong };
  } catch (error) {
    const { reason, isOff, exit } = withoutAnswer(error, target);
    return { ...about, is: isOff ? "skipped" : "unreachable", reason, exit };
  }
}

function tell(screen: Screen, found: readonly Checked[], targets: readonly Target[], isQuiet: boolean): void {
  const { paint } = screen;
  const colours = { holds: paint.green, drift: paint.red, unreachable: paint.red, skipped: paint.yellow };
  for (const [index, { is, bindings, drift = {}, reason, exit }] of found.entries()) {
    const target = targets[index];
    if (target === undefined || (isQuiet && exit === exits.fine)) continue;
    const told = is === "holds" ? `  ${count(bindings, "binding")}` : reason === undefined ? "" : `  ${reason}`;
    screen.line(`${paint.bold(nameOf(target))}: ${colours[is](is)}${told}`);
    for (const [entry, words] of Object.entries(drift)) screen.line(`  ${entry}: ${words}`);
  }
  if (isQuiet || found.length < 2) return;
  const words = (["holds", "drift", "unreachable", "skipped"] as const).flatMap((is) => {
    const boards = found.filter((one) => one.is === is).length;
    return boards === 0 ? [] : [`${boards} ${is}`];
  });
  screen.line(paint.bold(`${count(found.length, "board")}: ${words.join(", ")}`));
}
