import { expect, test } from "vitest";
import { refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, stateOf, virtioBehind } from "./eyes";

const clock: DeviceName = ["amba", "9010000.pl031"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];

onBoard("arm64", "amba, platform and virtio devices", (bench) => {
  test("keeps an amba device without a driver, binds it again, and gives it back", async () => {
    const { board } = bench;
    const binding = bench.binding({ bus: "amba", device: "9010000.pl031", driver: null });
    expect(await binding.create()).toMatchObject({
      currentDriver: null,
      previousDriver: "rtc-pl031",
      iommuGroup: null,
      groupViable: false,
    });
    expect(await stateOf(board, clock)).toEqual({ driver: null, override: null });
    expect(await bench.writes()).toEqual(["unbind 9010000.pl031"]);

    expect(await binding.update({ driver: "rtc-pl031" })).toMatchObject({ currentDriver: "rtc-pl031", driverOverride: "rtc-pl031" });
    expect(await stateOf(board, clock)).toEqual({ driver: "rtc-pl031", override: "rtc-pl031" });
    expect(await bench.writes()).toEqual(["override rtc-pl031", "bind 9010000.pl031"]);
    await board.shell("ls /dev/rtc*");

    await binding.delete();
    expect(await stateOf(board, clock)).toEqual({ driver: "rtc-pl031", override: null });
    expect(await bench.writes(), "it keeps its driver throughout").toEqual(["override"]);
  });

  test("takes a platform device from its driver and gives it back", async () => {
    const binding = bench.binding({ bus: "platform", device: "a003c00.virtio_mmio", driver: null });
    expect(await binding.create()).toMatchObject({
      currentDriver: null,
      previousDriver: "virtio-mmio",
      sysfsPath: "/sys/devices/platform/a003c00.virtio_mmio",
    });
    expect(await stateOf(bench.board, generator)).toEqual({ driver: null, override: null });
    await binding.delete();
    expect(await stateOf(bench.board, generator)).toEqual({ driver: "virtio-mmio", override: null });
  });

  test('binds a platform device by override with strategy "override", and by its bare name with "bind"', async () => {
    const binding = bench.binding({ bus: "platform", device: "a003c00.virtio_mmio", driver: null });
    await binding.create();
    await binding.update({ driver: "virtio-mmio", strategy: "override" });
    expect(await stateOf(bench.board, generator)).toEqual({ driver: "virtio-mmio", override: "virtio-mmio" });
    await binding.update({ driver: null });
    expect(await stateOf(bench.board, generator)).toEqual({ driver: null, override: null });
    await bench.writes();
    await binding.update({ driver: "virtio-mmio", strategy: "bind" });
    expect(await bench.writes()).toEqual(["bind a003c00.virtio_mmio"]);
    expect(await stateOf(bench.board, generator)).toEqual({ driver: "virtio-mmio", override: null });
    await binding.delete();
  });

  test("takes and gives back a virtio device, whose bus has no overrides", async () => {
    const { board } = bench;
    const device = await virtioBehind(board, generator);
    const binding = bench.binding({ bus: "virtio", device, driver: null });
    expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "virtio_rng", driverOverride: null });
    expect(await driverOf(board, ["virtio", device])).toBeNull();
    expect(await binding.update({ driver: "virtio_rng" })).toMatchObject({ currentDriver: "virtio_rng", driverOverride: null });
    expect(await driverOf(board, ["virtio", device])).toBe("virtio_rng");
    expect(await bench.writes()).toEqual([`unbind ${device}`, `bind ${device}`]);
    await binding.delete();
    expect(await bench.writes()).toEqual([]);
  });

  test("refuses to force an override on a bus that has none", async () => {
    const device = await virtioBehind(bench.board, generator);
    const binding = bench.binding({ bus: "virtio", device, driver: null, strategy: "override" });
    expect(await refusalOf(binding.create())).toContain("Devices of the bus virtio have no driver override here.");
    expect(await bench.writes()).toEqual([]);
  });
});
