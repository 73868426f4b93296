import { type Board, bootBoard } from "../boards/board";
import type { Say } from "../boards/run";
import { Ending } from "../demo/ending";
import { Screen } from "../demo/screen";
import { findPulumi, installTools } from "../demo/setup";
import { boardAsFound } from "../kernel/eyes";
import { installVfio } from "../kernel/own-vfio";
import { watchWrites } from "../kernel/witness";
import { ProgramScene } from "./program-scene";
import { boards, type Row, rows } from "./rows";
import { printTable, type Verdict, wordOf } from "./table";

type Kind = keyof typeof boards;

/**
 * `npm run seed`: each way of the 2013 RFC on rebinding to vfio, and its answer: a Pulumi program under the real engine, on a real kernel in
 * QEMU, looked at over plain ssh. Prints the table, and ends with how many rows hold; with exit code 1 unless all do.
 */
async function main(): Promise<number> {
  const screen = new Screen();
  const ending = new Ending((text) => screen.line(`\n${text}`));
  const verdicts = new Map<string, Verdict>();
  screen.line(screen.paint("bold", "pulumi-devbind: what the RFC of 2013 on rebinding to vfio asked, and what answers it"));
  screen.line();
  try {
    await installTools(screen);
    await findPulumi(screen);
    for (const kind of Object.keys(boards) as Kind[]) {
      await playBoard(screen, ending, kind, verdicts).catch((error: unknown) => screen.line(`\n${wordsOf(error)}`));
    }
    return printTable(screen, rows, verdicts) ? 0 : 1;
  } finally {
    await ending.run();
  }
}

/** Boots a board and runs its rows, first those on the modules of its own kernel. */
async function playBoard(screen: Screen, ending: Ending, kind: Kind, verdicts: Map<string, Verdict>): Promise<void> {
  const board = await screen.step(
    "A board in QEMU",
    (say) => bootBoard(kind, { ...boards[kind], onProgress: say }),
    ({ port }) => `${kind}, SSH on 127.0.0.1:${port}`,
  );
  ending.atEnd(() => board.close());
  await watchWrites(board);
  const own = Object.entries<Row>(rows).filter(([, row]) => row.board === kind);
  const inOrder = [...own.filter(([, row]) => !row.needsVfio), ...own.filter(([, row]) => row.needsVfio)];
  for (const [name, row] of inOrder) {
    verdicts.set(
      name,
      await screen.step(
        row.ran,
        (say) => playRow(ending, board, row, say),
        (verdict) => `  ${wordOf(verdict)}`,
      ),
    );
  }
  await board.close();
}

/** Runs one row. A board that is not as it was found makes it fail; after a failure the next row gets the board after a reset. */
async function playRow(ending: Ending, board: Board, { needsVfio, story }: Row, say: Say): Promise<Verdict> {
  const scene = new ProgramScene(board);
  ending.atEnd(() => scene.close());
  try {
    if (needsVfio) await installVfio(board, say);
    const found = await boardAsFound(board);
    const why = await story(scene);
    const changed = linesOfOneOnly(found, await boardAsFound(board));
    if (changed.length > 0) throw new Error(`it was run, but the board is not as it was found: ${changed.join(", ")}`);
    return { holds: true, why };
  } catch (error) {
    await board.reset();
    await watchWrites(board);
    return { holds: false, why: wordsOf(error) };
  }
}

function linesOfOneOnly(...texts: [string, string]): string[] {
  const [first, second] = texts.map((text) => new Set(text.split("\n")));
  return [...new Set(texts.join("\n").split("\n"))].filter((line) => first?.has(line) !== second?.has(line));
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`\n${wordsOf(error)}`);
    process.exit(1);
  },
);
