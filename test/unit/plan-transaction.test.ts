import { describe, expect, it } from "vitest";
import { moduleOf } from "../../provider/plan/modules";
import { hasSteps, planDevice, stepsOf, transactionDevice, wishOf } from "../../provider/plan/plan";
import { aBinding, aBoard, aDevice } from "./made";

const notLoaded = { wanted: { isRegistered: false, canBind: false, isLoadable: true } } as const;

describe("several devices in one transaction", () => {
  it("are written phase by phase: modules, overrides, unbinds, binds, and what trails", () => {
    const binding = aBinding();
    const plans = [
      planDevice(binding, { driver: "vfio-pci", override: "vfio-pci", isRebind: false }, aBoard(), aDevice({ ...notLoaded })),
      planDevice(
        aBinding({ driver: "e1000e" }),
        { driver: "e1000e", override: "old", isRebind: false },
        aBoard(),
        aDevice({ driver: "vfio-pci", override: "vfio-pci" }),
      ),
      planDevice(binding, { driver: "vfio-pci", override: "vfio-pci", isRebind: false }, aBoard(), aDevice({ driver: null, ...notLoaded })),
      planDevice(
        binding,
        { driver: "vfio-pci", override: "vfio-pci", isRebind: false },
        aBoard(),
        aDevice({ driver: "vfio-pci", override: "vfio-pci" }),
      ),
    ];
    expect(stepsOf(plans).map(({ device, word, value }) => `${device} ${word} ${value}`)).toEqual([
      "0 module vfio-pci",
      "2 module vfio-pci",
      "0 override vfio-pci",
      "1 override e1000e",
      "2 override vfio-pci",
      "1 unbind vfio-pci",
      "0 unbind e1000e",
      "0 bind vfio-pci",
      "1 bind e1000e",
      "2 bind vfio-pci",
      "1 override old",
    ]);
    expect(plans.map(hasSteps)).toEqual([true, true, true, false]);
  });
});

describe("the request's entry of a device", () => {
  it("says what it was seen as, what is wished, and whose it is", () => {
    const binding = aBinding({ module: "vfio_x" });
    const device = aDevice({ override: "old" });
    const plan = planDevice(binding, wishOf(binding, device, false), aBoard(), device);
    expect(transactionDevice(binding, plan, device, { claim: "take", past: { driver: "e1000e", override: "old" } })).toEqual({
      bus: "pci",
      device: "0000:00:02.0",
      driver: "vfio-pci",
      module: "vfio_x",
      seen: { driver: "e1000e", override: "old", hasOverride: true },
      wish: { driver: "vfio-pci", override: "vfio-pci" },
      claim: "take",
      past: { driver: "e1000e", override: "old" },
    });
  });

  it.each([
    ["the driver's name", { driver: "vfio-pci" }, "vfio-pci"],
    ["the one that was named", { driver: "vfio-pci", module: "vfio_x" }, "vfio_x"],
    ["none where none is wished", { driver: "vfio-pci", module: false as const }, null],
    ["none without a driver", { driver: null, module: "vfio_x" }, null],
  ])("names as its module %s", (_, wished, module) => expect(moduleOf(wished)).toBe(module));
});
