import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, groupOf, stateOf } from "./eyes";

const address = "0000:00:10.0";
const card: DeviceName = ["pci", address];
const onVfio = { bus: "pci", device: address, driver: "vfio-pci", timeoutSeconds: 30 };

onBoard("debian", "a whole Debian with udev and driverctl", (bench) => {
  test("takes the network card that udev gave to e1000e to vfio-pci, moves it on, and gives it back", async () => {
    const { board } = bench;
    const group = await groupOf(board, card);
    const binding = bench.binding(onVfio);
    expect(await binding.create()).toMatchObject({
      currentDriver: "vfio-pci",
      previousDriver: "e1000e",
      iommuGroup: group,
      groupViable: true,
      vfioPath: `/dev/vfio/${group}`,
    });
    expect(await bench.writes()).toEqual(["override vfio-pci", `unbind ${address}`, `bind ${address}`]);
    await board.shell(`test -c /dev/vfio/${group}`);
    expect(await binding.update({ driver: "pci-stub" })).toMatchObject({ currentDriver: "pci-stub", previousDriver: "e1000e" });
    expect(await stateOf(board, card)).toEqual({ driver: "pci-stub", override: "pci-stub" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("sees what somebody set with driverctl, and repairs it on update", async () => {
    const { board } = bench;
    const binding = bench.binding(onVfio);
    await binding.create();
    await board.shell(`modprobe pci-stub && driverctl set-override ${address} pci-stub`);
    expect(await binding.read()).toMatchObject({ currentDriver: "pci-stub", driverOverride: "pci-stub", previousDriver: "e1000e" });
    await binding.update();
    expect(await stateOf(board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
    await board.shell(`rm /etc/driverctl.d/pci-${address}`);
  });

  test("adopts what driverctl has set before, and gives it back", async () => {
    const { board } = bench;
    await board.shell(`driverctl set-override ${address} vfio-pci`);
    await bench.writes();
    const binding = bench.binding(onVfio);
    expect(await binding.create()).toMatchObject({ previousDriver: "vfio-pci", previousOverride: "vfio-pci" });
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
    await board.shell(`driverctl unset-override ${address}`);
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });
});
