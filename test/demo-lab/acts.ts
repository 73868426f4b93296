import { readFile } from "node:fs/promises";
import { stepLines, summaryLine } from "../demo/quotes";
import { drivers } from "./boards";
import { breakIt, breakWords, isBroken } from "./breaks";
import {
  type Act,
  brokenBy,
  checkUntouched,
  checkWished,
  devbind,
  labFileOf,
  linesOf,
  lookAtAll,
  namesOf,
  pulumi,
  sameNames,
  type Stage,
} from "./stage";

/** Act 1: the boards as they are, with nothing of ours on them. */
const asTheyComeUp: Act = async ({ screen, checks, boards }) => {
  screen.heading(1, "The boards as they come up");
  for (const { name, devices, before } of boards) {
    const isFree = devices.every(({ wished }, index) => before[index]?.driver !== wished);
    const isOwn = before.every(({ override, claims }) => override === null && claims === 0);
    checks.check(`${name} before`, isFree && isOwn, drivers(devices, before));
  }
};

/** Act 2: one file says what each board is like, and one command brings it about. */
const up: Act = async (stage) => {
  const { screen, checks, boards } = stage;
  screen.heading(2, "One file for the lab");
  const file = linesOf(await readFile(labFileOf(stage), "utf8"));
  screen.quote(file.slice(file.findIndex((line) => line.startsWith("profiles:"))));
  screen.line();
  const { result, changed } = await pulumi(stage, "up");
  screen.quote(stepLines(result));
  checks.check("created", sameNames(changed("create"), namesOf(boards)), summaryLine(result));
  checkWished(stage, "bound", boards, await lookAtAll(boards));
  const { code } = await devbind(stage, "check", "--lab", "lab.yaml");
  checks.check("holds", code === 0, `exit code ${code}`);
};

/** Act 3: the boards go wrong, each in its own way. */
const goWrong: Act = async (stage) => {
  const { screen, checks, boards, breaks } = stage;
  screen.heading(3, "Behind Pulumi's back");
  for (const broken of boards) {
    const way = breaks.get(broken.name);
    if (way === undefined) continue;
    const words = await screen.step(`${broken.name}: ${breakWords[way]}`, () => breakIt(broken, way));
    screen.quote([words]);
    checks.check(`${broken.name} broken`, await isBroken(broken, way), way === "off" ? "no answer" : "not as the file says");
  }
};

/** Act 4: the command sees it without any state, says what would repair it, and writes nothing. */
const see: Act = async (stage) => {
  const { screen, checks } = stage;
  screen.heading(4, "What is wrong in the lab?");
  const on = brokenBy(stage, "byHand", "reset", undefined);
  const [wrong, off] = [brokenBy(stage, "byHand", "reset"), brokenBy(stage, "off")];
  const earlier = await lookAtAll(on);
  if (off.length > 0) {
    const { code, out } = await devbind(stage, "check", "--lab", "lab.yaml");
    const isTold = off.every(({ name }) => told(out, name).startsWith("unreachable"));
    checks.check("unreachable", code === 2 && isTold, `${namesOf(off)}, exit code ${code}`);
  }
  const some = await devbind(stage, "check", "--lab", "lab.yaml", ...namesOf(on));
  const driftIsTold = on.every((board) => told(some.out, board.name).startsWith(wrong.includes(board) ? "drift" : "holds"));
  checks.check("drift", some.code === 1 && driftIsTold, `${namesOf(wrong)}, exit code ${some.code}`);
  const planned = await devbind(
    stage,
    "plan",
    "--lab",
    "lab.yaml",
    "--as",
    `organization/devbind-lab/${stage.stack.name}/bench`,
    ...namesOf(on),
  );
  const writes = on.every((board) => (wrong.includes(board) ? /^\d+ writes?$/ : /^nothing to write$/).test(told(planned.out, board.name)));
  checks.check("planned", planned.code === 0 && writes, on.map(({ name }) => `${name}: ${told(planned.out, name)}`).join(", "));
  checkUntouched(stage, "lookedOnly", on, [earlier, await lookAtAll(on)]);
};

/** What the command says of a board: the rest of its line. */
function told(output: string, name: string): string {
  const line = linesOf(output).find((one) => one.startsWith(`${name} (`)) ?? "";
  return line.slice(line.indexOf("): ") + 3);
}

/** Act 5: the board is switched on, and the same command repairs all. */
const repair: Act = async (stage) => {
  const { screen, checks, boards } = stage;
  screen.heading(5, "Repaired");
  const whole = brokenBy(stage, undefined);
  const broken = brokenBy(stage, "byHand", "reset", "off");
  for (const { name, board } of brokenBy(stage, "off")) await screen.step(`${name} is switched on`, () => board.powerOn());
  const earlier = await lookAtAll(whole);
  const { result, changed } = await pulumi(stage, "up");
  screen.quote(stepLines(result));
  checks.check("updated", sameNames(changed("update"), namesOf(broken)), summaryLine(result));
  const later = await lookAtAll(boards);
  checkWished(stage, "repaired", boards, later);
  checkUntouched(stage, "leftAlone", whole, [earlier, later]);
  const { code } = await devbind(stage, "check", "--lab", "lab.yaml");
  checks.check("holdsAgain", code === 0, `exit code ${code}`);
};

/** Act 6: all is right, so nothing happens. */
const nothingToDo: Act = async (stage) => {
  const { screen, checks, boards } = stage;
  screen.heading(6, "All is right, so nothing happens");
  const earlier = await lookAtAll(boards);
  const { result } = await pulumi(stage, "up");
  const isSame = result.steps.length > 0 && result.steps.every(({ operation }) => operation === "same");
  checks.check("unchanged", isSame, summaryLine(result));
  checkUntouched(stage, "nothingWritten", boards, [earlier, await lookAtAll(boards)]);
};

/** Act 7: the lab is given up, and every board gets its devices back. */
const destroy: Act = async (stage) => {
  const { screen, checks, boards } = stage;
  screen.heading(7, "The lab is taken away");
  const { result, changed } = await pulumi(stage, "destroy");
  screen.quote(stepLines(result));
  checks.check("destroyed", sameNames(changed("delete"), namesOf(boards)), summaryLine(result));
  const sights = await lookAtAll(boards);
  for (const { name, devices, before } of boards) {
    const seen = sights.get(name) ?? [];
    const isBack = before.every(({ driver, override }, index) => {
      const now = seen[index];
      return now !== undefined && now.driver === driver && now.override === override && now.claims === 0;
    });
    checks.check(`${name} restored`, isBack, drivers(devices, seen));
  }
};

const acts: readonly Act[] = [asTheyComeUp, up, goWrong, see, repair, nothingToDo, destroy];

/** The whole story. */
export async function playLab(stage: Stage): Promise<void> {
  for (const act of acts) await act(stage);
}
