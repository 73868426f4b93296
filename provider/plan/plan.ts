import type { Binding, Board, Device } from "../schema";
import type { Step, TransactionDevice } from "../transaction";
import { claimantOf, type Refusal, refusalsOf } from "./guards";
import { idSteps } from "./ids";
import { keepOf, keepRefusals } from "./keep";
import { moduleOf, modulesToLoad, parametersOf } from "./modules";

/**
 * The pure heart: what is wished for a device × how it was observed → what is different, what stands in the way, and the exact
 * writes that make it right. Preview, update, drift and delete all use these same functions, so what a plan says is what happens.
 */

/** What is wished for a device. `driver: undefined` (only on delete): whatever the kernel makes of it. */
export interface Wish {
  driver: string | null | undefined;
  /** The override that must be there: a name, null for none, undefined for "leave it". */
  override: string | null | undefined;
  /** Unbind and bind again even if the driver is right. */
  isRebind: boolean;
}

/** A device's part in a transaction, in the phases in which all devices of it are written. */
export interface DevicePlan {
  differences: string[];
  refusals: Refusal[];
  modules: Omit<Step, "device">[];
  overrides: Omit<Step, "device">[];
  ids: Omit<Step, "device">[];
  unbinds: Omit<Step, "device">[];
  binds: Omit<Step, "device">[];
  trailing: Omit<Step, "device">[];
  /** What becomes of the file that keeps it over a reboot; undefined: nothing. */
  keep?: "take" | "drop";
  wish: Wish;
}

/**
 * What the binding wishes of this device. `auto` takes the override where the bus has one; an override that equals the driver, or
 * none, is right for it. `driver: null` wishes no override, so that nothing but a probe by hand binds the device again.
 */
export function wishOf(binding: Pick<Binding, "driver" | "strategy">, device: Device, isRebind: boolean): Wish {
  const { driver, strategy } = binding;
  if (!device.hasOverride) return { driver, override: undefined, isRebind };
  if (driver === null) return { driver, override: null, isRebind };
  if (strategy === "override") return { driver, override: driver, isRebind };
  const isFine = device.override === null || device.override === driver;
  if (strategy === "bind" || strategy === "new-id") return { driver, override: isFine ? device.override : null, isRebind };
  return { driver, override: device.driver === driver && device.override === null ? null : driver, isRebind };
}

/** How the device differs from the wish, in words that begin "driver is …"; empty when it is right. This is what drift is. */
export function differencesOf(wish: Wish, device: Device): string[] {
  if (!device.isPresent) return [`device ${device.name} is gone`];
  const differences: string[] = [];
  if (wish.driver !== undefined && device.driver !== wish.driver)
    differences.push(`driver is ${device.driver ?? "none"}, not ${wish.driver ?? "none"}`);
  if (wish.override !== undefined && device.override !== wish.override && (wish.driver === undefined || device.driver === wish.driver))
    differences.push(`override is ${device.override ?? "none"}, not ${wish.override ?? "none"}`);
  if (device.journal === "interrupted") differences.push("a transaction on it was interrupted");
  if (device.journal === "stuck") differences.push("a transaction on it is stuck");
  return differences;
}

/** No writes, in any phase. */
export const noSteps = () => ({ modules: [], overrides: [], ids: [], unbinds: [], binds: [], trailing: [] });

/** Plans one device. Refusals stand beside the steps: a preview shows them, an update throws them. `owners`: whose claims are its own. */
export function planDevice(
  binding: Binding,
  wish: Wish,
  board: Board,
  device: Device,
  owners: readonly string[] = [claimantOf(binding)],
): DevicePlan {
  const differences = differencesOf(wish, device);
  const plan: DevicePlan = { differences, refusals: [], ...noSteps(), wish };
  if (device.isPresent && device.journal !== "interrupted") {
    addSteps(plan, binding, device);
    plan.keep = keepOf(binding, wish, board, device, owners) ?? (binding.persist && changesClaim(plan) ? "take" : undefined);
  }
  plan.refusals = refusalsOf(binding, wish, board, device, hasSteps(plan) || plan.keep === "take", owners);
  if (plan.keep === "take") plan.refusals.push(...keepRefusals(board));
  return plan;
}

function addSteps(plan: DevicePlan, binding: Binding, device: Device): void {
  const { driver, override, isRebind } = plan.wish;
  const isMoved = isRebind ? true : driver === undefined ? binding.onDelete === "probe" : device.driver !== driver;
  if (isMoved && typeof driver === "string")
    plan.modules.push(...modulesToLoad(binding, device).map((value) => ({ word: "module" as const, value })));
  plan.ids.push(...idSteps(binding, plan.wish, isMoved, device));
  // While a driver is bound by name, the override must be its name or none; a foreign one that is wished is written afterwards.
  const whileBinding = isMoved && typeof driver === "string" && typeof override === "string" ? driver : override;
  if (whileBinding !== undefined && device.override !== whileBinding) plan.overrides.push({ word: "override", value: whileBinding });
  if (isMoved && device.driver !== null) plan.unbinds.push({ word: "unbind", value: device.driver });
  if (isMoved && typeof driver === "string") plan.binds.push({ word: "bind", value: driver });
  if (isMoved && driver === undefined) plan.binds.push({ word: "probe", value: null });
  if (whileBinding !== override && override !== undefined) plan.trailing.push({ word: "override", value: override });
}

/** Whether the plan writes anything to the device. */
export const hasSteps = (plan: DevicePlan): boolean => phases.some((phase) => plan[phase].length > 0);

/** Whether the claim must tell more than before: ids that were added or taken back, modules that were loaded. */
export const changesClaim = (plan: DevicePlan): boolean => plan.modules.length > 0 || plan.ids.length > 0;

const phases = ["modules", "overrides", "ids", "unbinds", "binds", "trailing"] as const;

/** All writes of several devices, which stand in order, parents first: all unbound that must be, the last first, then all bound. */
export function stepsOf(plans: DevicePlan[]): Step[] {
  const inOrder = [...plans.entries()];
  return phases.flatMap((phase) =>
    (phase === "unbinds" ? [...inOrder].reverse() : inOrder).flatMap(([device, plan]) => plan[phase].map((step) => ({ device, ...step }))),
  );
}

/** Whether a new id makes the driver match. */
export const addsId = ({ ids }: DevicePlan): boolean => ids.some(({ word }) => word === "new-id");

/** The id that the plan adds, with those that share it. */
function newIdOf(plan: DevicePlan, { newId }: Device): TransactionDevice["newId"] {
  return addsId(plan) && newId && newId.id !== null ? { id: newId.id, others: newId.others.map(({ name }) => name) } : undefined;
}

/** A device's entry in the request to the board. */
export function transactionDevice(
  binding: Binding,
  plan: DevicePlan,
  device: Device,
  { known, ...claim }: Pick<TransactionDevice, "claim" | "past" | "known">,
): TransactionDevice {
  const { driver, override, hasOverride, isPresent } = device;
  return {
    bus: binding.bus,
    device: isPresent || typeof binding.device === "string" ? device.name : "",
    ...(typeof binding.device === "string" ? {} : { selector: binding.device, known }),
    driver: plan.wish.driver ?? null,
    module: moduleOf(binding),
    parameters: binding.moduleParameters && parametersOf(binding),
    newId: newIdOf(plan, device),
    keep: plan.keep && { word: plan.keep, seen: device.kept?.claimant ?? null },
    seen: { driver, override, hasOverride, ...(!isPresent && { isGone: true }) },
    wish: { driver: plan.wish.driver, override: plan.wish.override },
    ...claim,
  };
}
