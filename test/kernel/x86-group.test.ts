import { expect, test } from "vitest";
import { refusalOf } from "./binding";
import { type Bench, onBoard } from "./bench";
import { type DeviceName, groupOf, moveByHand, stateOf } from "./eyes";

const named = (address: string): DeviceName => ["pci", address];
/** The PC's own group of three: its ISA bridge, its SATA controller, its SMBus. */
const [isa, sata, smbus] = ["0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3"];
/** One slot of three functions; each card has a group of its own all the same. */
const [card, otherCard, edu] = ["0000:00:14.0", "0000:00:14.1", "0000:00:14.2"];
/** Another slot: a bridge with a port behind it, and a function. */
const [bridge, beside] = ["0000:00:15.0", "0000:00:15.1"];
const slots = [
  ...["-device", "e1000e,multifunction=on,addr=14.0,romfile=,mac=52:54:00:db:01:02"],
  ...["-device", "e1000e,addr=14.1,romfile=,mac=52:54:00:db:01:03"],
  ...["-device", "edu,addr=14.2"],
  ...["-device", "pcie-root-port,id=beside,multifunction=on,addr=15.0,chassis=9"],
  ...["-device", "edu,addr=15.1"],
];

const onVfio = { driver: "vfio-pci", override: "vfio-pci" };
const free = { driver: null, override: null };
const onE1000e = { driver: "e1000e", override: null };
const toVfio = (device: string, more: object = {}) => ({ bus: "pci", device, driver: "vfio-pci", ...more });
const statesOf = async ({ board }: Bench, ...addresses: string[]) => {
  const states = [];
  for (const address of addresses) states.push(await stateOf(board, named(address)));
  return states;
};

