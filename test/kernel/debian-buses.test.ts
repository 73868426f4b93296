import { expect, test, vi } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, stateOf } from "./eyes";
import { onBuses, spareDevices, tabletIsUp } from "./other-buses";

onBoard(
  "debian",
  "buses without overrides",
  (bench) => {
    test.each(onBuses)("takes a device of the bus $bus from $driver and gives it back, by its name alone", async (one) => {
      const { board } = bench;
      const { bus, driver, refused, make = "true", unmake = "true" } = one;
      vi.spyOn(console, "warn").mockReturnValue(undefined); // what hangs on it goes and comes
      await tabletIsUp(board);
      await board.shell(make);
      const device = await board.shell(one.name);
      expect(await driverOf(board, [bus, device])).toBe(driver);
      await bench.writes();
      const binding = bench.binding({ bus, device, driver: null, timeoutSeconds: 30 });
      if (refused !== undefined) expect(await refusalOf(binding.create())).toContain(refused);
      expect(await binding.update({ force: refused !== undefined })).toMatchObject({
        currentDriver: null,
        previousDriver: driver,
        driverOverride: null,
      });
      expect(await driverOf(board, [bus, device])).toBeNull();
      const overridden = await refusalOf(binding.update({ driver, strategy: "override" }));
      expect(overridden).toContain(
        `Devices of the bus ${bus} have no driver override here. Nothing was written. Use strategy "auto" or "bind".`,
      );
      expect(await binding.update({ driver, strategy: "auto" })).toMatchObject({ currentDriver: driver, previousDriver: driver });
      expect(await driverOf(board, [bus, device])).toBe(driver);
      expect(await bench.writes()).toEqual([`unbind ${device}`, `bind ${device}`]);
      await binding.delete();
      expect(await bench.writes(), "it has its driver already").toEqual([]);
      await board.shell(unmake);
    });

    test("says in words that a device did not come back, which its driver takes by override only, and takes it that way", async () => {
      const { board } = bench;
      const controller: DeviceName = ["platform", "ipmi_bmc.0"]; // ipmi_si makes it, and gives it its driver
      const binding = bench.binding({ bus: controller[0], device: controller[1], driver: null, timeoutSeconds: 30 });
      expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "ipmi" });
      expect(await refusalOf(binding.delete())).toBe(
        `Cannot give back ipmi_bmc.0 on ${addressOf(board)} to "ipmi": the kernel refused the write to bind (ENODEV). ipmi_bmc.0 is without a ` +
          "driver, as before; nothing changed. The driver that it had does not take it any more: " +
          '`onDelete: "unbind"` gives it up without one, and "keep" as it is.',
      );
      expect(await binding.update({ driver: "ipmi" })).toMatchObject({ currentDriver: "ipmi", driverOverride: "ipmi" });
      await binding.delete();
      expect(await stateOf(board, controller)).toEqual({ driver: "ipmi", override: null });
    });

    test("takes a device whose name has spaces, by override, and gives it back", async () => {
      const { board } = bench;
      await board.shell("modprobe fixed_phy");
      const binding = bench.binding({ bus: "platform", device: "Fixed MDIO bus.0", driver: "pcspkr" });
      expect(await binding.create()).toMatchObject({ currentDriver: "pcspkr", driverOverride: "pcspkr", previousDriver: null });
      expect(await bench.writes()).toEqual(["override pcspkr", "bind Fixed MDIO bus.0"]);
      expect(await board.shell("readlink '/sys/bus/platform/devices/Fixed MDIO bus.0/driver'")).toMatch(/\/pcspkr$/);
      await binding.delete();
      expect(await board.shell("cat '/sys/bus/platform/devices/Fixed MDIO bus.0/driver_override'")).toBe("(null)");
      await board.shell("rmmod fixed_phy");
    });
  },
  { spareDevices },
);
