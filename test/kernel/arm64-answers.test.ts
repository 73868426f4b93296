import { expect, test, vi } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, groupOf, moveByHand, overrideOf, stateOf } from "./eyes";

/** What Linux answers to the writes themselves, which all plans and refusals rest on: one promise for each, by the test's own hands. */

const generator = "a003c00.virtio_mmio";
const edu: DeviceName = ["pci", "0000:00:03.0"];
const keys: DeviceName = ["platform", "gpio-keys"];
const controller: DeviceName = ["amba", "9030000.pl061"];
const clock: DeviceName = ["amba", "9010000.pl031"];
const [platform, pci, amba] = ["platform", "pci", "amba"].map((bus) => `/sys/bus/${bus}`);
const asFound = { driver: "virtio-mmio", override: null };

onBoard("arm64", "what the kernel answers", (bench) => {
  /** Writes as a shell does; returns the kernel's error as that words it, empty for none. */
  const write = async (text: string, path: string): Promise<string> => {
    const said = await bench.board.shell(`echo '${text}' 2>&1 >${path} || true`);
    return /: ([A-Z][a-z ]+)$/m.exec(said)?.[1] ?? said;
  };
  const overrideOfGenerator = `${platform}/devices/${generator}/driver_override`;
  const stateOfGenerator = () => stateOf(bench.board, ["platform", generator]);
  const hasModule = async (name: string) => (await bench.board.shell(`grep -c '^${name} ' /proc/modules || true`)) !== "0";

  test("gives a device its IOMMU group only at its first probe, so vfio-pci takes one that has none yet", async () => {
    const { board } = bench;
    const hasGroup = () => board.shell(`[ -e ${pci}/devices/${edu[1]}/iommu_group ] && echo yes || echo no`);
    expect(await hasGroup()).toBe("no");
    const binding = bench.binding({ bus: edu[0], device: edu[1], driver: "vfio-pci" });
    const { iommuGroup } = await binding.create();
    expect([await hasGroup(), iommuGroup]).toEqual(["yes", await groupOf(board, edu)]);
    await binding.delete();
  });

  test("answers ENODEV to unbind for an unknown device, for another driver's, and for one that is unbound already", async () => {
    const unbind = (driver: string, device: string) => write(device, `${platform}/drivers/${driver}/unbind`);
    expect(await unbind("virtio-mmio", "nobody")).toBe("No such device");
    expect(await unbind("gpio-keys", generator)).toBe("No such device");
    expect(await unbind("virtio-mmio", generator)).toBe("");
    expect(await unbind("virtio-mmio", generator)).toBe("No such device");
    await moveByHand(bench.board, ["platform", generator], "virtio-mmio");
  });

  test("answers EBUSY to bind for a device that the driver has, ENODEV for another's, one that does not match and one overridden", async () => {
    const bind = (driver: string) => write(generator, `${platform}/drivers/${driver}/bind`);
    expect(await bind("virtio-mmio"), "its own already").toBe("Device or resource busy");
    expect(await bind("gpio-keys"), "another's").toBe("No such device");
    await write(generator, `${platform}/drivers/virtio-mmio/unbind`);
    expect(await bind("gpio-keys"), "free, and not matching").toBe("No such device");
    await write("gpio-keys", overrideOfGenerator);
    expect(await bind("virtio-mmio"), "matching, but for another's override").toBe("No such device");
    await moveByHand(bench.board, ["platform", generator], "virtio-mmio");
    expect(await stateOfGenerator()).toEqual(asFound);
  });

  test("answers yes to drivers_probe also where nobody takes the device and where the probe refuses it, so a delete reads back", async () => {
    const { board } = bench;
    expect([await write(edu[1], `${pci}/drivers_probe`), await driverOf(board, edu)], "nobody").toEqual(["", null]);
    await board.shell("modprobe devbind_rogue && cd /sys/module/devbind_rogue/parameters && echo 22 >error");
    await moveByHand(board, ["platform", generator], null, "devbind-rogue");
    expect([await write(generator, `${platform}/drivers_probe`), (await stateOfGenerator()).driver], "refused").toEqual(["", null]);
    await board.shell("rmmod devbind_rogue");
    await moveByHand(board, ["platform", generator], "virtio-mmio");

    const binding = bench.binding({ bus: "pci", device: edu[1], driver: "vfio-pci", onDelete: "probe" });
    await binding.create();
    await binding.delete();
    expect(await stateOf(board, edu)).toEqual({ driver: null, override: null });
  });

  test("takes any override while a driver has the device, by its first line, and clears it by an empty one; an empty write does nothing", async () => {
    const { board } = bench;
    const name: DeviceName = ["platform", generator];
    expect(await board.shell(`cat ${overrideOfGenerator}`), "unset").toBe("(null)");
    for (const text of ["a b", "x".repeat(300)]) {
      expect(await write(text, overrideOfGenerator)).toBe("");
      expect(await stateOfGenerator(), "no effect while it is bound").toEqual({ driver: "virtio-mmio", override: text });
    }
    expect(await board.shell(`printf 'first\\nsecond\\n' >${overrideOfGenerator} && cat ${overrideOfGenerator}`)).toBe("first");
    await board.shell(`: >${overrideOfGenerator}`);
    expect(await overrideOf(board, name), "after an empty write").toBe("first");
    expect(await write("x".repeat(4094), overrideOfGenerator), "with its newline a byte less than a page").toBe("Invalid argument");
    expect(await overrideOf(board, name)).toBe("first");
    expect(await write("", overrideOfGenerator)).toBe("");
    expect(await stateOfGenerator()).toEqual(asFound);
  });

  test("gives back an override of two words that somebody had set", async () => {
    await write("a b", overrideOfGenerator);
    const binding = bench.binding({ bus: "platform", device: generator, driver: null });
    expect(await binding.create()).toMatchObject({ previousDriver: "virtio-mmio", previousOverride: "a b", driverOverride: null });
    await binding.delete();
    expect(await stateOfGenerator()).toEqual({ driver: "virtio-mmio", override: "a b" });
    await write("", overrideOfGenerator);
  });

  test("does not try a bind again that was deferred when what it waited for comes, but does so after drivers_probe", async () => {
    const { board } = bench;
    const bound = () => driverOf(board, keys);
    await moveByHand(board, keys, null);
    await moveByHand(board, controller, null);
    expect(await write(keys[1], `${platform}/drivers/gpio-keys/bind`)).toBe("Resource temporarily unavailable");
    await moveByHand(board, controller, "pl061_gpio");
    await board.shell("sleep 2");
    expect(await bound(), "after bind").toBeNull();
    await moveByHand(board, controller, null);
    expect(await write(keys[1], `${platform}/drivers_probe`)).toBe("");
    expect(await bound(), "deferred").toBeNull();
    await moveByHand(board, controller, "pl061_gpio");
    await expect.poll(bound, { timeout: 20_000, interval: 200 }).toBe("gpio-keys");
  });

  test("loads no module for an override or a probe; a module binds by override at once, and leaves its device unbound when it goes", async () => {
    const { board } = bench;
    await write("pci-stub", `${pci}/devices/${edu[1]}/driver_override`);
    await write(edu[1], `${pci}/drivers_probe`);
    expect([await hasModule("pci_stub"), await driverOf(board, edu)]).toEqual([false, null]);
    await board.shell("modprobe pci-stub");
    expect(await driverOf(board, edu)).toBe("pci-stub");
    await board.shell("rmmod pci_stub");
    expect(await driverOf(board, edu)).toBeNull();
    await write("", `${pci}/devices/${edu[1]}/driver_override`);
  });

  test("binds at once by a new id, which it takes once only; remove_id leaves the device bound, and is refused the second time", async () => {
    const { board } = bench;
    await board.shell("modprobe pci-stub");
    const stub = `${pci}/drivers/pci-stub`;
    expect([await write("1234 11e8", `${stub}/new_id`), await driverOf(board, edu)]).toEqual(["", "pci-stub"]);
    expect(await write("1234 11e8", `${stub}/new_id`)).toBe("File exists");
    expect([await write("1234 11e8", `${stub}/remove_id`), await driverOf(board, edu)]).toEqual(["", "pci-stub"]);
    expect(await write("1234 11e8", `${stub}/remove_id`)).toBe("No such device");
    expect(await write("garbage", `${stub}/new_id`)).toBe("Invalid argument");
    await board.shell("rmmod pci_stub");
  });

  test("says Permission denied where a driver has no bind file, so it is looked for before it is written to", async () => {
    expect(await write(generator, `${platform}/drivers/arm-smmu-v3/bind`)).toBe("Permission denied");
    expect(await write("9000000.pl011", `${amba}/drivers/uart-pl011/unbind`)).toBe("Permission denied");
  });

  test("gives what a device makes another name when it is bound again: lost is only what has gone for good", async () => {
    const { board } = bench;
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const name = () => board.shell(`basename ${amba}/devices/${clock[1]}/rtc/rtc*`);
    const before = await name();
    const binding = bench.binding({ bus: clock[0], device: clock[1], driver: "rtc-pl031" });
    await binding.create();
    await binding.update({ triggers: [1] });
    expect(await name()).not.toBe(before);
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/: Not bound any more, with what they depended on: alarmtimer\S* \(alarmtimer\)\.$/)],
    ]);
    warn.mockRestore();
    await binding.delete();
  });
});
