import { describe, expect, it } from "vitest";
import { type DevicePlan, planDevice, stepsOf, type Wish } from "../../provider/plan/plan";
import type { BindingInput, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice } from "./made";

/** A plan's writes, as a sentence: `override vfio-pci, unbind e1000e, bind vfio-pci`; "-" clears. */
const said = (plan: DevicePlan): string =>
  stepsOf([plan])
    .map(({ word, value }) => `${word} ${value ?? "-"}`)
    .join(", ");

const noOverrides = { hasOverride: false } as const;

type Leaving = [title: string, onDelete: BindingInput["onDelete"], wish: Omit<Wish, "isRebind">, seen: Partial<Device>, writes: string];

const leaving: Leaving[] = [
  [
    "restore: the driver that was there",
    "restore",
    { driver: "e1000e", override: null },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override -, unbind vfio-pci, bind e1000e",
  ],
  [
    "restore: no driver, where there was none",
    "restore",
    { driver: null, override: null },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override -, unbind vfio-pci",
  ],
  [
    "restore: an override that equals its driver, before the bind",
    "restore",
    { driver: "e1000e", override: "e1000e" },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override e1000e, unbind vfio-pci, bind e1000e",
  ],
  [
    "restore: a foreign override, after the bind",
    "restore",
    { driver: "e1000e", override: "pci-stub" },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override e1000e, unbind vfio-pci, bind e1000e, override pci-stub",
  ],
  [
    "restore: a foreign override that is there already, opened for the bind",
    "restore",
    { driver: "e1000e", override: "pci-stub" },
    { driver: "vfio-pci", override: "pci-stub" },
    "override e1000e, unbind vfio-pci, bind e1000e, override pci-stub",
  ],
  [
    "restore: the override alone, where the driver is back",
    "restore",
    { driver: "e1000e", override: "pci-stub" },
    { override: null },
    "override pci-stub",
  ],
  [
    "restore: an override of a device without driver",
    "restore",
    { driver: null, override: "pci-stub" },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override pci-stub, unbind vfio-pci",
  ],
  ["restore: nothing, where all is as before", "restore", { driver: "e1000e", override: null }, {}, ""],
  [
    "restore: plainly, on a bus without overrides",
    "restore",
    { driver: "e1000e", override: undefined },
    { driver: "vfio-pci", ...noOverrides },
    "unbind vfio-pci, bind e1000e",
  ],
  [
    "unbind: the device ends without driver and override",
    "unbind",
    { driver: null, override: null },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override -, unbind vfio-pci",
  ],
  ["unbind: nothing, where it has neither", "unbind", { driver: null, override: null }, { driver: null }, ""],
  [
    "probe: the kernel chooses",
    "probe",
    { driver: undefined, override: null },
    { driver: "vfio-pci", override: "vfio-pci" },
    "override -, unbind vfio-pci, probe -",
  ],
  ["probe: a free device too", "probe", { driver: undefined, override: undefined }, { driver: null, ...noOverrides }, "probe -"],
  ["keep: nothing at all", "keep", { driver: undefined, override: undefined }, { driver: "vfio-pci", override: "vfio-pci" }, ""],
];

describe("on delete writes for", () => {
  it.each(leaving)("%s", (_, onDelete, wish, seen, expected) => {
    const binding = aBinding({ onDelete, driver: onDelete === "restore" ? wish.driver : "vfio-pci" });
    expect(said(planDevice(binding, { ...wish, isRebind: false }, aBoard(), aDevice(seen)))).toBe(expected);
  });
});
