import { look, lookDials } from "../board/board";
import { triesOf } from "../lifecycle/reconcile";
import { deviceAt, lookItem } from "../lifecycle/request";
import { stepsOf } from "../plan/plan";
import { verdictOf } from "../plan/verdict";
import type { Binding, Device } from "../schema";
import { addressOf } from "../ssh/connection";
import type { Observation } from "../transaction";
import { eachBoard, type LabOptions, labTargets, nameOf, type Target } from "./boards";
import { type Exit, exits, withoutAnswer, worst } from "./exit";
import { count, jsonText, type Screen } from "./screen";

export interface PlanOptions extends LabOptions {
  json?: boolean;
}

/** One write, as `devbind.sh` does it: to the kernel, or to what the board keeps. `value` null: cleared, or nothing to say. */
interface Write {
  word: string;
  device: string;
  value: string | null;
}

/** What an update would do on a board; `writes` is empty where it would be refused. */
export interface Planned {
  writes: Write[];
  /** Claims that it takes, in the board's memory. */
  claims: string[];
  refusals: string[];
  warnings: string[];
}

interface Told extends Planned {
  board: string;
  address: string;
  unreachable?: string;
  exit: Exit;
}

/** `devbind plan`: exactly which writes an update would do, in order. Nothing is written. */
export async function plan(screen: Screen, names: readonly string[], options: PlanOptions): Promise<Exit> {
  const targets = labTargets(options, names);
  const found = await eachBoard(screen, targets, (target) => planBoard(target, options.as !== undefined));
  if (options.json) screen.text(jsonText({ boards: found.map(({ exit: _, ...told }) => told) }));
  else for (const [index, target] of targets.entries()) tell(screen, target, found[index]);
  return worst(found.map(({ exit }) => exit));
}

async function planBoard(target: Target, knowsOwner: boolean): Promise<Told> {
  const about = { board: target.name, address: addressOf(target.connection) };
  try {
    const items = Object.values(target.bindings).map((binding) => lookItem(binding));
    const seen = await look(target.connection, items, { dials: lookDials });
    const planned = planFor(target.bindings, seen, knowsOwner);
    return { ...about, ...planned, exit: planned.refusals.length > 0 ? exits.wrong : exits.fine };
  } catch (error) {
    const { reason: unreachable, exit } = withoutAnswer(error, target);
    return { ...about, ...nothing(), unreachable, exit };
  }
}

const nothing = (): Planned => ({ writes: [], claims: [], refusals: [], warnings: [] });

/** Pure. `knowsOwner`: the bindings' claimant is the stack's own; else whatever claims a device is taken for its own, with a warning. */
export function planFor(bindings: Record<string, Binding>, seen: Observation, knowsOwner: boolean): Planned {
  const devices = Object.fromEntries(Object.keys(bindings).map((entry, index) => [entry, deviceAt(seen, index)]));
  const wished = knowsOwner
    ? bindings
    : Object.fromEntries(Object.entries(bindings).map(([entry, one]) => [entry, asOwner(one, devices[entry])]));
  const planned = nothing();
  for (const [entry, binding] of Object.entries(wished)) {
    const device = devices[entry];
    if (device === undefined) continue;
    const { [entry]: _, ...together } = devices;
    const { refusals, warnings } = verdictOf(binding, seen.board, device, { together });
    for (const { property, isCertain, reason, todo } of refusals)
      planned.refusals.push(`${isCertain ? "" : "not there yet: "}${entry}: ${property}: ${reason} ${todo}`);
    planned.warnings.push(...[...warnings, ...ownWarnings(device, knowsOwner)].map((words) => `${entry}: ${words}`));
  }
  if (planned.refusals.length > 0) return planned;
  const tries = triesOf(wished, seen);
  const nameAt = (place: number) => tries[place]?.device.name ?? "";
  planned.writes = [
    ...stepsOf(tries.map((one) => one.plan)).map(({ word, device, value }) => ({ word, device: nameAt(device), value })),
    ...tries.flatMap(({ plan: { keep }, device }) => (keep === undefined ? [] : [{ word: "persist", device: device.name, value: keep }])),
  ];
  planned.claims = tries.flatMap(({ claim, device }) => (claim === "take" ? [device.name] : []));
  return planned;
}

/** Whoever claims it, and those that it takes along, is taken for the binding's own. */
function asOwner(binding: Binding, device: Device | undefined): Binding {
  const claimed = [device, ...(device?.siblings ?? [])].flatMap((one) => [one?.claim?.claimant, one?.kept?.claimant]);
  const owners = claimed.filter((one) => typeof one === "string");
  return owners.length === 0 ? binding : { ...binding, claimFrom: [...(binding.claimFrom ?? []), ...owners] };
}

function ownWarnings({ claim, journal }: Device, knowsOwner: boolean): string[] {
  const claimed =
    claim === null || knowsOwner ? [] : [`It is claimed by ${claim.claimant}: an update refuses unless that is its own name (--as tells).`];
  const undone =
    journal !== "interrupted" ? [] : ["An interrupted transaction on it is undone first; what is written after that can't be told before."];
  return [...claimed, ...undone];
}

function tell(screen: Screen, target: Target, told: Told | undefined): void {
  if (told === undefined) return;
  const { paint } = screen;
  const { writes, claims, refusals, warnings, unreachable } = told;
  const end = writes.length === 0 && claims.length > 0 ? ` (but for ${count(claims.length, "claim")} in its memory)` : "";
  const head = refusals.length > 0 ? "refused" : writes.length === 0 ? `nothing to write${end}` : count(writes.length, "write");
  screen.line(`${paint.bold(nameOf(target))}: ${unreachable ?? head}`);
  const wide = Math.max(...writes.map(({ word }) => word.length));
  for (const [index, { word, device, value }] of writes.entries())
    screen.line(`  ${paint.dim(String(index + 1).padStart(2))}  ${word.padEnd(wide)} ${device} ${value ?? "-"}`);
  if (writes.length > 0 && claims.length > 0) screen.line(`  ${paint.dim(`and claims ${claims.join(", ")} in its memory`)}`);
  for (const words of refusals) screen.line(`  ${paint.red("refused:")} ${words}`);
  for (const words of warnings) screen.line(`  ${paint.yellow("warning:")} ${words}`);
}
