import { describe, expect, it } from "vitest";
import { type DevicePlan, planDevice, stepsOf, wishOf } from "../../provider/plan/plan";
import type { BindingInput, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice } from "./made";

/** A plan's writes, as a sentence: `override vfio-pci, unbind e1000e, bind vfio-pci`; "-" clears. */
const said = (plan: DevicePlan): string =>
  stepsOf([plan])
    .map(({ word, value }) => `${word} ${value ?? "-"}`)
    .join(", ");

const noOverrides = { hasOverride: false } as const;
const notLoaded = { wanted: { isRegistered: false, canBind: false, isLoadable: true } } as const;

type Row = [title: string, wished: Partial<BindingInput>, seen: Partial<Device>, writes: string];

const auto: Row[] = [
  ["takes the device from its driver", {}, {}, "override vfio-pci, unbind e1000e, bind vfio-pci"],
  ["binds a device that has no driver", {}, { driver: null }, "override vfio-pci, bind vfio-pci"],
  ["leaves an override that is right", {}, { override: "vfio-pci" }, "unbind e1000e, bind vfio-pci"],
  ["binds a free device whose override is right", {}, { driver: null, override: "vfio-pci" }, "bind vfio-pci"],
  ["replaces a foreign override", {}, { override: "pci-stub" }, "override vfio-pci, unbind e1000e, bind vfio-pci"],
  ["replaces a free device's foreign override", {}, { driver: null, override: "e1000e" }, "override vfio-pci, bind vfio-pci"],
  ["only corrects a foreign override where the driver is right", {}, { driver: "vfio-pci", override: "e1000e" }, "override vfio-pci"],
  ["writes nothing where driver and override are right", {}, { driver: "vfio-pci", override: "vfio-pci" }, ""],
  ["writes nothing where the driver is right without override", {}, { driver: "vfio-pci" }, ""],
  ["binds plainly on a bus without overrides", {}, { ...noOverrides }, "unbind e1000e, bind vfio-pci"],
  ["binds a free device plainly on a bus without overrides", {}, { ...noOverrides, driver: null }, "bind vfio-pci"],
  ["writes nothing on a bus without overrides where the driver is right", {}, { ...noOverrides, driver: "vfio-pci" }, ""],
  ["loads the driver's module first", {}, { ...notLoaded }, "module vfio-pci, override vfio-pci, unbind e1000e, bind vfio-pci"],
  [
    "loads the module that was named",
    { module: "vfio_x" },
    { ...notLoaded, driver: null },
    "module vfio_x, override vfio-pci, bind vfio-pci",
  ],
  ["loads no module where none is wished", { module: false }, { ...notLoaded, driver: null }, "override vfio-pci, bind vfio-pci"],
  ["loads no module whose driver is there", { module: "vfio_x" }, { driver: null }, "override vfio-pci, bind vfio-pci"],
  ["loads no module where the driver is right", {}, { ...notLoaded, driver: "vfio-pci" }, ""],
];

const otherStrategies: Row[] = [
  ["override: writes it even where the driver is right", { strategy: "override" }, { driver: "vfio-pci" }, "override vfio-pci"],
  ["override: writes nothing where both are right", { strategy: "override" }, { driver: "vfio-pci", override: "vfio-pci" }, ""],
  ["override: takes the device", { strategy: "override" }, {}, "override vfio-pci, unbind e1000e, bind vfio-pci"],
  ["bind: writes no override", { strategy: "bind" }, {}, "unbind e1000e, bind vfio-pci"],
  ["bind: binds a free device", { strategy: "bind" }, { driver: null }, "bind vfio-pci"],
  ["bind: leaves an override that equals the driver", { strategy: "bind" }, { override: "vfio-pci" }, "unbind e1000e, bind vfio-pci"],
  ["bind: clears a foreign override first", { strategy: "bind" }, { override: "e1000e" }, "override -, unbind e1000e, bind vfio-pci"],
  ["bind: clears a foreign override of the right driver", { strategy: "bind" }, { driver: "vfio-pci", override: "e1000e" }, "override -"],
  ["bind: writes nothing where the driver is right", { strategy: "bind" }, { driver: "vfio-pci" }, ""],
  ["bind: works on a bus without overrides", { strategy: "bind" }, { ...noOverrides }, "unbind e1000e, bind vfio-pci"],
  ["null: unbinds", { driver: null }, { wanted: null }, "unbind e1000e"],
  ["null: clears the override before it unbinds", { driver: null }, { override: "e1000e", wanted: null }, "override -, unbind e1000e"],
  ["null: clears the override of a free device", { driver: null }, { driver: null, override: "e1000e", wanted: null }, "override -"],
  ["null: writes nothing to a device without driver and override", { driver: null }, { driver: null, wanted: null }, ""],
  ["null: unbinds on a bus without overrides", { driver: null }, { ...noOverrides, wanted: null }, "unbind e1000e"],
  ["null: loads no module, even a named one", { driver: null, module: "vfio_x" }, { ...notLoaded }, "unbind e1000e"],
];

const notNow: Row[] = [
  ["a device that is gone", {}, { isPresent: false, driver: null }, ""],
  ["a bus that is not there", {}, { isPresent: false, isBusPresent: false, driver: null }, ""],
  ["a device whose transaction was interrupted, before that is undone", {}, { journal: "interrupted" }, ""],
];

const writes = ([, wished, seen]: Row, isRebind: boolean) => {
  const [binding, device] = [aBinding(wished), aDevice(seen)];
  return said(planDevice(binding, wishOf(binding, device, isRebind), aBoard(), device));
};

describe("with strategy auto", () => {
  it.each(auto)("%s", (...row) => expect(writes(row, false)).toBe(row[3]));
});

describe("with another strategy or no driver", () => {
  it.each(otherStrategies)("%s", (...row) => expect(writes(row, false)).toBe(row[3]));
});

describe("writes nothing to", () => {
  it.each(notNow)("%s", (...row) => {
    expect(writes(row, false)).toBe(row[3]);
    expect(writes(row, true)).toBe(row[3]);
  });
});

const rebinds: Row[] = [
  ["a device that is right", {}, { driver: "vfio-pci", override: "vfio-pci" }, "unbind vfio-pci, bind vfio-pci"],
  ["a device that is right without override", {}, { driver: "vfio-pci" }, "unbind vfio-pci, bind vfio-pci"],
  ["a device on a bus without overrides", {}, { driver: "vfio-pci", ...noOverrides }, "unbind vfio-pci, bind vfio-pci"],
  ["a device with a foreign override", {}, { driver: "vfio-pci", override: "x" }, "override vfio-pci, unbind vfio-pci, bind vfio-pci"],
  ["a device of another driver, once", {}, {}, "override vfio-pci, unbind e1000e, bind vfio-pci"],
  ["a free device by binding it", {}, { driver: null }, "override vfio-pci, bind vfio-pci"],
  ["nothing where no driver is wished", { driver: null }, { driver: null, wanted: null }, ""],
];

describe("when triggers change, rebinds", () => {
  it.each(rebinds)("%s", (...row) => expect(writes(row, true)).toBe(row[3]));
});
