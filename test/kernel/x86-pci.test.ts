import { expect, test } from "vitest";
import { createTogether, deleteTogether } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, groupOf, stateOf } from "./eyes";

const [card, teachingDevice, disk] = ["0000:00:10.0", "0000:00:12.0", "0000:00:13.0"];
const found = [
  { address: card, driver: "e1000e" },
  { address: teachingDevice, driver: null },
  { address: disk, driver: "nvme" },
];
const named = (address: string): DeviceName => ["pci", address];
const onVfio = (address: string) => ({ bus: "pci", device: address, driver: "vfio-pci" });
const onVfioNow = { driver: "vfio-pci", override: "vfio-pci" };

onBoard("x86", "PCI devices of a PC", (bench) => {
  test.each(found.map(({ address, driver }) => [address, driver] as const))(
    "takes %s from driver %s to vfio-pci, with its group's file, and gives it back",
    async (address, driver) => {
      const { board } = bench;
      expect(await stateOf(board, named(address)), "as the board boots").toEqual({ driver, override: null });
      const group = await groupOf(board, named(address));
      const binding = bench.binding(onVfio(address));
      expect(await binding.create()).toMatchObject({
        currentDriver: "vfio-pci",
        previousDriver: driver,
        iommuGroup: group,
        groupViable: true,
        vfioPath: `/dev/vfio/${group}`,
      });
      expect(await stateOf(board, named(address))).toEqual(onVfioNow);
      await board.shell(`test -c /dev/vfio/${group}`);
      await binding.delete();
      expect(await stateOf(board, named(address))).toEqual({ driver, override: null });
    },
  );

  test("takes a card, an NVMe disk and a device without a driver in one transaction, and gives all back in one", async () => {
    const { board } = bench;
    const claimant = "org/lab/dev/all";
    const bindings = found.map(({ address }) => bench.binding({ ...onVfio(address), claimant }));
    await createTogether(bindings);
    for (const { address } of found) expect(await stateOf(board, named(address))).toEqual(onVfioNow);
    await board.shell("test ! -e /dev/nvme0n1");
    await deleteTogether(bindings);
    for (const { address, driver } of found) expect(await stateOf(board, named(address))).toEqual({ driver, override: null });
    await board.shell("until test -b /dev/nvme0n1; do usleep 50000; done");
  });
});
