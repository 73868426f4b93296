import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differencesOf, hasSteps, planDevice, stepsOf, type Wish, wishOf } from "../../provider/plan/plan";
import { type Binding, bindingSchema, type Device } from "../../provider/schema";
import { aBoard, aDevice, wishes } from "./made";

/**
 * A kernel as small as it can be: one device; which drivers are registered and which of them have it in their lists. It binds a
 * device without a driver that the driver matches (by override, or by its list where there is none) and refuses all else.
 */
class Kernel {
  driver: string | null;
  override: string | null;
  constructor(
    device: Device,
    readonly registered: Set<string>,
    readonly listing: ReadonlySet<string>,
  ) {
    this.driver = device.driver;
    this.override = device.override;
  }

  private matches(driver: string): boolean {
    return this.registered.has(driver) && (this.override === null ? this.listing.has(driver) : this.override === driver);
  }

  /** A driver that appears takes the free device that it matches, as drivers_autoprobe does. */
  load(driver: string): void {
    this.registered.add(driver);
    if (this.driver === null && this.matches(driver)) this.driver = driver;
  }

  /** False where the kernel refuses; a bind that a module has done already is done. */
  write(word: string, value: string | null, brings: string): boolean {
    if (word === "module") this.load(brings);
    else if (word === "override") this.override = value;
    else if (word === "unbind" && this.driver === value) this.driver = null;
    else if (word === "bind" && value !== null && this.driver === value) return true;
    else if (word === "bind" && value !== null && this.driver === null && this.matches(value)) this.driver = value;
    else return false;
    return true;
  }
}

const names = ["vfio-pci", "e1000e", "pci-stub"];
const name = fc.constantFrom(...names);
const nameOrNone = fc.option(name, { nil: null });

interface Case {
  binding: Binding;
  device: Device;
  listing: string[];
  isRebind: boolean;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    driver: nameOrNone,
    strategy: fc.constantFrom("auto", "override", "bind"),
    module: fc.option(fc.constantFrom("some_module", false), { nil: undefined }),
    seenDriver: nameOrNone,
    seenOverride: nameOrNone,
    hasOverride: fc.boolean(),
    isRegistered: fc.boolean(),
    listing: fc.subarray(names),
    isRebind: fc.boolean(),
  })
  .map(({ driver, strategy, module, seenDriver, seenOverride, hasOverride, isRegistered, listing, isRebind }) => {
    const isThere = isRegistered || seenDriver === driver;
    const wanted = driver === null ? null : { isRegistered: isThere, canBind: isThere, isLoadable: module === false ? null : true };
    const override = hasOverride ? seenOverride : null;
    return {
      binding: bindingSchema.parse(wishes({ driver, strategy, module })),
      device: aDevice({ driver: seenDriver, override, hasOverride, wanted }),
      listing,
      isRebind,
    };
  });

/** Writes the plan into a kernel; undefined where the plan or the kernel refuses. */
function carryOut({ binding, device, listing }: Case, wish: Wish): Kernel | "refused by plan" | "refused by kernel" {
  const plan = planDevice(binding, wish, aBoard(), device);
  if (plan.refusals.length > 0) return "refused by plan";
  const registered = new Set(names.filter((one) => one !== binding.driver || device.wanted?.isRegistered !== false));
  const kernel = new Kernel(device, registered, new Set(listing));
  for (const { word, value } of stepsOf([plan])) {
    if (!kernel.write(word, value, binding.driver ?? "")) return "refused by kernel";
  }
  return kernel;
}

describe("the planned writes, on a model of the kernel,", () => {
  it("reach exactly the wish, or the kernel refuses a driver that does not list the device", () => {
    const seen = { reached: 0, kernel: 0, plan: 0 };
    fc.assert(
      fc.property(cases, (one) => {
        const wish = wishOf(one.binding, one.device, one.isRebind);
        const end = carryOut(one, wish);
        if (end === "refused by plan") seen.plan++;
        else if (end === "refused by kernel") {
          seen.kernel++;
          // With an override of its own name any registered driver matches: only plain binds can be refused.
          expect(one.device.hasOverride && one.binding.strategy !== "bind" && wish.override === one.binding.driver).toBe(false);
          expect(one.listing).not.toContain(one.binding.driver);
        } else {
          seen.reached++;
          expect(end.driver).toBe(wish.driver);
          if (wish.override !== undefined) expect(end.override).toBe(wish.override);
          const after = { ...one.device, driver: end.driver, override: end.override };
          expect(differencesOf(wishOf(one.binding, after, false), after)).toEqual([]);
        }
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(seen.reached, seen.kernel, seen.plan)).toBeGreaterThan(50);
  });

  it("bring back any driver and override that were there before, where the driver takes the device", () => {
    fc.assert(
      fc.property(cases, nameOrNone, nameOrNone, (one, driver, override) => {
        const binding = { ...one.binding, driver, module: undefined, strategy: "auto" as const };
        const wanted = driver === null ? null : { isRegistered: true, canBind: true, isLoadable: null };
        const device = { ...one.device, wanted };
        const wish = { driver, override: device.hasOverride ? override : undefined, isRebind: false };
        const end = carryOut({ ...one, binding, device, listing: names }, wish);
        expect(end).toMatchObject({ driver, override: wish.override ?? (device.hasOverride ? null : device.override) });
      }),
      { numRuns: 3000 },
    );
  });

  it("exist exactly where there is a difference", () => {
    fc.assert(
      fc.property(cases, ({ binding, device }) => {
        const wish = wishOf(binding, device, false);
        const plan = planDevice(binding, wish, aBoard(), device);
        expect(plan.differences).toEqual(differencesOf(wish, device));
        expect(hasSteps(plan)).toBe(plan.differences.length > 0);
      }),
      { numRuns: 3000 },
    );
  });
});
