import { type Binding, type BindingInput, type Board, bindingSchema, type Device } from "../../provider/schema";

/** Made-up boards, devices and bindings for the tests of this folder: each right by itself, so that a test says only what differs. */

export const connection = { host: "10.0.0.21", privateKey: "PRIVATE", hostKey: "ssh-ed25519 AAAA" };

export const claimant = "organization/lab/dev/card";

/** The inputs of a binding as a program writes them, with the claimant that the constructor adds. */
export function wishes(changed: Record<string, unknown> = {}): Record<string, unknown> {
  return { connection, bus: "pci", device: "0000:00:02.0", driver: "vfio-pci", claimant, ...changed };
}

export function aBinding(changed: Partial<BindingInput> = {}): Binding {
  return bindingSchema.parse(wishes(changed));
}

export function aBoard(changed: Partial<Board> = {}): Board {
  return {
    boardId: "b0a4d1",
    bootId: "5d2c9a3e-6f10-4b57-9a51-4f7f1f6f2f10",
    hostName: "board-7",
    kernel: "6.1.0-28-arm64",
    isRoot: true,
    isSysfsWritable: true,
    stateFolder: "/run/devbind/5d2c9a3e",
    condition: "quiet",
    ...changed,
  };
}

/** A PCI network card on e1000e, wished for by nobody yet; vfio-pci is there. */
export function aDevice(changed: Partial<Device> = {}): Device {
  return {
    bus: "pci",
    name: "0000:00:02.0",
    isBusPresent: true,
    isPresent: true,
    similarNames: [],
    matches: [],
    driver: "e1000e",
    canUnbind: true,
    override: null,
    hasOverride: true,
    journal: "none",
    dependents: [],
    holders: [],
    modalias: "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00",
    compatible: [],
    sysfsPath: "/sys/devices/pci0000:00/0000:00:02.0",
    iommuGroup: "3",
    groupMembers: [],
    vfioPath: null,
    wanted: { isRegistered: true, canBind: true, isLoadable: null },
    guard: null,
    claim: null,
    ...changed,
  };
}

/** What the program's look gives to check. */
export function aLook(device: Partial<Device> = {}, board: Partial<Board> = {}) {
  return { lookedAt: "2026-11-22T16:00:00.000Z", board: aBoard(board), device: aDevice(device) };
}

/** The device as it is after the binding was made true. */
export const bound = { driver: "vfio-pci", override: "vfio-pci", vfioPath: "/dev/vfio/3" };

/** What the state of a resource has as outputs after a create. */
export function outputs(changed: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ...wishes(),
    currentDriver: "vfio-pci",
    previousDriver: "e1000e",
    previousOverride: null,
    driverOverride: "vfio-pci",
    deviceName: "0000:00:02.0",
    modalias: "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00",
    iommuGroup: "3",
    groupViable: true,
    vfioPath: "/dev/vfio/3",
    sysfsPath: "/sys/devices/pci0000:00/0000:00:02.0",
    boardId: "b0a4d1",
    bootId: "5d2c9a3e-6f10-4b57-9a51-4f7f1f6f2f10",
    ...changed,
  };
}
