import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, groupOf, moveByHand, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const teachingDevice: DeviceName = ["pci", "0000:00:03.0"];
const onVfio = ([bus, device]: DeviceName) => ({ bus, device, driver: "vfio-pci" });

onBoard("arm64", "PCI devices", (bench) => {
  test("takes a network card to vfio-pci, loads the module for it, and gives it back", async () => {
    const { board } = bench;
    expect(await board.shell("lsmod"), "as the board boots").not.toContain("vfio");
    const binding = bench.binding(onVfio(card));
    const group = await groupOf(board, card);
    const outputs = await binding.create();
    expect(await bench.writes(), "the override comes first").toEqual(["override vfio-pci", "unbind 0000:00:01.0", "bind 0000:00:01.0"]);
    expect(await board.shell("lsmod")).toContain("vfio_pci");
    expect(await stateOf(board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    expect(outputs).toMatchObject({
      currentDriver: "vfio-pci",
      previousDriver: "e1000e",
      previousOverride: null,
      driverOverride: "vfio-pci",
      deviceName: "0000:00:01.0",
      modalias: await board.shell("cat /sys/bus/pci/devices/0000:00:01.0/modalias"),
      iommuGroup: group,
      groupViable: true,
      vfioPath: `/dev/vfio/${group}`,
      sysfsPath: await board.shell("readlink -f /sys/bus/pci/devices/0000:00:01.0"),
      bootId: await board.shell("cat /proc/sys/kernel/random/boot_id"),
      claimant: "org/lab/dev/0000:00:01.0",
    });
    await board.shell(`test -c ${outputs.vfioPath}`);

    await binding.delete();
    expect(await bench.writes()).toEqual(["override", "unbind 0000:00:01.0", "bind 0000:00:01.0"]);
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("moves a bound card on to another driver, and still gives back the first one", async () => {
    const { board } = bench;
    const binding = bench.binding(onVfio(card));
    await binding.create();
    const outputs = await binding.update({ driver: "pci-stub" });
    expect(outputs).toMatchObject({ currentDriver: "pci-stub", previousDriver: "e1000e", groupViable: true, vfioPath: null });
    expect(await stateOf(board, card)).toEqual({ driver: "pci-stub", override: "pci-stub" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("takes a device without a driver, and leaves it without one when it is given up", async () => {
    const { board } = bench;
    expect(await stateOf(board, teachingDevice), "as the board boots").toEqual({ driver: null, override: null });
    const binding = bench.binding(onVfio(teachingDevice));
    const outputs = await binding.create();
    const group = await groupOf(board, teachingDevice);
    expect(outputs).toMatchObject({ currentDriver: "vfio-pci", previousDriver: null, iommuGroup: group, vfioPath: `/dev/vfio/${group}` });
    expect(await bench.writes()).toEqual(["override vfio-pci", "bind 0000:00:03.0"]);
    await binding.delete();
    expect(await stateOf(board, teachingDevice)).toEqual({ driver: null, override: null });
  });

  test("restores the override that somebody had set before, as well as the driver", async () => {
    const { board } = bench;
    await moveByHand(board, card, "e1000e", "e1000e");
    const binding = bench.binding(onVfio(card));
    expect(await binding.create()).toMatchObject({ previousDriver: "e1000e", previousOverride: "e1000e" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: "e1000e" });
    await moveByHand(board, card, "e1000e");
  });

  test("restores an override that names another driver than the one that was bound", async () => {
    const { board } = bench;
    await board.shell("echo vfio-pci >/sys/bus/pci/devices/0000:00:01.0/driver_override");
    const binding = bench.binding({ bus: "pci", device: "0000:00:01.0", driver: null });
    expect(await binding.create()).toMatchObject({ previousDriver: "e1000e", previousOverride: "vfio-pci", driverOverride: null });
    expect(await stateOf(board, card)).toEqual({ driver: null, override: null });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: "vfio-pci" });
    await board.shell("echo >/sys/bus/pci/devices/0000:00:01.0/driver_override");
  });
});
