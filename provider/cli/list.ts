import { lookDials } from "../board/board";
import { listBoard } from "../board/list";
import type { Inventory, ListedDevice } from "../inventory";
import { addressOf } from "../ssh/connection";
import { type BoardOptions, eachBoard, nameOf, type Target, targetsOf } from "./boards";
import { type Exit, exitOf, exits, messageOf, worst } from "./exit";
import { type Colours, count, jsonText, type Screen } from "./screen";
import { type Cell, tableLines } from "./table";

export interface ListOptions extends BoardOptions {
  bus?: string[];
  driver?: string[];
  match?: string;
  claimed?: boolean;
  unguarded?: boolean;
  free?: boolean;
  json?: boolean;
}

/** `devbind list`: what a board has, and what of it can be taken. */
export async function list(screen: Screen, names: readonly string[], options: ListOptions): Promise<Exit> {
  const targets = await targetsOf(options, names);
  const found = await eachBoard(screen, targets, (target) => inventoryOf(target, options));
  if (options.json) {
    const listed = found.map(({ target, inventory, error }) => ({
      name: target.name,
      address: addressOf(target.connection),
      ...(error === undefined ? inventory : { unreachable: messageOf(error) }),
    }));
    screen.text(jsonText(options.host === undefined ? listed : (listed[0] ?? null)));
  }
  const isFiltered = options.bus !== undefined || options.match !== undefined || options.claimed === true;
  for (const [index, { target, inventory, error }] of found.entries()) {
    if (inventory === undefined) screen.complain(messageOf(error));
    else if (!options.json) tell(screen, target, inventory, { isLater: index > 0, isFiltered });
  }
  return worst(found.map(({ error }) => (error === undefined ? exits.fine : exitOf(error))));
}

interface Found {
  target: Target;
  inventory?: Inventory;
  error?: unknown;
}

async function inventoryOf(target: Target, options: ListOptions): Promise<Found> {
  try {
    const inventory = await listBoard(target.connection, { dials: lookDials, buses: options.bus });
    return { target, inventory: { ...inventory, devices: inventory.devices.filter((device) => isAsked(device, inventory, options)) } };
  } catch (error) {
    return { target, error };
  }
}

/** "-" as a driver is none. */
function isAsked(device: ListedDevice, inventory: Inventory, { bus, driver, match, claimed, unguarded, free }: ListOptions): boolean {
  if (bus !== undefined && !bus.includes(device.bus)) return false;
  if (driver !== undefined && !driver.includes(device.driver ?? "-")) return false;
  if (claimed && device.claimant === null) return false;
  if (unguarded && device.guard !== null) return false;
  if (free && obstacleOf(device, inventory) !== undefined) return false;
  if (match === undefined) return true;
  const texts = [device.name, device.driver, device.override, device.modalias, device.deviceTreePath, device.pciId, device.usbId];
  const all = [...texts, device.claimant, ...device.compatible, ...device.networkInterfaces];
  return all.some((text) => text?.toLowerCase().includes(match.toLowerCase()));
}

/** Why the device can't be taken without force, in words; undefined where it can. */
export function obstacleOf(device: ListedDevice, { journals }: Pick<Inventory, "journals">): string | undefined {
  const journal = journals.find(({ devices }) => devices.some((one) => one.bus === device.bus && one.device === device.name));
  const reasons = [
    ...(device.guard === null ? [] : [`carries ${device.guard}`]),
    ...(device.claimant === null ? [] : [`claimed by ${device.claimant}`]),
    ...(journal === undefined ? [] : [`a transaction on it ${journal.is === "interrupted" ? "was interrupted" : `is ${journal.is}`}`]),
  ];
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

function tell(
  screen: Screen,
  target: Target,
  inventory: Inventory,
  { isLater, isFiltered }: { isLater: boolean; isFiltered: boolean },
): void {
  const { board, devices, claims, journals } = inventory;
  const { paint } = screen;
  if (isLater) screen.line();
  const head = [`${nameOf(target)}: ${board.hostName}, Linux ${board.kernel}`, count(devices.length, "device")];
  screen.line(paint.bold([...head, count(claims.length, "claim")].join(", ")));
  const shown = isFiltered ? devices : bindable(devices);
  for (const line of deviceTable(shown, inventory, paint, screen.width)) screen.line(line);
  if (shown.length < devices.length)
    screen.line(paint.dim(`${count(devices.length - shown.length, "device")} on buses without drivers left out; --bus shows them.`));
  for (const { bus, device, claimant } of claims.filter(({ isPresent }) => !isPresent))
    screen.line(paint.yellow(`${bus}/${device} is gone, and claimed by ${claimant}`));
  for (const { transaction, claimant, is } of journals)
    screen.line(paint.red(`The transaction ${transaction} of ${claimant} ${is === "interrupted" ? "was interrupted" : `is ${is}`}.`));
}

/** Those on a bus where something has a driver or could: clock sources and memory blocks are devices too, and nobody binds them. */
function bindable(devices: readonly ListedDevice[]): ListedDevice[] {
  const buses = new Set(devices.filter(({ driver, hasOverride }) => driver !== null || hasOverride).map(({ bus }) => bus));
  return devices.filter(({ bus }) => buses.has(bus));
}

function deviceTable(devices: readonly ListedDevice[], inventory: Inventory, paint: Colours, width: number | undefined): string[] {
  if (devices.length === 0) return ["No device is like that."];
  const head = ["BUS", "DEVICE", "DRIVER", "OVERRIDE", "GROUP", "WHAT IT IS", "FREE?"].map((text): Cell => ({ text, paint: paint.dim }));
  const rows = devices.map((device): Cell[] => {
    const obstacle = obstacleOf(device, inventory);
    const isGuarded = device.guard !== null;
    return [
      { text: device.bus },
      { text: device.name, paint: paint.bold },
      { text: device.driver ?? "-", paint: device.driver === null ? paint.dim : undefined },
      { text: device.override ?? "", paint: paint.cyan },
      { text: device.iommuGroup ?? "" },
      { text: whatItIs(device) },
      obstacle === undefined
        ? { text: "yes", paint: paint.green }
        : { text: `no: ${obstacle}`, paint: isGuarded ? paint.red : paint.yellow },
    ];
  });
  return tableLines(head, rows, width);
}

/** What a person knows it by. */
function whatItIs({ pciId, usbId, networkInterfaces, compatible }: ListedDevice): string {
  return [...networkInterfaces, pciId ?? usbId ?? compatible[0]].filter((text) => text !== undefined).join(" ");
}
