import type { Result, Stack } from "../helpers/pulumi/engine";
import type { Checks, PromiseName } from "./checks";
import { type BoardShell, isUntouched, lookWithOwnEyes, type Place, rebindByHand, type Sight } from "./eyes";
import { picture } from "./picture";
import { diffLines, outputLines, stepLines, summaryLine } from "./quotes";
import type { Screen } from "./screen";

/** Everything the story is played with. */
export interface Stage {
  screen: Screen;
  checks: Checks<PromiseName>;
  stack: Stack;
  shell: BoardShell;
  place: Place;
  /** The driver that the program wishes. */
  wished: string;
  /** How the device was before the first act. */
  before: Sight;
  /** Nobody else makes uevents on this board. */
  isAlone: boolean;
}

export type Act = (stage: Stage) => Promise<void>;

const look = ({ shell, place }: Stage) => lookWithOwnEyes(shell, place);
const nameOf = (driver: string | null) => driver ?? "no driver";

function show({ screen, place, wished, before }: Stage, sight: Sight, isWished = true): void {
  const scene = { ...place, drivers: [before.driver, wished], current: sight.driver, override: sight.override };
  for (const line of picture({ ...scene, wished: isWished ? wished : undefined }, (style, text) => screen.paint(style, text))) {
    screen.line(line);
  }
}

async function pulumi(stage: Stage, name: "up" | "preview" | "refresh" | "destroy", extraArguments: string[] = []): Promise<Result> {
  const words = ["$ pulumi", name, ...extraArguments].join(" ");
  return stage.screen.step(words, () => stage.stack[name]({ extraArguments }));
}

/** Act 1: the board as it is, with nothing of ours on it. */
const asItComesUp: Act = async (stage) => {
  const { screen, checks, before, wished } = stage;
  screen.heading(1, "The board as it comes up");
  screen.tell("A Linux board, seen over plain ssh: which driver has the device?");
  show(stage, before, false);
  const isFree = before.driver !== wished && before.override === null && before.claims === 0;
  checks.check("before", isFree, `${nameOf(before.driver)}`);
};

/** Act 2: the program is brought up, and the device changes hands. */
const up: Act = async (stage) => {
  const { screen, checks, wished, before } = stage;
  screen.heading(2, "A program says who shall have it");
  screen.quote(programLines(stage));
  const result = await pulumi(stage, "up");
  screen.quote([...stepLines(result), ...outputLines(result)]);
  const sight = await look(stage);
  show(stage, sight);
  const created = result.steps.some((step) => step.pass === "update" && step.operation === "create" && !step.failed);
  checks.check("created", created, summaryLine(result));
  checks.check("bound", sight.driver === wished, nameOf(sight.driver));
  const { previousDriver, iommuGroup, vfioPath, driver } = await stage.stack.outputs();
  const isTrue =
    driver === sight.driver &&
    (previousDriver ?? null) === before.driver &&
    (iommuGroup ?? null) === sight.group &&
    (!vfioPath || sight.hasGroupFile);
  const group = sight.group === null ? "no group" : `group ${sight.group}`;
  checks.check("outputs", isTrue, `was ${nameOf(before.driver)}, ${group}${vfioPath ? `, ${vfioPath}` : ""}`);
};

const programLines = ({ place, wished }: Stage) => [
  'new DeviceBinding("card", {',
  "  connection: { host, port, … },",
  `  bus: "${place.bus}",`,
  `  device: "${place.device}",`,
  `  driver: "${wished}",`,
  "});",
];

/** Act 3: somebody logs in and rebinds the device with the old commands. */
const byHand: Act = async (stage) => {
  const { screen, checks, shell, place, wished, before } = stage;
  screen.heading(3, "Somebody rebinds it by hand, behind Pulumi's back");
  screen.tell("The old way. Nothing records it, and nothing takes it back.");
  const commands = rebindByHand(place, wished, before.driver, before.hasOverride);
  screen.quote(commands.map((command) => `# ${command}`));
  await shell(commands.join(" && "));
  const sight = await look(stage);
  show(stage, sight);
  checks.check("byHand", sight.driver === before.driver, nameOf(sight.driver));
};

/** Act 4: a plain preview sees it, and touches nothing. */
const preview: Act = async (stage) => {
  const { screen, checks, before } = stage;
  screen.heading(4, "Pulumi sees it");
  screen.tell("The program has not changed. Each preview looks at the board.");
  const earlier = await look(stage);
  const result = await pulumi(stage, "preview", ["--diff"]);
  screen.quote(diffLines(result));
  screen.line();
  const later = await look(stage);
  const drift = result.steps.map((step) => step.new?.inputs.drift).find((text) => typeof text === "string");
  checks.check("drift", String(drift).includes(`driver is ${before.driver ?? "none"}`), drift === undefined ? "no drift" : `"${drift}"`);
  checks.check("previewOnly", isUntouched(earlier, later, stage.isAlone), whatStoodStill(stage, later));
};

/** Act 5: the same command repairs it. */
const repair: Act = async (stage) => {
  const { screen, checks, wished } = stage;
  screen.heading(5, "Pulumi repairs it");
  screen.tell("Unbound and bound in one transaction on the board.");
  const result = await pulumi(stage, "up");
  screen.quote(stepLines(result));
  const sight = await look(stage);
  show(stage, sight);
  checks.check("repaired", sight.driver === wished, nameOf(sight.driver));
};

/** Act 6: refresh, and up again: all is right, so nothing happens. */
const nothingToDo: Act = async (stage) => {
  const { screen, checks } = stage;
  screen.heading(6, "All is right, so nothing happens");
  const earlier = await look(stage);
  const refreshed = await pulumi(stage, "refresh");
  const changes = refreshed.steps.filter((step) => step.operation !== "same" && step.operation !== "refresh");
  checks.check("refreshed", changes.length === 0, summaryLine(refreshed));
  const result = await pulumi(stage, "up");
  const isSame = result.steps.length > 0 && result.steps.every((step) => step.operation === "same");
  checks.check("unchanged", isSame, summaryLine(result));
  const later = await look(stage);
  checks.check("nothingWritten", isUntouched(earlier, later, stage.isAlone), whatStoodStill(stage, later));
};

/** Act 7: the resource is given up, and the device goes back to where it was. */
const destroy: Act = async (stage) => {
  const { screen, checks, before } = stage;
  screen.heading(7, "The program is taken away");
  screen.tell("The device goes back to the driver that it had at the beginning.");
  const result = await pulumi(stage, "destroy");
  screen.quote(stepLines(result));
  const sight = await look(stage);
  show(stage, sight, false);
  checks.check("destroyed", sight.driver === before.driver, nameOf(sight.driver));
  checks.check("override", sight.override === before.override, sight.override ?? "none");
  checks.check("noClaim", sight.claims === 0, sight.claims === 0 ? "none" : `${sight.claims} left`);
};

const whatStoodStill = ({ isAlone }: Stage, { uevents, driver }: Sight) =>
  isAlone ? `uevent counter still ${uevents}` : `the same link to ${nameOf(driver)}`;

export const acts: readonly Act[] = [asItComesUp, up, byHand, preview, repair, nothingToDo, destroy];
