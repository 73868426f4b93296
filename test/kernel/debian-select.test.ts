import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, driverOf } from "./eyes";
import { spareDevices, tabletIsUp } from "./other-buses";

const tablet: DeviceName = ["usb", "1-1"];
const tabletInterface: DeviceName = ["usb", "1-1:1.0"];

onBoard(
  "debian",
  "USB devices by a selector",
  (bench) => {
    test("finds a device by its vendor and product, and one of its interfaces by a pattern of its modalias", async () => {
      const { board } = bench;
      await tabletIsUp(board);
      const interfaceOnly = bench.binding({ bus: "usb", device: { modalias: "usb:v0627p0001*in00" }, driver: null });
      expect(await interfaceOnly.create()).toMatchObject({ deviceName: tabletInterface[1], previousDriver: "usbhid" });
      expect(await driverOf(board, tabletInterface)).toBeNull();
      await interfaceOnly.delete();
      expect(await driverOf(board, tabletInterface)).toBe("usbhid");
      await bench.writes();

      const whole = bench.binding({ bus: "usb", device: { usbId: "0627:0001" }, driver: "usb" });
      expect(await whole.create()).toMatchObject({ deviceName: tablet[1], previousDriver: "usb" });
      await whole.update({ triggers: [1] });
      expect(await bench.writes()).toEqual(["unbind 1-1", "bind 1-1"]);
      await tabletIsUp(board);
      expect([await driverOf(board, tablet), await driverOf(board, tabletInterface)]).toEqual(["usb", "usbhid"]);
      await whole.delete();
    });
  },
  { spareDevices },
);
