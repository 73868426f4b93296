import { expect, test } from "vitest";
import { addressOf, createTogether, deleteTogether, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const otherCard: DeviceName = ["pci", "0000:00:02.0"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
/** One resource's, as in every request that is a list. */
const claimant = "org/lab/dev/board";
const generatorTo = (driver: string | null) => ({ bus: "platform", device: "a003c00.virtio_mmio", driver, claimant });
const toVfio = ([bus, device]: DeviceName) => ({ bus, device, driver: "vfio-pci", claimant });
const sessionCard = { bus: "platform", device: "a003e00.virtio_mmio", driver: null, claimant };
const doesNotMatch = 'ENODEV: the driver does not match this device; where its bus has overrides, strategy "auto" or "override" makes it.';
const seeDmesg = "The driver's own probe refused the device: `dmesg` on the board may say why.";

onBoard("arm64", "a bind that the kernel refuses", (bench) => {
  const asBefore = { driver: "virtio-mmio", override: null };

  test.each([
    ["gpio-keys", "ENODEV"],
    ["fw_cfg", "EBUSY"],
    ["simple-framebuffer", "EINVAL"],
    ["gpio-clk", "ENOENT"],
    ["of_fixed_clk", "EIO"],
  ])("leaves the device with its old driver when the probe of %s refuses it with %s", async (driver, errno) => {
    const message = await refusalOf(bench.binding(generatorTo(driver)).create());
    expect(message).toBe(
      `Cannot bind a003c00.virtio_mmio on ${addressOf(bench.board)} to "${driver}": the kernel refused the write to bind (${errno}). ` +
        `a003c00.virtio_mmio is back with "virtio-mmio"; nothing changed. ${seeDmesg}`,
    );
    expect(await stateOf(bench.board, generator)).toEqual(asBefore);
  });

  test('leaves the card with its old driver when strategy "bind" names one that does not match it', async () => {
    const binding = bench.binding({ bus: "pci", device: "0000:00:01.0", driver: "virtio-pci", strategy: "bind" });
    expect(await refusalOf(binding.create())).toBe(
      `Cannot bind 0000:00:01.0 on ${addressOf(bench.board)} to "virtio-pci": the kernel refused the write to bind (ENODEV). ` +
        '0000:00:01.0 is back with "e1000e"; nothing changed. ' +
        doesNotMatch,
    );
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("leaves a device that had no driver without one", async () => {
    const binding = bench.binding({ bus: "platform", device: "a003800.virtio_mmio", driver: "gpio-keys" });
    expect(await refusalOf(binding.create())).toContain("a003800.virtio_mmio is without a driver, as before; nothing changed.");
    expect(await stateOf(bench.board, ["platform", "a003800.virtio_mmio"])).toEqual({ driver: null, override: null });
  });

  test("an update that is refused keeps the driver and override of the last one, and the next update goes on", async () => {
    const binding = bench.binding(toVfio(card));
    await binding.create();
    expect(await refusalOf(binding.update({ driver: "serial" }))).toContain('0000:00:01.0 is back with "vfio-pci"; nothing changed.');
    expect(await stateOf(bench.board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    expect(await binding.update({ driver: "e1000e" })).toMatchObject({ currentDriver: "e1000e", previousDriver: "e1000e" });
    await binding.delete();
  });

  test("binds several devices in one go: all of them are unbound before any is bound", async () => {
    const both = [bench.binding(toVfio(card)), bench.binding(toVfio(otherCard))];
    await createTogether(both);
    expect(both.map(({ state }) => state?.currentDriver)).toEqual(["vfio-pci", "vfio-pci"]);
    expect(await bench.writes()).toEqual([
      "override vfio-pci",
      "override vfio-pci",
      "unbind 0000:00:02.0",
      "unbind 0000:00:01.0",
      "bind 0000:00:01.0",
      "bind 0000:00:02.0",
    ]);
    await deleteTogether(both);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
    expect(await stateOf(bench.board, otherCard)).toEqual({ driver: "e1000e", override: null });
  });

  test("gives the first device back too when the kernel refuses the second", async () => {
    const both = [bench.binding(toVfio(card)), bench.binding(generatorTo("fw_cfg"))];
    const message = await refusalOf(createTogether(both));
    expect(message).toContain("Cannot bind a003c00.virtio_mmio");
    expect(message).toContain("(EBUSY)");
    expect(await bench.writes()).toContain("bind 0000:00:01.0");
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
    expect(await stateOf(bench.board, generator)).toEqual(asBefore);
  });

  test("touches none of several devices when one of them must not be", async () => {
    const both = [bench.binding(toVfio(card)), bench.binding(sessionCard)];
    expect(await refusalOf(createTogether(both))).toContain("Cannot bind a003e00.virtio_mmio");
    expect(await bench.writes()).toEqual([]);
  });

  test("takes a list of one owner only, so that no device is claimed in another's name", async () => {
    const both = [bench.binding(toVfio(card)), bench.binding({ ...toVfio(otherCard), claimant: "org/lab/dev/other" })];
    expect(await refusalOf(createTogether(both))).toContain("one claimant");
    expect(await bench.writes()).toEqual([]);
  });
});
