import { rebindByHand } from "../demo/eyes";
import { randomFrom } from "../faults/random";
import { type LabBoard, lookAt } from "./boards";

/** Ways in which a lab goes wrong while nobody looks. */
export const breakWords = {
  byHand: "somebody rebinds a device by hand",
  reset: "somebody presses the reset button",
  off: "somebody switches it off",
} as const;

export type Break = keyof typeof breakWords;

/** Which board is broken in which way: each way once, as far as there are boards, chosen by the seed alone. */
export function breaksFor<Name extends string>(names: readonly Name[], seed: number): Map<Name, Break> {
  const random = randomFrom(seed, "lab");
  const boards = random.shuffled(names);
  const ways = random.shuffled<Break>(["byHand", "reset", "off"]).slice(0, boards.length);
  return new Map(ways.flatMap((way, index) => (boards[index] === undefined ? [] : [[boards[index], way]])));
}

/** Breaks a board; returns the commands or the button in words. */
export async function breakIt({ board, devices, before }: LabBoard, way: Break): Promise<string> {
  if (way === "reset") {
    await board.reset();
    return "the reset button";
  }
  if (way === "off") {
    await board.powerOff();
    return "the power switch";
  }
  const [device] = devices;
  const [now] = await lookAt(board, [device]);
  const commands = rebindByHand(device, now?.driver ?? null, before[0]?.driver ?? null, before[0]?.hasOverride ?? false);
  await board.shell(commands.join(" && "));
  return `# ${commands.join("; ")}`;
}

/** Whether the board's own eyes see the break: devices that are not as the lab file wishes, or nothing at all. */
export async function isBroken({ board, devices }: LabBoard, way: Break): Promise<boolean> {
  if (way === "off") {
    return board.shell("true", { timeoutSeconds: 20 }).then(
      () => false,
      () => true,
    );
  }
  const sights = await lookAt(board, devices);
  return devices.some(({ wished }, index) => sights[index]?.driver !== wished);
}
