import { encode } from "../../provider/board/protocol";
import type { MadeBoard } from "./made-board";
import type { DeviceIds } from "./dynamic-ids";
import type { Device } from "./kernel";
import type { Step, Transaction, Wish } from "./requests";

/** The numbers of QEMU's teaching device, and what its id is for new_id: with the mark of ours in its class. */
export const eduIds: DeviceIds = { kind: "pci", numbers: [0x1234, 0x11e8, 0x1af4, 0x1100, 0x00ff00] };
export const eduId = "1234 11e8 1af4 1100 db00ff00 ffffff";
export const eduRemoval = "1234 11e8 1af4 1100 db00ff00 ffffffff";

/** A bus of that kind with a driver that has ids of its own, "old", and two that take new ones, "stub" and "other". */
export function addIdDrivers({ kernel }: MadeBoard): void {
  kernel.addDriver("pci", "old", { takesIds: "pci" });
  for (const name of ["stub", "other"]) kernel.addDriver("pci", name, { takesIds: "pci" });
}

/** A device on "old", without an override file where that is not said. */
export const addEdu = ({ kernel }: MadeBoard, more: Partial<Device> = {}): Device =>
  kernel.addDevice({ bus: "pci", name: "0000:00:03.0", driver: "old", matches: ["old"], ids: eduIds, ...more }, "pci0000:00");

/** The wish for a driver by its new id, as a plan words it: `others` are those that it saw with the same id. */
export function byNewId(device: Device, driver: string, others: string[] = [], more: Partial<Wish> = {}): Transaction {
  const steps: Step[] = [{ device: 0, word: "new-id", value: driver }];
  if (device.driver !== null) steps.push({ device: 0, word: "unbind", value: device.driver });
  steps.push({ device: 0, word: "bind", value: driver });
  const extras = [["id", "0", ...[eduId, ...others].map(encode)]];
  return { wishes: [{ device, driver, claim: "take", ...more }], steps, extras };
}

/** The way back: the id is taken away, and the claim dropped. */
export function giveBack(device: Device, from: string, to: string | null): Transaction {
  const steps: Step[] = [
    { device: 0, word: "remove-id", value: from },
    { device: 0, word: "unbind", value: from },
  ];
  if (to !== null) steps.push({ device: 0, word: "bind", value: to });
  return { wishes: [{ device, driver: to, claim: "drop" }], steps };
}

/** The ids that were added to the driver, as they were written. */
export const idsOf = (board: MadeBoard, driver: string): string[] => board.kernel.idsOf("pci", driver).written;
