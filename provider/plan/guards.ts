import { listed } from "../errors";
import { unexpectedRefusal } from "./expect";
import { idRefusals, noWayRefusal } from "./ids";
import { lackWords, parameterRefusals } from "./modules";
import { absentRefusal, similar } from "./select";
import type { Binding, Board, Device } from "../schema";
import type { Wish } from "./plan";
import { vfioRefusals } from "./vfio";

/** Why an update would refuse, before any write. */
export interface Refusal {
  /** The input that is to blame. */
  property: string;
  /** Certain: no dependency can bring it; preview ends with an error. Else preview only warns. */
  isCertain: boolean;
  /** What is wrong, as a sentence. */
  reason: string;
  /** What to do, as a sentence. */
  todo: string;
}

/**
 * All that stands between a wish and a board, in order of weight. `writes`: whether the plan has steps; a device that is right
 * already needs no permission but to be claimed. `owners`: whose claims are the binding's own. Fails closed: what could not be
 * found out counts as a reason.
 */
export function refusalsOf(
  binding: Binding,
  wish: Wish,
  board: Board,
  device: Device,
  writes: boolean,
  owners: readonly string[],
): Refusal[] {
  const absent = absentRefusal(binding, device);
  if (absent) return [absent];
  const isOurs = device.claim !== null && owners.includes(device.claim.claimant);
  const refusals = [unexpectedRefusal(binding.expect, device), isOurs ? undefined : ownerRefusal(binding, device)];
  if (device.claim === null && device.kept && !owners.includes(device.kept.claimant ?? "")) refusals.push(keeperRefusal(binding, device));
  if (writes || !isOurs) refusals.push(...boardRefusals(board));
  if (writes) refusals.push(...deviceRefusals(binding, wish, board, device));
  refusals.push(...parameterRefusals(binding, device, writes));
  if (device.journal === "stuck") refusals.push(stuckRefusal());
  return refusals.filter((refusal) => refusal !== undefined);
}

function boardRefusals(board: Board): Refusal[] {
  const todo = "Log in as root on the board itself.";
  const refusals: Refusal[] = [];
  if (!board.isRoot)
    refusals.push({
      property: "connection.user",
      isCertain: true,
      reason: "The login is not root's, and only root may rebind.",
      todo: "Log in as root, or say in connection.become how this user becomes root.",
    });
  if (!board.isSysfsWritable)
    refusals.push({ property: "connection", isCertain: true, reason: "sysfs is mounted read-only there, as in a container.", todo });
  if (board.isRoot && board.stateFolder === null) {
    refusals.push({
      property: "connection",
      isCertain: true,
      reason: "The board has no folder in memory that root owns (/run, /var/run, /dev/shm or /tmp), so no journal could be kept.",
      todo: "Mount a tmpfs on /run.",
    });
  }
  return refusals;
}

function deviceRefusals(binding: Binding, wish: Wish, board: Board, device: Device): Refusal[] {
  const refusals: Refusal[] = [];
  const moves = device.driver !== wish.driver || wish.isRebind;
  if (device.guard !== null && !binding.force)
    refusals.push({
      property: "device",
      isCertain: true,
      reason: `The device carries ${device.guard}.`,
      todo: "Choose another device; `force: true` takes it all the same.",
    });
  if (moves && device.driver !== null && device.holders.length > 0 && !binding.force)
    refusals.push({
      property: "device",
      isCertain: true,
      reason: `The device is held open by ${listed(device.holders)}.`,
      todo: "End it first; `force: true` unbinds the device all the same.",
    });
  if (moves && device.driver !== null && !device.canUnbind)
    refusals.push({
      property: "device",
      isCertain: true,
      reason: `Its driver "${device.driver}" has no unbind file: the kernel does not let go of it.`,
      todo: "Choose another device.",
    });
  if (binding.strategy === "override" && !device.hasOverride)
    refusals.push({
      property: "strategy",
      isCertain: true,
      reason: `Devices of the bus ${binding.bus} have no driver override here.`,
      todo: 'Use strategy "auto" or "bind".',
    });
  return moves && typeof wish.driver === "string" ? [...refusals, ...driverRefusals(binding, wish.driver, board, device)] : refusals;
}

/** What is against this driver: it is not there, no way leads to it, or it would refuse the device for certain. */
function driverRefusals(binding: Binding, driver: string, board: Board, device: Device): Refusal[] {
  const ofDriver = driverRefusal(driver, board, device, binding.module !== false);
  const ofWay = binding.strategy === "new-id" ? idRefusals(binding, driver, device) : [noWayRefusal(binding, driver, device)];
  return [ofDriver, ...ofWay, ...vfioRefusals(binding, driver, device)].filter((refusal) => refusal !== undefined);
}

function driverRefusal(driver: string, board: Board, { bus, wanted, similarNames }: Device, mayLoad: boolean): Refusal | undefined {
  if (wanted === null || wanted.isRegistered) {
    if (wanted === null || wanted.canBind) return undefined;
    return {
      property: "driver",
      isCertain: true,
      reason: `The driver "${driver}" has no bind file: it takes no device by name.`,
      todo: "Choose another driver.",
    };
  }
  if (wanted.isLoadable === true && (wanted.lack ?? null) === null) return undefined;
  const { why, todo } = lackWords(mayLoad ? wanted : { ...wanted, lack: null }, board);
  const reason = mayLoad ? why : "`module: false` loads none";
  return {
    property: "driver",
    isCertain: false,
    reason: `The bus ${bus} has no driver "${driver}"${similar(driver, similarNames)}, and ${reason}.`,
    todo,
  };
}

function ownerRefusal(binding: Binding, { claim }: Device): Refusal | undefined {
  if (claim === null || binding.force) return undefined;
  return {
    property: "device",
    isCertain: true,
    reason: `The device is claimed by ${claim.claimant}.`,
    todo: "Destroy it there first; `force: true` takes it over, and `claimAs` names one owner for both.",
  };
}

/** Whoever has it at each boot owns it, also where no claim tells so yet. */
function keeperRefusal({ force, persist }: Binding, { kept }: Device): Refusal | undefined {
  if (!kept?.claimant || force || (kept.is === "broken" && persist)) return undefined;
  return {
    property: "device",
    isCertain: true,
    reason: `The device is kept over a reboot for ${kept.claimant}.`,
    todo: "Destroy it there first; `force: true` takes it over, and `claimAs` names one owner for both.",
  };
}

function stuckRefusal(): Refusal {
  return {
    property: "device",
    isCertain: false,
    reason: "An earlier transaction on the device is stuck: the kernel still holds one of its writes, or it could not be undone.",
    todo: "End whatever holds the device; the board then finishes the undo by itself. Then run `pulumi up` again.",
  };
}

/** Who claims the device in the binding's name. */
export const claimantOf = (binding: Pick<Binding, "claimAs" | "claimant">): string => binding.claimAs ?? binding.claimant;

/** Whose claims count as the binding's own: its claimant's, those of its former names, and those from which it may take over. */
export function ownersOf(binding: Pick<Binding, "claimAs" | "claimant" | "claimFrom">, former: readonly string[] = []): string[] {
  const stack = binding.claimant.split("/").slice(0, -1).join("/");
  const from = (binding.claimFrom ?? []).map((name) => (name.includes("/") ? name : `${stack}/${name}`));
  return [claimantOf(binding), ...former, ...from];
}
