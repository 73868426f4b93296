import { expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, moveByHand, stateOf } from "./eyes";

const teachingDevice: DeviceName = ["pci", "0000:00:03.0"];
const card: DeviceName = ["pci", "0000:00:01.0"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const keys: DeviceName = ["platform", "gpio-keys"];
const clock: DeviceName = ["amba", "9010000.pl031"];

const meant: [selector: Record<string, string>, device: DeviceName][] = [
  [{ deviceTreePath: "/virtio_mmio@a003c00" }, generator],
  [{ address: "0xA003C00" }, generator],
  [{ deviceTreePath: "/pl031@9010000" }, clock],
  [{ compatible: "arm,pl031" }, clock],
  [{ address: "09010000" }, clock],
  [{ modalias: "of:Ngpio-keysT(null)C*" }, keys],
  [{ pciId: "1234:11E8" }, teachingDevice],
  [{ pciId: "1234:11e8:1af4:1100" }, teachingDevice],
  [{ modalias: "pci:v00001234d000011E8*" }, teachingDevice],
];

onBoard("arm64", "selectors", (bench) => {
  test.each(meant)("finds the device by %j, keeps it without a driver, and gives it back", async (selector, device) => {
    const before = await stateOf(bench.board, device);
    const binding = bench.binding({ bus: device[0], device: selector, driver: null });
    const outputs = await binding.create();
    expect(outputs).toMatchObject({ deviceName: device[1], currentDriver: null, previousDriver: before.driver, device: selector });
    expect(await stateOf(bench.board, device)).toEqual({ driver: null, override: null });
    await binding.delete();
    expect(await stateOf(bench.board, device)).toEqual(before);
  });

  test("refuses an id that two cards have, names both, and writes nothing", async () => {
    const binding = bench.binding({ bus: "pci", device: { pciId: "8086:10d3" }, driver: "vfio-pci" });
    expect(await refusalOf(binding.create())).toBe(
      `Cannot bind the device with pciId "8086:10d3" on ${addressOf(bench.board)} to "vfio-pci". ` +
        'The bus pci has 2 devices with pciId "8086:10d3": 0000:00:01.0 (e1000e), 0000:00:02.0 (e1000e). Nothing was written. ' +
        "Name one of them, or choose by what only one of them has.",
    );
    expect(await bench.writes()).toEqual([]);
  });

  test("refuses what no device has, and names the nearest that there is", async () => {
    const nothing = bench.binding({ bus: "amba", device: { compatible: "arm,pl032" }, driver: null });
    expect(await refusalOf(nothing.create())).toContain('The bus amba has no device with compatible "arm,pl032" (there are "arm,pl031", ');
    const path = bench.binding({ bus: "platform", device: { deviceTreePath: "/virtio_mmio@a003c01" }, driver: null });
    expect(await refusalOf(path.create())).toMatch(/no device with deviceTreePath .* \(there are "\/virtio_mmio@a003[0-9a-e]00", /);
    expect(await bench.writes()).toEqual([]);
  });

  test("refuses the network interface of the session, whose device on each bus is guarded", async () => {
    for (const bus of ["platform", "virtio"]) {
      const session = await bench.board.shell("basename $(dirname $(grep -l 52:54:00:db:00:01 /sys/class/net/*/address))");
      const binding = bench.binding({ bus, device: { networkInterface: session }, driver: null });
      expect(await refusalOf(binding.create())).toContain(`The device carries the network card ${session}, which carries this SSH session`);
    }
    expect(await bench.writes()).toEqual([]);
  });

  test("takes the card of a network interface to vfio-pci, and finds it again without the interface, until it is given back", async () => {
    const { board } = bench;
    const name = await board.shell("ls /sys/bus/pci/devices/0000:00:01.0/net");
    const binding = bench.binding({ bus: "pci", device: { networkInterface: name }, driver: "vfio-pci" });
    expect(await binding.create()).toMatchObject({ deviceName: card[1], currentDriver: "vfio-pci", previousDriver: "e1000e" });
    await board.shell(`test ! -e /sys/class/net/${name}`);
    expect(await binding.read()).toMatchObject({ deviceName: card[1], currentDriver: "vfio-pci" });
    await bench.writes();
    await binding.update();
    expect(await bench.writes()).toEqual([]);
    await moveByHand(board, card, null);
    expect(await binding.update()).toMatchObject({ deviceName: card[1], currentDriver: "vfio-pci" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
    await board.shell(`test -e /sys/class/net/${name}`);
  });

  test("goes from a name to a selector and back without a write, as long as both mean the same device", async () => {
    const binding = bench.binding({ bus: teachingDevice[0], device: teachingDevice[1], driver: "vfio-pci" });
    await binding.create();
    await bench.writes();
    const byId = { device: { pciId: "1234:11e8" } };
    for (const changed of [byId, { device: { modalias: "pci:v00001234*" } }, { device: teachingDevice[1] }]) {
      expect(await binding.update(changed)).toMatchObject({ deviceName: teachingDevice[1], previousDriver: null, ...changed });
    }
    expect(await bench.writes()).toEqual([]);
    await binding.delete();
    expect(await stateOf(bench.board, teachingDevice)).toEqual({ driver: null, override: null });
  });

  test("refuses the second of two bindings that mean the same device, by the name of the first", async () => {
    const first = bench.binding({ bus: "pci", device: { pciId: "1234:11e8" }, driver: "vfio-pci", claimant: "org/lab/dev/first" });
    const second = bench.binding({ bus: "pci", device: teachingDevice[1], driver: null, claimant: "org/lab/dev/second" });
    await first.create();
    await bench.writes();
    expect(await refusalOf(second.create())).toContain("The device is claimed by org/lab/dev/first. Nothing was written.");
    expect(await bench.writes()).toEqual([]);
    await first.delete();
  });

  test("refuses a device that is not what expect says, with both values, and writes nothing", async () => {
    const { board } = bench;
    const alias = await board.shell("cat /sys/bus/pci/devices/0000:00:03.0/modalias");
    const inputs = { bus: "pci", device: teachingDevice[1], driver: "vfio-pci" };
    const refused = bench.binding({ ...inputs, expect: { modalias: "pci:v00008086*", pciId: "8086:10d3" } });
    expect(await refusalOf(refused.create())).toBe(
      `Cannot bind 0000:00:03.0 on ${addressOf(board)} to "vfio-pci". 0000:00:03.0 is not the device that is expected: ` +
        `its modalias is "${alias}", not "pci:v00008086*"; its pciId is "1234:11e8:1af4:1100", not "8086:10d3". Nothing was written. ` +
        "Look at what is there now, then correct `device` or `expect`.",
    );
    expect(await bench.writes()).toEqual([]);
    const taken = bench.binding({ ...inputs, expect: { modalias: "pci:v00001234d*", pciId: "1234:11e8" } });
    await taken.create();
    expect(await driverOf(board, teachingDevice)).toBe("vfio-pci");
    await taken.delete();
  });
});
