import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Checks } from "../demo/checks";
import { Ending } from "../demo/ending";
import { Screen } from "../demo/screen";
import { bootForDemo, findPulumi, installTools, openAt } from "../demo/setup";
import { playLab } from "./acts";
import { asFound, boardNames, type LabBoard, labBoards } from "./boards";
import { breaksFor } from "./breaks";
import { aimAt } from "./lab-file";
import { promisesFor } from "./promises";

const usage = `npm run demo:lab
    boots a lab of four boards, brings examples/lab up on it, breaks three boards, and has them found and repaired
    --seed <number>   which board breaks in which way (38)`;

const example = resolve(__dirname, "../../examples/lab");

async function main(): Promise<number> {
  const seed = seedOf(process.argv.slice(2));
  if (seed === undefined) {
    console.log(usage);
    return 0;
  }
  const screen = new Screen();
  const ending = new Ending((text) => screen.line(`\n${text}`));
  screen.line(screen.paint("bold", "pulumi-devbind: a lab of four boards in one file, broken and repaired"));
  screen.line();
  try {
    await installTools(screen);
    await findPulumi(screen);
    return await playOn(screen, ending, seed);
  } finally {
    await ending.run();
  }
}

async function playOn(screen: Screen, ending: Ending, seed: number): Promise<number> {
  const started = Date.now();
  const boards: LabBoard[] = [];
  for (const name of boardNames) boards.push(await asFound(name, await bootForDemo(screen, ending, labBoards[name].kind)));
  const stack = await screen.step("A Pulumi project", () => openAt(ending, example, {}));
  await aimAt(stack.folder, new Map(boards.map(({ name, board }) => [name, board])));
  const breaks = breaksFor(boardNames, seed);
  const checks = new Checks(screen, "lab", promisesFor(boardNames, breaks));
  try {
    await playLab({ screen, checks, stack, boards, breaks });
  } catch (error) {
    screen.line(`\n${error instanceof Error ? error.message : error}`);
    await tellConsoles(screen, boards);
  }
  screen.line();
  screen.tell(screen.paint("dim", `Seed ${seed}. All of it took ${Math.round((Date.now() - started) / 1000)} s.`));
  return checks.end() ? 0 : 1;
}

async function tellConsoles(screen: Screen, boards: readonly LabBoard[]): Promise<void> {
  for (const { name, board } of boards) {
    screen.line(`\nThe console of ${name}, its last lines:`);
    screen.quote((await board.consoleLog()).trimEnd().split("\n").slice(-6));
  }
}

/** The seed, or undefined where help is asked for. Refuses what it doesn't know, with the usage. */
function seedOf(words: string[]): number | undefined {
  const options = { seed: { type: "string", default: "38" }, help: { type: "boolean" } } as const;
  const refusal = (why: string) => new Error(`${why}\n\n${usage}`);
  try {
    const { values } = parseArgs({ args: words, options });
    if (values.help) return undefined;
    if (!/^\d{1,9}$/.test(values.seed)) throw new Error(`--seed ${values.seed} is no number`);
    return Number(values.seed);
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error));
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`\n${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
