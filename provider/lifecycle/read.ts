import { look } from "../board/board";
import { DevbindError } from "../errors";
import { absentRefusal } from "../plan/select";
import type { Binding, Device, Outputs } from "../schema";
import { addressOf } from "../ssh/connection";
import { lookItem, outputsFrom } from "./request";

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
    return { ...outputsFrom(binding, observation, device, past), claimant: last?.claimant ?? binding.claimant };
  });
}

function severalMeant(binding: Binding, device: Device): DevbindError {
  const refusal = absentRefusal(binding, device);
  return new DevbindError("refused", {
    failed: `Cannot read ${device.name} on ${addressOf(binding.connection)}. ${refusal?.reason ?? ""}`,
    now: "Nothing was written, and the state is as it was.",
    todo: refusal?.todo ?? "",
  });
}
