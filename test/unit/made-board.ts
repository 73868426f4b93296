import type { Board, Device } from "../../provider/schema";
import { aBoard, aDevice, bound, claimant, connection } from "./made";

/** A made-up board with two cards, for the tests of BoardBindings. */

export const names = { left: "0000:00:02.0", right: "0000:00:03.0" } as const;
type Side = keyof typeof names;

export const entry = (side: Side, changed: Record<string, unknown> = {}) => ({
  bus: "pci",
  device: names[side],
  driver: "vfio-pci",
  ...changed,
});

/** The inputs of a BoardBindings as a program writes them, with the claimant that the constructor adds. */
export function boardWishes(bindings: Record<string, unknown> = { left: entry("left"), right: entry("right") }): Record<string, unknown> {
  return { connection, bindings, claimant };
}

export const deviceOn = (side: Side, changed: Partial<Device> = {}): Device =>
  aDevice({ name: names[side], sysfsPath: `/sys/devices/pci0000:00/${names[side]}`, ...changed });

/** What the program's look gives to check. */
export const boardLook = (devices: Record<string, Device>, board: Partial<Board> = {}) => ({
  lookedAt: "2026-11-30T23:00:00.000Z",
  board: aBoard(board),
  devices,
});

export const ours = { claim: { claimant, driver: "e1000e", override: null } };

const outputsOn = (side: Side, changed: Record<string, unknown>) => ({
  currentDriver: "vfio-pci",
  previousDriver: "e1000e",
  previousOverride: null,
  driverOverride: "vfio-pci",
  deviceName: names[side],
  modalias: aDevice().modalias,
  iommuGroup: "3",
  groupViable: true,
  groupBlockers: [],
  vfioPath: bound.vfioPath,
  sysfsPath: `/sys/devices/pci0000:00/${names[side]}`,
  boardId: "b0a4d1",
  bootId: aBoard().bootId,
  claimant,
  siblings: [],
  skipped: null,
  ...changed,
});

/** What the state of a BoardBindings has as outputs after a create. */
export function boardOutputs(sides: Partial<Record<Side, Record<string, unknown>>> = { left: {}, right: {} }): Record<string, unknown> {
  const chosen = (["left", "right"] as const).filter((side) => side in sides);
  return {
    ...boardWishes(Object.fromEntries(chosen.map((side) => [side, entry(side)]))),
    devices: Object.fromEntries(chosen.map((side) => [side, outputsOn(side, sides[side] ?? {})])),
    boardId: "b0a4d1",
    bootId: aBoard().bootId,
    skipped: null,
  };
}
