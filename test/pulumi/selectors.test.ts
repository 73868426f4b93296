import { expect, test } from "vitest";
import { claims, clock, driverOf, events, type DeviceName, seen } from "./eyes";
import { type Arguments, connectionTo, inputsOf, onePass, outputsOf, saidOn, told, useLab } from "./lab";

const lab = useLab(["c9".repeat(16)]);
const edu: DeviceName = ["pci", "0000:00:03.0"];

const binding = (bus: string, device: Arguments | string, driver: string | null, more: Arguments = {}) => ({
  args: { connection: connectionTo(lab.board()), bus, device, driver, ...more },
});

test("a selector is resolved in the preview: what it means is shown, and several, or what expect does not say, stop it there", async () => {
  const stack = await lab.openProgram({
    clock: binding("amba", { compatible: "arm,pl031" }, null),
    cards: binding("pci", { pciId: "8086:10d3" }, "vfio-pci"),
    nothing: binding("amba", { address: "9010001" }, null),
    other: binding("pci", edu[1], "vfio-pci", { expect: { pciId: "8086:10d3" } }),
    wrong: binding("pci", { usbId: "1234:5678" }, "vfio-pci"),
  });
  const before = await events(lab.board());
  const preview = await stack.preview({ expectFailure: true });
  expect(told(preview)).toEqual(["cards: create", "clock: create", "nothing: create", "other: create", "wrong: create"]);
  expect(saidOn(preview, "clock")).toEqual([expect.stringContaining("warning: Unbinding 9010000.pl031 also takes from their drivers")]);
  expect(saidOn(preview, "cards")).toEqual([
    'error: device: The bus pci has 2 devices with pciId "8086:10d3": 0000:00:01.0 (e1000e), 0000:00:02.0 (e1000e). Name one of them, or choose by what only one of them has.',
  ]);
  expect(saidOn(preview, "nothing")).toEqual([
    expect.stringMatching(/^warning: Not there yet: device: The bus amba has no device with address "9010001" \(there are "9010000", /),
  ]);
  expect(saidOn(preview, "other")).toEqual([expect.stringContaining('its pciId is "1234:11e8:1af4:1100", not "8086:10d3".')]);
  expect(saidOn(preview, "wrong")).toEqual(['error: device.usbId is only for the bus "usb". Nothing was sent to the board.']);
  expect(await events(lab.board())).toBe(before);
});

test("a name, and selectors of the same device, are updates without a write; one that means another device is a replacement", async () => {
  const on = (device: Arguments | string) => ({ clock: binding("amba", device, null) });
  const stack = await lab.openProgram(on({ compatible: "arm,pl031" }));
  await stack.up(onePass());
  const created = await stack.state();
  expect(inputsOf(created, "clock")).toMatchObject({ device: { compatible: "arm,pl031" }, deviceName: clock[1] });
  expect(outputsOf(created, "clock")).toMatchObject({ deviceName: clock[1], currentDriver: null, previousDriver: "rtc-pl031" });
  expect(told(await stack.preview())).toEqual(["clock: same"]);

  const before = await events(lab.board());
  for (const device of [{ address: "0x09010000" }, clock[1], { deviceTreePath: "/pl031@9010000" }]) {
    await stack.write(on(device));
    expect(told(await stack.up(onePass()))[0]).toMatch(/^clock: update .*\bdevice\b/);
    expect(told(await stack.preview())).toEqual(["clock: same"]);
  }
  expect(await events(lab.board())).toBe(before);

  await stack.write(on({ address: "9030000" }));
  expect(told(await stack.preview())[0]).toMatch(/^clock: .*replace/);
  await stack.destroy();
  expect(await driverOf(lab.board(), clock)).toBe("rtc-pl031");
});

test("two bindings of one program that mean the same device: the second is refused by the name of the first", async () => {
  const stack = await lab.openProgram({ first: binding("pci", { pciId: "1234:11e8" }, "vfio-pci") });
  await stack.up(onePass());
  await stack.write({
    first: binding("pci", { pciId: "1234:11e8" }, "vfio-pci"),
    second: binding("pci", { modalias: "pci:v00001234*" }, "pci-stub"),
  });
  const preview = await stack.preview({ expectFailure: true });
  expect(saidOn(preview, "second")).toEqual([expect.stringMatching(/^error: device: The device is claimed by .*\/first\./)]);
  const up = await stack.up(onePass({ expectFailure: true }));
  expect(told(up)).toContain("second: failed create");
  expect(await seen(lab.board(), edu)).toEqual(["vfio-pci", "vfio-pci"]);
  await stack.write({});
  await stack.destroy();
  expect([await driverOf(lab.board(), edu), await claims(lab.board())]).toEqual(["", ""]);
});
