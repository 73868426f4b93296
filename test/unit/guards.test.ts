import { describe, expect, it } from "vitest";
import type { Refusal } from "../../provider/plan/guards";
import { planDevice, wishOf } from "../../provider/plan/plan";
import type { BindingInput, Board, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice, bound, claimant } from "./made";

interface Case {
  title: string;
  wished?: Partial<BindingInput>;
  device?: Partial<Device>;
  board?: Partial<Board>;
  isRebind?: boolean;
  refusals: Refusal[];
}

function refusalsOf({ wished, device, board, isRebind = false }: Partial<Case>): Refusal[] {
  const [binding, seen] = [aBinding(wished), aDevice(device)];
  return planDevice(binding, wishOf(binding, seen, isRebind), aBoard(board), seen).refusals;
}

const guarded = {
  property: "device",
  isCertain: true,
  reason: "The device carries this SSH session (eth0).",
  todo: "Choose another device; `force: true` takes it all the same.",
};
const notRoot = {
  property: "connection.user",
  isCertain: true,
  reason: "The login is not root's, and only root may rebind.",
  todo: "Log in as root, or say in connection.become how this user becomes root.",
};
const noUnbind = {
  property: "device",
  isCertain: true,
  reason: 'Its driver "e1000e" has no unbind file: the kernel does not let go of it.',
  todo: "Choose another device.",
};
const claimed = {
  property: "device",
  isCertain: true,
  reason: "The device is claimed by organization/lab/prod/nic.",
  todo: "Destroy it there first; `force: true` takes it over, and `claimAs` names one owner for both.",
};
const stuck = {
  property: "device",
  isCertain: false,
  reason: "An earlier transaction on the device is stuck: the kernel still holds one of its writes, or it could not be undone.",
  todo: "End whatever holds the device; the board then finishes the undo by itself. Then run `pulumi up` again.",
};
const foreign = { claim: { claimant: "organization/lab/prod/nic", driver: "e1000e", override: null } };
const wantedButMissing = { isRegistered: false, canBind: false };

const ofTheBoard: Case[] = [
  { title: "a login that is not root's", board: { isRoot: false, stateFolder: null }, refusals: [notRoot] },
  {
    title: "a sysfs that is mounted read-only",
    board: { isSysfsWritable: false },
    refusals: [
      {
        property: "connection",
        isCertain: true,
        reason: "sysfs is mounted read-only there, as in a container.",
        todo: "Log in as root on the board itself.",
      },
    ],
  },
  {
    title: "a board without a folder for the journal",
    board: { stateFolder: null },
    refusals: [
      {
        property: "connection",
        isCertain: true,
        reason: "The board has no folder in memory that root owns (/run, /var/run, /dev/shm or /tmp), so no journal could be kept.",
        todo: "Mount a tmpfs on /run.",
      },
    ],
  },
  {
    title: "a bus that the board does not have, naming those most like it",
    wished: { bus: "pcie" },
    device: { isBusPresent: false, isPresent: false, similarNames: ["platform", "usb", "pci", "i2c"] },
    refusals: [
      {
        property: "bus",
        isCertain: true,
        reason: 'The board has no bus "pcie" (there are "pci", "usb", "i2c" and 1 more).',
        todo: "Correct the name of the bus.",
      },
    ],
  },
];

const ofTheDevice: Case[] = [
  {
    title: "a device that is not there (yet), naming those most like it",
    device: { isPresent: false, driver: null, similarNames: ["0000:00:03.0", "0000:00:12.0"] },
    refusals: [
      {
        property: "device",
        isCertain: false,
        reason: 'The bus pci has no device "0000:00:02.0" (there are "0000:00:03.0", "0000:00:12.0").',
        todo: "Correct the name, or bring the device there first.",
      },
    ],
  },
  { title: "a device that somebody else claims", device: foreign, refusals: [claimed] },
  { title: "a claimed device even where nothing is to be written", device: { ...foreign, ...bound }, refusals: [claimed] },
  { title: "a device that carries the session", device: { guard: "this SSH session (eth0)" }, refusals: [guarded] },
  { title: "a guarded device's rebind", device: { ...bound, guard: "this SSH session (eth0)" }, isRebind: true, refusals: [guarded] },
  {
    title: "a device that somebody holds open, by name",
    device: { holders: ["qemu/812", "vfio test/9"] },
    refusals: [
      {
        property: "device",
        isCertain: true,
        reason: "The device is held open by qemu/812, vfio test/9.",
        todo: "End it first; `force: true` unbinds the device all the same.",
      },
    ],
  },
  { title: "a driver that does not let go", device: { canUnbind: false }, refusals: [noUnbind] },
  { title: "its unbind", wished: { driver: null }, device: { canUnbind: false, wanted: null }, refusals: [noUnbind] },
  { title: "a device with a stuck transaction", device: { journal: "stuck" }, refusals: [stuck] },
  { title: "a right device with a stuck transaction", device: { ...bound, journal: "stuck" }, refusals: [stuck] },
  {
    title: "strategy override on a bus without overrides",
    wished: { strategy: "override", bus: "usb" },
    device: { hasOverride: false, bus: "usb" },
    refusals: [
      {
        property: "strategy",
        isCertain: true,
        reason: "Devices of the bus usb have no driver override here.",
        todo: 'Use strategy "auto" or "bind".',
      },
    ],
  },
];

