import { look } from "../board/board";
import { DevbindError } from "../errors";
import { absentRefusal } from "../plan/select";
import type { Binding, Device, Outputs, Sibling } from "../schema";
import { addressOf } from "../ssh/connection";
import { lookItem } from "./request";
import { outputsFrom } from "./result";

/**
 * The live state of bindings on one board; undefined for a device that is gone, or that another board behind the old address has.
 * @throws DevbindError when the board can't be reached: a board that is off is not a device that is gone; `refused` where a selector
 * means several devices of which none was known
 */
export async function read(bindings: { binding: Binding; last: Outputs | undefined }[]): Promise<(Outputs | undefined)[]> {
  const first = bindings[0];
  if (!first) return [];
  const observation = await look(
    first.binding.connection,
    bindings.map(({ binding, last }) => lookItem(binding, last?.deviceName)),
  );
  return bindings.map(({ binding, last }, index) => {
    const device = observation.devices[index];
    const isOtherBoard = last !== undefined && last.boardId !== observation.board.boardId;
    if (!device || isOtherBoard) return undefined;
    if (device.matches.length > 0) throw severalMeant(binding, device);
    if (!device.isPresent) return undefined;
    const past = { driver: last?.previousDriver ?? null, override: last?.previousOverride ?? null };
    const siblings = (last?.siblings ?? []).map((sibling) => ({ ...sibling, currentDriver: driverNow(sibling, device) }));
    return { ...outputsFrom(binding, observation.board, device, past), siblings, claimant: last?.claimant ?? binding.claimant };
  });
}

/** One that is not taken along any more was gone, or is no sibling now: it has none that is ours to tell. */
function driverNow({ bus, deviceName }: Sibling, { siblings = [] }: Device): string | null {
  return siblings.find((device) => device.bus === bus && device.name === deviceName)?.driver ?? null;
}

function severalMeant(binding: Binding, device: Device): DevbindError {
  const refusal = absentRefusal(binding, device);
  return new DevbindError("refused", {
    failed: `Cannot read ${device.name} on ${addressOf(binding.connection)}. ${refusal?.reason ?? ""}`,
    now: "Nothing was written, and the state is as it was.",
    todo: refusal?.todo ?? "",
  });
}
