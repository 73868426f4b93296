import { describe, expect, it } from "vitest";
import { refusalsOf } from "../../provider/plan/guards";
import { planDevice, stepsOf, transactionDevice, wishOf } from "../../provider/plan/plan";
import type { BindingInput, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice, bound } from "./made";

const byId = { device: { pciId: "8086:10d3" } };

function refusals(wished: Partial<BindingInput>, seen: Partial<Device>, writes = true) {
  const [binding, device] = [aBinding(wished), aDevice(seen)];
  return refusalsOf(binding, wishOf(binding, device, false), aBoard(), device, writes, []);
}

const several = { isPresent: false, driver: null, matches: [{ name: "0000:00:01.0", driver: "e1000e" }] };
const many = Array.from({ length: 12 }, (_, index) => ({ name: `0000:00:${10 + index}.0`, driver: index === 1 ? null : "e1000e" }));

describe("a selector that means no device", () => {
  it("names the nearest ids that there are, and a dependency may still bring it", () => {
    const similarNames = ["1af4:1000", "8086:10d4", "8086:1533", "1234:11e8"];
    expect(refusals(byId, { isPresent: false, driver: null, similarNames })).toEqual([
      {
        property: "device",
        isCertain: false,
        reason: 'The bus pci has no device with pciId "8086:10d3" (there are "8086:10d4", "8086:1533", "1af4:1000" and 1 more).',
        todo: "Correct it, or bring the device there first.",
      },
    ]);
  });

  it("says nothing of ids where there are none", () => {
    const wished = { bus: "platform", device: { deviceTreePath: "/soc/i2c" } };
    const [refusal] = refusals(wished, { bus: "platform", isPresent: false, driver: null });
    expect(refusal?.reason).toBe('The bus platform has no device with deviceTreePath "/soc/i2c".');
  });

  it("is the bus's fault where that is not there", () => {
    const [refusal] = refusals(byId, { isBusPresent: false, isPresent: false, driver: null, similarNames: ["platform"] });
    expect(refusal).toMatchObject({ property: "bus", reason: 'The board has no bus "pci" (there is "platform").' });
  });
});

describe("a selector that means several devices", () => {
  it("is refused for certain, with ten of them and their drivers", () => {
    const [refusal, ...others] = refusals(byId, { ...several, matches: many });
    expect(others).toEqual([]);
    expect(refusal).toMatchObject({
      property: "device",
      isCertain: true,
      todo: "Name one of them, or choose by what only one of them has.",
    });
    expect(refusal?.reason).toMatch(
      /^The bus pci has 12 devices with pciId "8086:10d3": 0000:00:10\.0 \(e1000e\), 0000:00:11\.0 \(no driver\), /,
    );
    expect(refusal?.reason).toMatch(/, 0000:00:19\.0 \(e1000e\) and 2 more\.$/);
  });

  it("plans no write", () => {
    const [binding, device] = [aBinding(byId), aDevice({ ...several, matches: many })];
    expect(stepsOf([planDevice(binding, wishOf(binding, device, true), aBoard(), device)])).toEqual([]);
  });
});

describe("the device in a transaction", () => {
  const plan = (wished: Partial<BindingInput>, known?: string) => {
    const [binding, device] = [aBinding(wished), aDevice()];
    const more = { claim: "take" as const, past: { driver: null, override: null }, known };
    return transactionDevice(binding, planDevice(binding, wishOf(binding, device, false), aBoard(), device), device, more);
  };

  it("is the one that was found, with what chose it, for the board to check once more", () => {
    expect(plan(byId, "0000:00:09.0")).toMatchObject({
      device: "0000:00:02.0",
      selector: { key: "pciId", value: "8086:10d3" },
      known: "0000:00:09.0",
    });
  });

  it("has no selector where it was named", () => expect(plan({}, "0000:00:09.0")).not.toHaveProperty("selector"));
});

const alias = "pci:v00008086d000010D3sv00001AF4sd00001100bc02sc00i00";
const identity = { modalias: alias, compatible: ["arm,pl031", "arm,primecell"] };

const held: [title: string, expected: BindingInput["expect"]][] = [
  ["the very modalias", { modalias: alias }],
  ["a pattern of it", { modalias: "pci:v00008086d*sv????1AF4*" }],
  ["any of the compatible strings", { compatible: "arm,primecell" }],
  ["vendor and device", { pciId: "8086:10D3" }],
  ["vendor, device and subsystem", { pciId: "8086:10d3:1af4:1100" }],
  ["all of it", { modalias: "pci:*", compatible: "arm,pl031", pciId: "8086:10d3" }],
];

const broken: [title: string, expected: BindingInput["expect"], seen: Partial<Device>, words: string][] = [
  ["another modalias", { modalias: "pci:v00001234*" }, identity, `modalias is "${alias}", not "pci:v00001234*"`],
  ["a pattern of its beginning alone", { modalias: "pci:v0000" }, identity, `modalias is "${alias}", not "pci:v0000"`],
  ["a ? for no letter", { modalias: `${alias}?` }, identity, `modalias is "${alias}", not "${alias}?"`],
  ["a dot for any letter", { modalias: "a.b" }, { modalias: "axb" }, 'modalias is "axb", not "a.b"'],
  ["no modalias at all", { modalias: "pci:?*" }, { modalias: null }, 'modalias is none, not "pci:?*"'],
  ["part of a compatible string", { compatible: "arm" }, identity, 'compatible is "arm,pl031", "arm,primecell", not "arm"'],
  ["no compatible at all", { compatible: "arm" }, { compatible: [] }, 'compatible is none, not "arm"'],
  ["another device", { pciId: "8086:1533" }, identity, 'pciId is "8086:10d3:1af4:1100", not "8086:1533"'],
  ["another subsystem", { pciId: "8086:10d3:8086:0000" }, identity, 'pciId is "8086:10d3:1af4:1100", not "8086:10d3:8086:0000"'],
  ["no PCI device at all", { pciId: "8086:10d3" }, { modalias: "usb:v8086p10D3" }, 'pciId is none, not "8086:10d3"'],
];

describe("a device that is what expect says", () => {
  it.each(held)("is not refused: %s", (_, expected) => expect(refusals({ expect: expected }, identity)).toEqual([]));
});

describe("a device that is not what expect says", () => {
  it.each(broken)("is refused for certain, with both values: %s", (_, expected, seen, words) => {
    expect(refusals({ expect: expected }, seen)).toEqual([
      {
        property: "expect",
        isCertain: true,
        reason: `0000:00:02.0 is not the device that is expected: its ${words}.`,
        todo: "Look at what is there now, then correct `device` or `expect`.",
      },
    ]);
  });

  it("is refused also where nothing would be written to it, and where a selector found it", () => {
    const expected = { expect: { pciId: "1234:11e8" } };
    expect(refusals(expected, bound, false).map(({ property }) => property)).toEqual(["expect"]);
    expect(refusals({ ...byId, ...expected }, {}).map(({ property }) => property)).toEqual(["expect"]);
  });

  it("is told all that it is not", () => {
    const [refusal] = refusals({ expect: { modalias: "a", compatible: "b", pciId: "1234:11e8" } }, identity);
    expect(refusal?.reason.match(/its /g)).toHaveLength(3);
  });
});