const driverTodo = "Correct the name, name the `module` that brings it, or install it first.";
const ofTheDriver: Case[] = [
  {
    title: "a driver that takes no device by name",
    device: { wanted: { isRegistered: true, canBind: false, isLoadable: null } },
    refusals: [
      {
        property: "driver",
        isCertain: true,
        reason: 'The driver "vfio-pci" has no bind file: it takes no device by name.',
        todo: "Choose another driver.",
      },
    ],
  },
  {
    title: "a driver that no installed module brings, as not certain",
    device: { wanted: { ...wantedButMissing, isLoadable: false }, similarNames: ["vfio_pci"] },
    refusals: [
      {
        property: "driver",
        isCertain: false,
        reason:
          'The bus pci has no driver "vfio-pci" (there is "vfio_pci"), and no module of its name is installed for the running kernel.',
        todo: driverTodo,
      },
    ],
  },
  {
    title: "a driver that is not there on a board without a list of modules, as not certain",
    device: { wanted: { ...wantedButMissing, isLoadable: null } },
    refusals: [
      {
        property: "driver",
        isCertain: false,
        reason: 'The bus pci has no driver "vfio-pci", and the board has no list of modules.',
        todo: driverTodo,
      },
    ],
  },
];

describe("refuses", () => {
  it.each([...ofTheBoard, ...ofTheDevice, ...ofTheDriver])("$title", (one) => expect(refusalsOf(one)).toEqual(one.refusals));

  it("everything that stands in the way at once, the owner first", () => {
    const device = { ...foreign, guard: "this SSH session (eth0)", canUnbind: false };
    expect(refusalsOf({ device, board: { isRoot: false } })).toEqual([claimed, notRoot, guarded, noUnbind]);
  });

  it("a driver that is not there without blaming the board's modules, where the program wishes no module", () => {
    const device = { wanted: { ...wantedButMissing, isLoadable: null } };
    expect(refusalsOf({ wished: { module: false }, device })[0]?.reason).not.toContain("list of modules");
  });
});

const allowed: Omit<Case, "refusals">[] = [
  { title: "a device that is held open and right already", device: { ...bound, holders: ["qemu/812"] } },
  { title: "a device that is held open, with force", wished: { force: true }, device: { holders: ["qemu/812"] } },
  { title: "a plain wish on a quiet board" },
  {
    title: "a right device of one's own on a board that could write nothing",
    device: { ...bound, claim: { claimant, driver: "e1000e", override: null } },
    board: { isRoot: false, isSysfsWritable: false },
  },
  { title: "a right device that carries the session", device: { ...bound, guard: "this SSH session (eth0)" } },
  { title: "a right device whose driver does not let go", device: { ...bound, canUnbind: false } },
  { title: "an override's correction where the driver does not let go", device: { ...bound, override: "x", canUnbind: false } },
  { title: "a guarded device with force", wished: { force: true }, device: { guard: "this SSH session (eth0)" } },
  { title: "somebody else's device with force", wished: { force: true }, device: foreign },
  { title: "one's own claim", device: { claim: { claimant, driver: "e1000e", override: null } } },
  {
    title: "a claim under claimAs' name",
    wished: { claimAs: "lab" },
    device: { claim: { claimant: "lab", driver: null, override: null } },
  },
  { title: "a driver that a module brings", device: { wanted: { ...wantedButMissing, isLoadable: true } } },
  { title: "a missing driver that is not needed", device: { ...bound, wanted: { ...wantedButMissing, isLoadable: false } } },
  { title: "a free device without unbind file", device: { driver: null, canUnbind: false } },
];

describe("allows", () => {
  it.each(allowed)("$title", (one) => expect(refusalsOf(one)).toEqual([]));
});

describe("force", () => {
  it("does not bring a missing device, a missing unbind file, root, or an end of a stuck transaction", () => {
    const wished = { force: true };
    expect(refusalsOf({ wished, device: { isPresent: false } })).toHaveLength(1);
    expect(refusalsOf({ wished, device: { canUnbind: false } })).toEqual([noUnbind]);
    expect(refusalsOf({ wished, board: { isRoot: false } })).toEqual([notRoot]);
    expect(refusalsOf({ wished, device: { journal: "stuck" } })).toEqual([stuck]);
  });
});
