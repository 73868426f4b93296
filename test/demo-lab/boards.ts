import type { Board, BoardKind } from "../boards/board";
import { type BoardShell, lookWithOwnEyes, type Place, type Sight } from "../demo/eyes";

/** A device of a board, and the driver that examples/lab/lab.yaml wishes for it; null for none. */
export interface Device extends Place {
  wished: string | null;
}

export const boardNames = ["arm-1", "exynos-1", "x86-1", "uml-1"] as const;
export type BoardName = (typeof boardNames)[number];

/** The boards of examples/lab/lab.yaml. Written down here once more: the demo's own eyes must not read what they check. */
export const labBoards: Record<BoardName, { kind: BoardKind; devices: readonly [Device, ...Device[]] }> = {
  "arm-1": {
    kind: "arm64",
    devices: [
      { bus: "pci", device: "0000:00:01.0", wished: "vfio-pci" },
      { bus: "pci", device: "0000:00:03.0", wished: "vfio-pci" },
      { bus: "amba", device: "9010000.pl031", wished: null },
    ],
  },
  "exynos-1": { kind: "exynos", devices: [{ bus: "platform", device: "13860000.i2c", wished: null }] },
  "x86-1": {
    kind: "x86",
    devices: [
      { bus: "pci", device: "0000:00:10.0", wished: "vfio-pci" },
      { bus: "pci", device: "0000:00:12.0", wished: "vfio-pci" },
    ],
  },
  "uml-1": { kind: "uml", devices: [{ bus: "platform", device: "uml-vector.1", wished: null }] },
};

/** A board of the lab that is booted, and how each of its devices was before the first act. */
export interface LabBoard {
  name: BoardName;
  board: Board;
  devices: readonly [Device, ...Device[]];
  before: Sight[];
}

/** Its devices one after the other, by the system's ssh. */
export async function lookAt(board: Board, devices: readonly Device[]): Promise<Sight[]> {
  const shell: BoardShell = (command) => board.shell(command);
  const sights: Sight[] = [];
  for (const device of devices) sights.push(await lookWithOwnEyes(shell, device));
  return sights;
}

/** What a booted board is in the story. */
export async function asFound(name: BoardName, board: Board): Promise<LabBoard> {
  const { devices } = labBoards[name];
  return { name, board, devices, before: await lookAt(board, devices) };
}

/** "0000:00:01.0 on vfio-pci, 9010000.pl031 on no driver" */
export const drivers = (devices: readonly Device[], sights: readonly Sight[]): string =>
  devices.map(({ device }, index) => `${device} on ${sights[index]?.driver ?? "no driver"}`).join(", ");