onBoard(
  "x86",
  "who is taken along with a PCI device",
  (bench) => {
    test("takes the SATA controller's whole IOMMU group to vfio-pci with it, and gives all of it back", async () => {
      const { board } = bench;
      const group = await groupOf(board, named(sata));
      const binding = bench.binding(toVfio(sata, { wholeIommuGroup: true }));
      const sibling = { bus: "pci", currentDriver: "vfio-pci", previousDriver: null, previousOverride: null };
      expect(await binding.create()).toMatchObject({
        ...{ currentDriver: "vfio-pci", iommuGroup: group, groupViable: true, groupBlockers: [], vfioPath: `/dev/vfio/${group}` },
        siblings: [isa, smbus].map((deviceName) => ({ ...sibling, deviceName })),
      });
      expect(await statesOf(bench, isa, sata, smbus)).toEqual([onVfio, onVfio, onVfio]);
      expect(await bench.writes()).toEqual([...Array(3).fill("override vfio-pci"), `bind ${isa}`, `bind ${sata}`, `bind ${smbus}`]);
      await binding.update();
      expect(await bench.writes(), "an update of what is right").toEqual([]);
      await binding.delete();
      expect(await statesOf(bench, isa, sata, smbus)).toEqual([free, free, free]);
    });

    test("takes every function of a slot, from whatever driver each has, and gives each its own back", async () => {
      expect(await groupOf(bench.board, named(card)), "not by its group").not.toBe(await groupOf(bench.board, named(otherCard)));
      const binding = bench.binding(toVfio(otherCard, { wholeSlot: true }));
      const { siblings, groupViable } = await binding.create();
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onVfio, onVfio, onVfio]);
      expect([siblings, groupViable]).toMatchObject([
        [
          { deviceName: card, previousDriver: "e1000e" },
          { deviceName: edu, previousDriver: null },
        ],
        true,
      ]);
      await binding.delete();
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onE1000e, onE1000e, free]);
    });

    test("loads a module with the parameters that are asked for, also where a sibling is the first that needs it", async () => {
      const { board } = bench;
      expect(await board.shell("grep -c ^vfio_pci /proc/modules || true")).toBe("0");
      const binding = bench.binding(toVfio(otherCard, { wholeSlot: true, moduleParameters: { disable_idle_d3: "1" } }));
      await binding.create();
      expect(await board.shell("cat /sys/module/vfio_pci/parameters/disable_idle_d3")).toBe("Y");
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onVfio, onVfio, onVfio]);
      await binding.delete();
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onE1000e, onE1000e, free]);
    });

    test("says who is in the way where nobody is taken along, and takes them along, or gives them back, when that changes", async () => {
      const { board } = bench;
      const onUio = { driver: "uio_pci_generic", override: "uio_pci_generic" };
      await board.shell("modprobe uio_pci_generic");
      await moveByHand(board, named(smbus), onUio.driver, onUio.override);
      const binding = bench.binding(toVfio(sata));
      expect(await binding.create()).toMatchObject({ groupViable: false, groupBlockers: [`${smbus} (uio_pci_generic)`], siblings: [] });
      expect(await statesOf(bench, isa, sata, smbus)).toEqual([free, onVfio, onUio]);
      expect(await binding.update({ wholeIommuGroup: true })).toMatchObject({ groupViable: true, groupBlockers: [] });
      expect(await statesOf(bench, isa, sata, smbus)).toEqual([onVfio, onVfio, onVfio]);
      expect(await binding.update({ wholeIommuGroup: false })).toMatchObject({ groupViable: false, siblings: [] });
      expect(await statesOf(bench, isa, sata, smbus)).toEqual([free, onVfio, onUio]);
      await binding.delete();
      await moveByHand(board, named(smbus), null);
    });

    test("repairs a sibling that somebody took away, and writes to no other", async () => {
      const binding = bench.binding(toVfio(card, { wholeSlot: true }));
      await binding.create();
      await moveByHand(bench.board, named(otherCard), "e1000e");
      await bench.writes();
      await binding.update();
      expect(await bench.writes()).toEqual(["override vfio-pci", `unbind ${otherCard}`, `bind ${otherCard}`]);
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onVfio, onVfio, onVfio]);
      await binding.delete();
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onE1000e, onE1000e, free]);
    });

    test("a function that its slot has lost is taken along no more, and again when it is back", async () => {
      const { board } = bench;
      const binding = bench.binding(toVfio(card, { wholeSlot: true }));
      await board.shell(`echo 1 >/sys/bus/pci/devices/${edu}/remove`);
      expect((await binding.create()).siblings).toMatchObject([{ deviceName: otherCard }]);
      await board.shell("echo 1 >/sys/bus/pci/rescan");
      expect(await stateOf(board, named(edu))).toEqual(free);
      expect((await binding.update()).siblings).toMatchObject([{ deviceName: otherCard }, { deviceName: edu }]);
      expect(await stateOf(board, named(edu))).toEqual(onVfio);
      await binding.delete();
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([onE1000e, onE1000e, free]);
    });

    test("leaves a bridge of the slot and the group where it is", async () => {
      const { board } = bench;
      const before = await stateOf(board, named(bridge));
      expect(await board.shell(`cat /sys/bus/pci/devices/${bridge}/class`)).toBe("0x060400");
      const binding = bench.binding(toVfio(beside, { wholeSlot: true, wholeIommuGroup: true }));
      expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", siblings: [], groupViable: true });
      expect(await statesOf(bench, bridge, beside)).toEqual([before, onVfio]);
      await binding.delete();
      expect(await statesOf(bench, bridge, beside)).toEqual([before, free]);
    });

    test("undoes the first function where the kernel refuses the last one", async () => {
      await moveByHand(bench.board, named(card), null);
      await bench.writes();
      const wish = { bus: "pci", device: card, driver: "e1000e", strategy: "bind", wholeSlot: true };
      const message = await refusalOf(bench.binding(wish).create());
      expect(message).toContain(`Cannot bind ${edu} on`);
      expect(message).toContain("the kernel refused the write to bind (ENODEV).");
      const writes = await bench.writes();
      expect(writes.filter((write) => write.endsWith(card))).toEqual([`bind ${card}`, `unbind ${card}`]);
      expect(await statesOf(bench, card, otherCard, edu)).toEqual([free, onE1000e, free]);
      await moveByHand(bench.board, named(card), "e1000e");
    });
  },
  { spareDevices: slots },
);
