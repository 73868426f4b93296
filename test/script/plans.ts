import fc from "fast-check";
import { constants } from "node:os";
import type { FakeKernel, Device } from "./kernel";
import type { Wish } from "./requests";

/** One device of a random plan: what it is, what is wished, and whether the wished driver refuses it. */
export interface DevicePlan {
  hasOverride: boolean;
  driver: string | null;
  override: string | null;
  wishDriver: string | null;
  wishOverride: string | null;
  isRefused: boolean;
}

/** A random transaction, and where it is killed: at which write, before or after the kernel did it, with or without its script. */
export interface Plan {
  devices: DevicePlan[];
  killAt: number;
  isAfter: boolean;
  withScript: boolean;
  /** Where the recovery is killed as well; 0: nowhere. */
  killRecoveryAt: number;
}

/** "a" and "b" take every device; "vfio" only by override, as the real one does. */
const driver = fc.constantFrom<string | null>(null, "a", "b", "vfio");
const override = fc.constantFrom<string | null>(null, "a", "vfio", "two words");

const devicePlan: fc.Arbitrary<DevicePlan> = fc
  .record({ hasOverride: fc.boolean(), driver, override, wishDriver: driver, wishOverride: override, isRefused: fc.boolean() })
  .map((plan) => {
    // Without an override nothing brings a device to vfio; with one, only the driver that it names can be bound.
    if (!plan.hasOverride)
      return { ...plan, override: null, wishOverride: null, driver: notVfio(plan.driver), wishDriver: notVfio(plan.wishDriver) };
    const needed = plan.wishDriver === "vfio" ? "vfio" : plan.wishOverride;
    return { ...plan, wishOverride: plan.wishDriver === null || needed === plan.wishDriver ? needed : null };
  })
  .filter((plan) => plan.wishDriver !== plan.driver || plan.wishOverride !== plan.override);

const notVfio = (name: string | null) => (name === "vfio" ? "a" : name);

export const plans: fc.Arbitrary<Plan> = fc.record({
  devices: fc.array(devicePlan, { minLength: 1, maxLength: 3 }),
  killAt: fc.integer({ min: 1, max: 8 }),
  isAfter: fc.boolean(),
  withScript: fc.boolean(),
  killRecoveryAt: fc.constantFrom(0, 0, 1, 2, 3),
});

/** Puts the plan's devices and drivers into the made kernel. */
export function addDevices(kernel: FakeKernel, plan: Plan): Device[] {
  for (const name of ["a", "b", "vfio"]) kernel.addDriver("platform", name);
  return plan.devices.map((device, index) => {
    const refuses: Record<string, number> = {};
    if (device.isRefused && device.wishDriver !== null && device.wishDriver !== device.driver)
      refuses[device.wishDriver] = constants.errno.EINVAL;
    const common = { bus: "platform", name: `dev ${index}`, driver: device.driver, matches: ["a", "b"], refuses };
    return kernel.addDevice(device.hasOverride ? { ...common, override: device.override } : common);
  });
}

export interface State {
  driver: string | null;
  override: string | null;
}

export const stateOf = (device: Device): State => ({ driver: device.driver, override: device.override ?? null });

/** The model: before it is what it is, afterwards what was wished, or as before where a driver refuses. */
export function modelOf(plan: Plan): { before: State[]; after: State[]; isRefused: boolean } {
  const before = plan.devices.map(({ driver, override }) => ({ driver, override }));
  const isRefused = plan.devices.some((device) => device.isRefused && device.wishDriver !== null && device.wishDriver !== device.driver);
  const wished = plan.devices.map(({ wishDriver, wishOverride }) => ({ driver: wishDriver, override: wishOverride }));
  return { before, after: isRefused ? before : wished, isRefused };
}

/** The wishes, from what the devices are now. */
export function wishesOf(plan: Plan, devices: Device[]): Wish[] {
  return plan.devices.flatMap((wished, index) => {
    const device = devices[index];
    return device ? [{ device, seen: stateOf(device), driver: wished.wishDriver, override: wished.wishOverride }] : [];
  });
}
