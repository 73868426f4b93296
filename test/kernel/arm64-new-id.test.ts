import { expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, moveByHand, stateOf } from "./eyes";

const edu: DeviceName = ["pci", "0000:00:03.0"];
const card: DeviceName = ["pci", "0000:00:01.0"];
const twin: DeviceName = ["pci", "0000:00:02.0"];
const byNewId = ([bus, device]: DeviceName, driver = "vfio-pci") => ({ bus, device, driver, strategy: "new-id" });
const removeByHand = "1234 11e8 1af4 1100 db00ff00 ffffffff";

onBoard("arm64", "a driver's new id", (bench) => {
  /** Whether the kernel says that it has no such id (any more). */
  const hasNone = async (driver: string, id: string) =>
    (await bench.board.shell(`echo ${id} 2>&1 >/sys/bus/pci/drivers/${driver}/remove_id || true`)).includes("No such device");

  test("gives a device without driver or override to vfio-pci, and takes the id back when it is given up", async () => {
    const { board } = bench;
    await board.shell("modprobe vfio-pci"); // else it is unloaded again, and its ids with it
    const binding = bench.binding(byNewId(edu));
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", previousDriver: null, driverOverride: null });
    expect(await stateOf(board, edu)).toEqual({ driver: "vfio-pci", override: null });
    await board.shell(`test -c ${binding.state?.vfioPath}`);
    expect(await binding.update({ triggers: ["again"] })).toMatchObject({ currentDriver: "vfio-pci" });
    await binding.delete();
    expect(await stateOf(board, edu)).toEqual({ driver: null, override: null });
    expect(await hasNone("vfio-pci", removeByHand), "the id that was ours").toBe(true);
    expect(await hasNone("vfio-pci", "1234 11e8"), "any id of the device").toBe(true);
    expect(await board.shell("echo 0000:00:03.0 2>&1 >/sys/bus/pci/drivers/vfio-pci/bind || true")).toContain("No such device");
  });

  test("binds by an id that was added by hand, and leaves that one alone", async () => {
    const { board } = bench;
    await board.shell("modprobe pci_stub && echo 1234 11e8 >/sys/bus/pci/drivers/pci-stub/new_id");
    expect(await driverOf(board, edu), "the kernel binds at once").toBe("pci-stub");
    await moveByHand(board, edu, null);
    const binding = bench.binding(byNewId(edu, "pci-stub"));
    expect(await binding.create()).toMatchObject({ currentDriver: "pci-stub" });
    await binding.delete();
    expect(await driverOf(board, edu)).toBe(null);
    await board.shell("echo 1234 11e8 >/sys/bus/pci/drivers/pci-stub/remove_id");
  });

  test("refuses, before any write, a card that shares its id, and lists the other one", async () => {
    expect(await refusalOf(bench.binding(byNewId(card)).create())).toBe(
      `Cannot bind 0000:00:01.0 on ${addressOf(bench.board)} to "vfio-pci". The id is not the device's alone: "vfio-pci" would also claim ` +
        '0000:00:02.0 (e1000e). Nothing was written. If it may have all of them, name them: newIdMayClaim: ["0000:00:02.0"].',
    );
    expect(await bench.writes()).toEqual([]);
  });

  test("takes the card where the other one is named, which keeps the driver it has", async () => {
    const binding = bench.binding({ ...byNewId(card), newIdMayClaim: ["0000:00:02.0"] });
    await binding.create();
    expect([await driverOf(bench.board, card), await driverOf(bench.board, twin)]).toEqual(["vfio-pci", "e1000e"]);
    expect(await bench.writes()).toEqual(["unbind 0000:00:01.0", "bind 0000:00:01.0"]);
    await binding.delete();
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("says that a free one is claimed at once, and it is", async () => {
    const { board } = bench;
    await moveByHand(board, twin, null);
    const binding = bench.binding(byNewId(card));
    expect(await refusalOf(binding.create())).toContain("would also claim 0000:00:02.0 (without driver, so at once).");
    expect(await driverOf(board, twin)).toBe(null);
    await binding.update({ newIdMayClaim: ["0000:00:02.0"] });
    expect(await driverOf(board, twin)).toBe("vfio-pci");
    await binding.delete();
    await moveByHand(board, twin, "e1000e");
  });

  test("takes the id back where the driver's probe refuses the device, and frees what it claimed besides", async () => {
    const { board } = bench;
    const message = await refusalOf(bench.binding(byNewId(edu, "virtio-pci")).create());
    expect(message).toContain(
      "the kernel refused the write to bind (ENODEV). 0000:00:03.0 is without a driver, as before; nothing changed.",
    );
    expect(await hasNone("virtio-pci", removeByHand)).toBe(true);
    expect(await stateOf(board, edu)).toEqual({ driver: null, override: null });
  });

  test("refuses the strategy for a driver that takes no ids", async () => {
    const generator = { bus: "platform", device: "a003c00.virtio_mmio", driver: "gpio-keys", strategy: "new-id" };
    const message = await refusalOf(bench.binding(generator).create());
    expect(message).toContain('The driver "gpio-keys" has no new_id file: it takes no ids.');
    expect(message).toContain("Which id a new_id file takes for a device of the bus platform is not known here.");
  });
});
