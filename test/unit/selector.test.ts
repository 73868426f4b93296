import { describe, expect, expectTypeOf, it } from "vitest";
import type { DeviceBindingArgs, DeviceSelector } from "../../provider";
import { unknownValue, validate } from "../../provider/schema";
import { selectorKeys } from "../../provider/selector";
import { wishes } from "./made";

const chosen = (device: unknown, bus = "platform") => validate(wishes({ device, bus }));
const said = (device: unknown, bus?: string) => chosen(device, bus).problems.map(({ property, message }) => `${property} ${message}`);

const taken: [bus: string, device: Record<string, string>, value: string][] = [
  ["platform", { deviceTreePath: "/soc/i2c@13860000" }, "/soc/i2c@13860000"],
  ["i2c", { deviceTreePath: "/soc@0/bus@30800000/i2c@30a20000/pmic@4b" }, "/soc@0/bus@30800000/i2c@30a20000/pmic@4b"],
  ["platform", { compatible: "samsung,s3c2440-i2c" }, "samsung,s3c2440-i2c"],
  ["platform", { address: "12ce0000" }, "12ce0000"],
  ["amba", { address: "0x0012CE0000" }, "12ce0000"],
  ["platform", { address: "0" }, "0"],
  ["platform", { address: "0x00" }, "0"],
  ["pci", { pciId: "8086:10D3" }, "8086:10d3"],
  ["pci", { pciId: "8086:10d3:1AF4:1100" }, "8086:10d3:1af4:1100"],
  ["usb", { usbId: "1D6B:0104" }, "1d6b:0104"],
  ["usb", { modalias: "usb:v1D6Bp0104*in0?" }, "usb:v1D6Bp0104*in0?"],
  ["platform", { modalias: "of:Ngpio-keysT(null)Cgpio-keys" }, "of:Ngpio-keysT(null)Cgpio-keys"],
  ["platform", { modalias: "platform:Fixed MDIO bus" }, "platform:Fixed MDIO bus"],
  ["pci", { networkInterface: "enp3s0f0.4" }, "enp3s0f0.4"],
];

describe("a selector is taken, written as it is compared:", () => {
  it.each(taken)("on %s %j", (bus, device, value) => {
    const { problems, binding } = chosen(device, bus);
    expect(problems).toEqual([]);
    expect(binding?.device).toEqual({ key: Object.keys(device)[0], value });
  });

  it("and the list above leaves no key out", () => {
    expect(selectorKeys.filter((key) => !taken.some(([, device]) => key in device))).toEqual([]);
  });
});

const keys = "deviceTreePath, compatible, address, pciId, usbId, modalias, networkInterface";
const path = 'device.deviceTreePath must be a path in the device tree, like "/soc/i2c@13860000"';
const card = 'device.networkInterface must be the name of a network interface, like "eth0": 1 to 15 letters, without spaces, "/" and ":"';
const pci =
  'device.pciId must be vendor and device as four hexadecimal digits each, like "8086:10d3", or with those of the subsystem, "8086:10d3:1af4:1100"';
const usb = 'device.usbId must be vendor and product as four hexadecimal digits each, like "1234:5678"';
const alias =
  'device.modalias must be 1 to 1000 letters of a modalias, like "pci:v00008086d*"; * and ? stand for any text and any letter, and [, ] and \\ are not taken';

const refused: [device: unknown, words: string[]][] = [
  [{}, [`device must have exactly one of ${keys}`]],
  [{ address: "1", compatible: "a" }, [`device must have exactly one of ${keys}, not compatible and address`]],
  [{ serial: "x" }, ['device does not know "serial"', `device must have exactly one of ${keys}`]],
  [["a"], ["device must be the device's name or a selector"]],
  [12, ["device must be the device's name or a selector"]],
  [true, ["device must be the device's name or a selector"]],
  [{ compatible: 12 }, ["device.compatible must be a text"]],
  [{ compatible: "a b" }, ['device.compatible must be one string of a compatible list, like "samsung,s3c2440-i2c"']],
  ...["", "soc", "/", "/soc/", "//soc", "/so c"].map((value): [unknown, string[]] => [{ deviceTreePath: value }, [path]]),
  ...["", "0x", "g", "1 2", "1".repeat(17), "13860000.i2c"].map((value): [unknown, string[]] => [
    { address: value },
    ['device.address must be a hexadecimal address, like "12ce0000"'],
  ]),
  ...["8086", "8086:10d", "8086:10d3:1af4", "0x8086:0x10d3", "8086:10d3:"].map((value): [unknown, string[]] => [{ pciId: value }, [pci]]),
  ...["1234", "1234:567g"].map((value): [unknown, string[]] => [{ usbId: value }, [usb]]),
  ...["", "pci:v[0-9]*", "a\\*", "a\n", "é", "x".repeat(1001)].map((value): [unknown, string[]] => [{ modalias: value }, [alias]]),
  ...["", ".", "..", "a/b", "a:0", "a b", "a\n", "x".repeat(16)].map((value): [unknown, string[]] => [{ networkInterface: value }, [card]]),
];

describe("what can't be a selector is refused in words that name its key:", () => {
  it.each(refused)("%j", (device, words) => expect(said(device).sort()).toEqual([...words].sort()));

  it.each([
    ["address", "12ce0000", "pci", '"platform" or "amba"'],
    ["pciId", "8086:10d3", "virtio", '"pci"'],
    ["usbId", "1234:5678", "hid", '"usb"'],
  ])("%s on a bus that has none", (key, value, bus, buses) => {
    expect(said({ [key]: value }, bus)).toEqual([`device.${key} is only for the bus ${buses}`]);
  });
});

describe("a selector of which something is not known yet", () => {
  it.each([
    ["all of it", unknownValue, "pci"],
    ["its value", { pciId: unknownValue }, "pci"],
    ["its bus", { pciId: "8086:10d3" }, unknownValue],
  ])("passes: %s", (_, device, bus) => expect(chosen(device, bus)).toEqual({ problems: [] }));
});

describe("expect", () => {
  const expected = (expect: unknown) => validate(wishes({ expect })).problems.map(({ property, message }) => `${property} ${message}`);

  it("takes a pattern of a modalias, a compatible string and a PCI id, each by itself", () => {
    for (const identity of [{ modalias: "pci:*" }, { compatible: "a,b" }, { pciId: "8086:10D3" }]) expect(expected(identity)).toEqual([]);
    expect(validate(wishes({ expect: { pciId: "8086:10D3" } })).binding?.expect).toEqual({ pciId: "8086:10d3" });
  });

  it.each<[unknown, string]>([
    [{}, "expect must name at least one of modalias, compatible, pciId"],
    ["pci:*", "expect must be an object of modalias, compatible or pciId"],
    [{ pciId: "8086" }, pci.replace("device.", "expect.")],
    [{ modalias: "a[b]" }, alias.replace("device.", "expect.")],
    [{ modalias: "a", serial: "x" }, 'expect does not know "serial"'],
  ])("refuses %j", (identity, words) => expect(expected(identity)).toEqual([words]));
});

describe("a program's selector", () => {
  it("is an object with its keys, of which each may be an Output", () => {
    expectTypeOf<{ pciId: string }>().toExtend<DeviceSelector>();
    expectTypeOf<{ compatible: Promise<string> }>().toExtend<DeviceBindingArgs["device"]>();
    expectTypeOf<{ serial: string }>().not.toExtend<DeviceSelector>();
  });
});
