import fc from "fast-check";
import type { Device } from "../script/kernel";
import { MadeBoard } from "../script/made-board";
import { shells } from "../script/shells";
import type { Ground } from "./frame";

const usable = shells.filter(({ missing }) => missing === undefined);
/** A shell that a board may have. */
export const shell = fc.constantFrom(...usable);

/** One card on e1000e, which vfio-pci takes too, and whatever was left before gone. */
export function freshCard(board: MadeBoard): Device {
  board.reset();
  board.hurry();
  board.kernel.addDriver("pci", "e1000e");
  board.kernel.addDriver("pci", "vfio-pci");
  return board.kernel.addDevice({
    bus: "pci",
    name: "0000:00:03.0",
    driver: "e1000e",
    override: null,
    matches: ["e1000e"],
    modalias: "pci:v1\n",
  });
}

/** A made board, on which one case after the other is tried. */
export async function openBoard<Case>(meetsOn: (board: MadeBoard, one: Case) => Promise<string>): Promise<Ground<Case>> {
  const board = await MadeBoard.make();
  return { meets: (one) => meetsOn(board, one), close: () => board.close() };
}
