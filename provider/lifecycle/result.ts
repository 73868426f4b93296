import { blockersOf } from "../plan/vfio";
import { claimantOf } from "../plan/guards";
import type { Binding, Board, Device, Outputs, Sibling } from "../schema";
import type { Part, Try } from "./converge";
import type { Past } from "./request";

/** The outputs of a part: its own device and those that were taken along, as they are now. */
export function outputsOfPart(part: Part, board: Board, tries: readonly Try[]): Outputs {
  const own = tries.find((one) => one.part === part && !one.isSibling);
  if (own === undefined) throw new Error("every binding of a request has an attempt of its own");
  const siblings = tries.filter((one) => one.part === part && one.isSibling).map(siblingOutput);
  return { ...outputsFrom(own.binding, board, own.device, own.past), siblings };
}

const siblingOutput = ({ device, past }: Try): Sibling => ({
  bus: device.bus,
  deviceName: device.name,
  currentDriver: device.driver,
  previousDriver: past.driver,
  previousOverride: past.override,
});

/** The outputs of a binding whose device was just observed; `past` is what `onDelete: "restore"` goes back to. */
export function outputsFrom(binding: Binding, board: Board, device: Device, past: Past): Outputs {
  return {
    currentDriver: device.driver,
    previousDriver: past.driver,
    previousOverride: past.override,
    driverOverride: device.override,
    deviceName: device.name,
    modalias: device.modalias,
    iommuGroup: device.iommuGroup,
    groupViable: device.iommuGroup !== null && blockersOf(device.groupMembers).length === 0,
    groupBlockers: blockersOf(device.groupMembers),
    vfioPath: device.vfioPath,
    sysfsPath: device.sysfsPath,
    boardId: board.boardId,
    bootId: board.bootId,
    claimant: claimantOf(binding),
    siblings: [],
    skipped: null,
  };
}
