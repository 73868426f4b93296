import { DevbindError, plain } from "../errors";
import { claimantOf } from "../plan/guards";
import { noSteps, planDevice, type Wish } from "../plan/plan";
import { unexpected } from "../plan/expect";
import { choiceDifference } from "../plan/select";
import type { Binding, Device, Outputs } from "../schema";
import type { Observation } from "../transaction";
import { converge } from "./reconcile";
import type { Attempt } from "./request";

/** A binding to be given up, and what the resource knew of it. */
export interface Leaving {
  binding: Binding;
  last: Outputs | undefined;
}

/**
 * Gives devices of one board back as `onDelete` says, and releases their claims. Run twice: fine. A device that is gone, that was
 * given back already or forgotten by a reboot, that somebody else has claimed since, or that sits on another board behind the old
 * address is let go without a write; so are one that is not what `expect` says and, unless our claim covers it, one that a selector
 * finds and the state doesn't know: that is said.
 * @throws DevbindError `unreachable` for a board that is off, unless every binding says `deleteUnreachable`
 */
export async function remove(leaving: Leaving[]): Promise<void> {
  const backs = leaving.map((one) => ({ one, back: asBefore(one.binding, one.last) }));
  const bindings = backs.map(({ back }) => back);
  const known = leaving.map(({ last }) => last?.deviceName);
  try {
    const planFor = (observation: Observation) => backs.map(({ one, back }, index) => attemptFor(back, one, observation, index));
    const { tries } = await converge(bindings, planFor, known);
    for (const { binding, letGo } of tries)
      if (letGo !== undefined) console.warn(plain(`${claimantOf(binding)}: let go without a write: ${letGo}.`));
  } catch (error) {
    const isLetGo = bindings.every((binding) => binding.deleteUnreachable);
    if (error instanceof DevbindError && error.kind === "unreachable" && isLetGo) return;
    throw error;
  }
}

/** On restore the driver that is wished is the previous one, and so is the module that may have to be loaded. No parameters are asked for. */
function asBefore(binding: Binding, last: Outputs | undefined): Binding {
  const plainly: Binding = { ...binding, strategy: "bind", moduleParameters: undefined };
  return binding.onDelete === "restore" ? { ...plainly, driver: last?.previousDriver ?? null, module: undefined } : plainly;
}

function attemptFor(binding: Binding, { binding: { driver: wished }, last }: Leaving, observation: Observation, index: number): Attempt {
  const past = { driver: last?.previousDriver ?? null, override: last?.previousOverride ?? null };
  const device = observation.devices[index];
  const isOtherBoard = last !== undefined && last.boardId !== observation.board.boardId;
  const isOthers = device?.claim !== null && device?.claim?.claimant !== claimantOf(binding);
  // Without a claim it was given back already, or a reboot forgot it; only what still looks as it was asked for is still ours.
  const isGivenBack = device?.claim === null && device.driver !== wished;
  if (!device || isOtherBoard) return letGo(binding, past);
  const isOurs = !isOthers && device.claim !== null;
  if (!device.isPresent)
    return letGo(binding, past, { letGo: choiceDifference(binding.device, device), ...(isOurs && { left: placeOf(binding, last) }) });
  if (isOthers) return letGo(binding, past);
  if (!isOurs && last !== undefined && device.name !== last.deviceName) return letGo(binding, past, otherDevice(last, device));
  const differences = unexpected(binding.expect, device);
  if (differences.length > 0)
    return letGo(binding, past, { letGo: `its ${differences.join("; its ")}`, ...(isOurs && { left: device.name }) });
  if (isGivenBack) return letGo(binding, past);
  const plan = planDevice(binding, wishFor(binding, past, device), observation.board, device);
  return { binding, plan, claim: device.claim === null ? "keep" : "drop", mayTake: binding.force, past };
}

/** Where the device was that is gone: our claim on that place is dropped. */
const placeOf = ({ device }: Binding, last: Outputs | undefined): string | undefined =>
  typeof device === "string" ? device : last?.deviceName;

function wishFor(binding: Binding, past: Attempt["past"], device: Device): Wish {
  const override = (value: string | null | undefined) => (device.hasOverride ? value : undefined);
  switch (binding.onDelete) {
    case "restore":
      return { driver: past.driver, override: override(past.override), isRebind: false };
    case "unbind":
      return { driver: null, override: override(null), isRebind: false };
    case "probe":
      return { driver: undefined, override: override(null), isRebind: false };
    case "keep":
      return { driver: undefined, override: undefined, isRebind: false };
  }
}

/** A selector finds a device that was never bound, while the one that was has gone from its place, or is no longer what was meant. */
const otherDevice = (last: Outputs, { name }: Device): Partial<Attempt> => ({
  left: last.deviceName,
  letGo: `its selector means ${name} now, and what was bound is ${last.deviceName}`,
});

function letGo(binding: Binding, past: Attempt["past"], more: Partial<Attempt> = {}): Attempt {
  return {
    binding,
    plan: { differences: [], refusals: [], ...noSteps(), wish: { driver: undefined, override: undefined, isRebind: false } },
    claim: "keep",
    mayTake: false,
    past,
    ...more,
  };
}
