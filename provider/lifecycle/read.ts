import { look } from "../board/board";
import type { Binding, Outputs } from "../schema";
import { lookItem, outputsFrom } from "./request";

/**
 * The live state of bindings on one board; undefined for a device that is gone, or that another board behind the old address has.
 * @throws DevbindError when the board can't be reached: a board that is off is not a device that is gone
 */
export async function read(bindings: { binding: Binding; last: Outputs | undefined }[]): Promise<(Outputs | undefined)[]> {
  const first = bindings[0];
  if (!first) return [];
  const observation = await look(
    first.binding.connection,
    bindings.map(({ binding }) => lookItem(binding)),
  );
  return bindings.map(({ binding, last }, index) => {
    const device = observation.devices[index];
    const isOtherBoard = last !== undefined && last.boardId !== observation.board.boardId;
    if (!device?.isPresent || isOtherBoard) return undefined;
    const past = { driver: last?.previousDriver ?? null, override: last?.previousOverride ?? null };
    return { ...outputsFrom(binding, observation, device, past), claimant: last?.claimant ?? binding.claimant };
  });
}
