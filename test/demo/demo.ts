import { acts, type Stage } from "./acts";
import { Checks, type PromiseName, promises } from "./checks";
import { Ending } from "./ending";
import { lookWithOwnEyes } from "./eyes";
import { readOptions, usage } from "./options";
import { playOnOwnBoard } from "./own-board";
import { Screen } from "./screen";
import { bootForDemo, findPulumi, installTools, openDemoStack } from "./setup";

/** npm run demo: see usage in options.ts. */

const place = { bus: "pci", device: "0000:00:01.0" };

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const screen = new Screen();
  const ending = new Ending((text) => screen.line(`\n${text}`));
  screen.line(screen.paint("bold", "pulumi-devbind: which driver owns which device, written down in a program"));
  screen.line();
  try {
    return options.board === undefined ? await playOnArm64(screen, ending) : await playOnOwnBoard(screen, ending, options);
  } finally {
    await ending.run();
  }
}

async function playOnArm64(screen: Screen, ending: Ending): Promise<number> {
  const started = Date.now();
  await installTools(screen);
  await findPulumi(screen);
  const board = await bootForDemo(screen, ending, "arm64");
  const stack = await screen.step("A Pulumi project", async () => {
    const opened = await openDemoStack(ending, {
      host: board.host,
      port: String(board.port),
      hostKey: board.hostKey,
      device: place.device,
    });
    await opened.setConfig("privateKey", board.privateKey, { secret: true });
    return opened;
  });
  const shell = (command: string) => board.shell(command);
  const before = await lookWithOwnEyes(shell, place);
  const checks = new Checks(screen, "demo", promises);
  try {
    await play({ screen, checks, stack, shell, place, wished: "vfio-pci", before, isAlone: true });
  } catch (error) {
    screen.line(`\n${error instanceof Error ? error.message : error}\n\nThe board's console, its last lines:`);
    screen.quote((await board.consoleLog()).trimEnd().split("\n").slice(-12));
  }
  return finish(screen, checks, started);
}

async function play(stage: Stage): Promise<void> {
  for (const act of acts) await act(stage);
}

function finish(screen: Screen, checks: Checks<PromiseName>, started: number): number {
  screen.line();
  screen.tell(screen.paint("dim", `All of it took ${Math.round((Date.now() - started) / 1000)} s.`));
  return checks.end() ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`\n${error instanceof Error ? error.message : error}`);
    process.exit(1);
  },
);
