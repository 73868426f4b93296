import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline/promises";
import { look } from "../../provider/board/board";
import { planDevice, wishOf } from "../../provider/plan/plan";
import { bindingSchema } from "../../provider/schema";
import { acts, type Stage } from "./acts";
import { Checks, promises } from "./checks";
import type { Ending } from "./ending";
import { type BoardShell, lookWithOwnEyes, type Place, rebindByHand } from "./eyes";
import { type Options, type OwnBoard, readDevice } from "./options";
import { listDevices, openOwnShell } from "./own-shell";
import type { Screen } from "./screen";
import { findPulumi, openOwnStack } from "./setup";

const mostListed = 40;

/** What shall be done, after all was asked. */
interface Choice {
  place: Place;
  wished: string;
}

/** The story on somebody's own board: nothing is touched before they have said yes, and the device is given back whatever happens. */
export async function playOnOwnBoard(screen: Screen, ending: Ending, options: Options): Promise<number> {
  const { board } = options;
  if (board === undefined) throw new Error("no board was named");
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (!isTerminal && !options.yes)
    throw new Error("Without a terminal to ask at, --board needs --yes --device <bus>/<name> --driver <driver>.");
  const key = options.key ?? defaultKey();
  const shell = await openOwnShell(ending, board, options.key);
  const choice = await choose(screen, ending, shell, { ...options, board, key });
  if (choice === undefined) {
    screen.tell("Nothing was done.");
    return 2;
  }
  await findPulumi(screen);
  const config = { ...configOf(board, key), ...choice.place, driver: choice.wished };
  const stack = await screen.step("A Pulumi project", () => openOwnStack(ending, config));
  const before = await lookWithOwnEyes(shell, choice.place);
  const checks = new Checks(screen, "demo", promises);
  return playAndGiveBack({ screen, checks, stack, shell, ...choice, before, isAlone: false }, ending);
}

/** As ssh does without an agent. */
function defaultKey(): string | undefined {
  if (process.env.SSH_AUTH_SOCK) return undefined;
  return ["id_ed25519", "id_ecdsa", "id_rsa"].map((name) => join(homedir(), ".ssh", name)).find(existsSync);
}

const configOf = ({ host, port, user }: OwnBoard, key: string | undefined) => ({
  host,
  user,
  port: String(port),
  ...(key === undefined ? {} : { privateKeyPath: key }),
});

type Asking = Options & { board: OwnBoard };

async function choose(screen: Screen, ending: Ending, shell: BoardShell, asking: Asking): Promise<Choice | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  ending.atEnd(async () => terminal.close());
  try {
    const choice = await nameThem(screen, shell, terminal, asking);
    const isAllowed = await screen.step("a look at the board", () => whatPlanSays(asking, choice)).then((said) => tellPlan(screen, said));
    if (!isAllowed) return undefined;
    if (asking.yes) return choice;
    const answer = await terminal.question(`   Rebind it to and fro, twice? The device is given back at the end. [y/N] `);
    return /^y(es)?$/i.test(answer.trim()) ? choice : undefined;
  } finally {
    terminal.close();
  }
}

async function nameThem(screen: Screen, shell: BoardShell, terminal: Interface, { device, driver }: Asking): Promise<Choice> {
  if (device === undefined) {
    const devices = await screen.step("the board's devices", () => listDevices(shell));
    screen.quote(devices.slice(0, mostListed));
    if (devices.length > mostListed) screen.tell(`and ${devices.length - mostListed} more`);
  }
  const place = device ?? readDevice((await terminal.question("   Which device? ")).trim());
  const wished = driver ?? (await terminal.question("   Which driver shall have it? [vfio-pci] ")).trim();
  return { place, wished: wished || "vfio-pci" };
}

/** What the provider's own look and plan say, before anything is written. */
async function whatPlanSays({ board, key }: Asking, { place, wished }: Choice): Promise<{ is: string[]; refusals: string[] }> {
  const connection = { host: board.host, port: board.port, user: board.user, privateKeyPath: key, dialErrorLimit: 2 };
  const binding = bindingSchema.parse({ connection, ...place, driver: wished });
  const observation = await look(binding.connection, [{ ...place, driver: wished, module: wished }]);
  const [device] = observation.devices;
  if (device === undefined) throw new Error("the board's answer has no device");
  const { refusals } = planDevice(binding, wishOf(binding, device, false), observation.board, device);
  const is = [
    `${observation.board.hostName}, Linux ${observation.board.kernel}`,
    `${place.bus}/${place.device}: ${device.driver === null ? "no driver" : `driver ${device.driver}`}, override ${device.override ?? "none"}`,
    `guard: ${device.guard === null ? "nothing that this board needs stands on it" : `it carries ${device.guard}`}`,
  ];
  const isThere = device.driver === wished ? [`It has the driver ${wished} already: choose another for the story.`] : [];
  const isSet = device.override === null ? [] : ["An override is set: somebody uses it. The story needs a device without one."];
  return { is, refusals: [...refusals.map(({ reason, todo }) => `${reason} ${todo}`), ...isThere, ...isSet] };
}

function tellPlan(screen: Screen, { is, refusals }: { is: string[]; refusals: string[] }): boolean {
  screen.quote(is);
  for (const refusal of refusals) screen.line(`   ${screen.paint("red", "✗")} ${refusal}`);
  return refusals.length === 0;
}

async function playAndGiveBack(stage: Stage, ending: Ending): Promise<number> {
  const { screen, checks } = stage;
  let stopped = false;
  ending.gently((signal) => {
    stopped = true;
    screen.line(`\n${signal}: the device is given back after this step; once more ends at once and leaves it as it is`);
  });
  try {
    for (const act of acts) if (!stopped) await act(stage);
  } catch (error) {
    screen.line(`\n${error instanceof Error ? error.message : error}`);
  }
  await giveBack(stage);
  return checks.end() ? 0 : stopped ? 130 : 1;
}

/** After a story that did not come to its end. */
async function giveBack({ screen, stack, shell, place, before }: Stage): Promise<void> {
  if (isAsBefore(before, await lookWithOwnEyes(shell, place))) return;
  await screen.step("$ pulumi destroy", () => stack.destroy()).catch((error: Error) => screen.line(`\n${error.message}`));
  const now = await lookWithOwnEyes(shell, place);
  if (isAsBefore(before, now)) return screen.tell(`${place.device} is given back.`);
  screen.tell("The device is not as it was. By hand, as root on the board:");
  screen.quote(rebindByHand(place, now.driver, before.driver, before.hasOverride));
}

const isAsBefore = (before: Stage["before"], now: Stage["before"]) =>
  now.driver === before.driver && now.override === before.override && now.claims === 0;
