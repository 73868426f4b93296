import { lookDials } from "../board/board";
import { listBoard } from "../board/list";
import type { Inventory, ListedDevice } from "../inventory";
import { kernelName } from "../schema";
import type { SelectorKey } from "../selector";
import { addressOf } from "../ssh/connection";
import { plain } from "../ssh/plain";
import { eachBoard, targetsOf } from "./boards";
import { type HostOptions, writtenConnection } from "./connect";
import { type Exit, exits, UsageError } from "./exit";
import { type Exported, type ExportedBinding, labText, programText } from "./export-text";
import { devicePlaces, isAt, placesOf } from "./places";
import { count, type Screen } from "./screen";

export interface ExportOptions extends HostOptions {
  format?: string;
  bus?: string[];
  all?: boolean;
  by?: string;
  name?: string;
}

const choices = ["deviceTreePath", "compatible", "address", "pciId"] as const satisfies readonly SelectorKey[];
type Choice = (typeof choices)[number];

/** `devbind export`: a lab file or a program that wishes what a board has now, so that bringing it up writes nothing. */
export async function exportBoard(screen: Screen, words: readonly string[], options: ExportOptions): Promise<Exit> {
  const { format = "lab", by } = options;
  if (format !== "lab" && format !== "typescript") throw new UsageError(`--format ${format} is neither lab nor typescript.`);
  const choice = choices.find((one) => one === by);
  if (by !== undefined && choice === undefined) throw new UsageError(`--by ${by} is none of ${choices.join(", ")}.`);
  const targets = await targetsOf(options, []);
  const [inventory] = await eachBoard(screen, targets, ({ connection }) => listBoard(connection, { dials: lookDials }));
  const [target] = targets;
  if (inventory === undefined || target === undefined) throw new Error("one board was asked");
  const made = exported(inventory, { words, ...options, by: choice });
  const { become, ...written } = writtenConnection(options);
  const about = {
    ...made,
    connection: { ...written, become },
    secrets: secretsOf(target.connection),
    address: addressOf(target.connection),
  };
  screen.text(format === "lab" ? labText(about) : programText(about));
  const found = made.bindings.length;
  screen.note(
    found === 0 ? "Nothing of this board is bound by somebody: name devices, a --bus, or --all." : `${count(found, "device")} exported.`,
  );
  return exits.fine;
}

const secretsOf = ({ password, becomePassword }: { password?: string; becomePassword?: string }): Exported["secrets"] => [
  ...(password === undefined ? [] : (["password"] as const)),
  ...(becomePassword === undefined ? [] : (["becomePassword"] as const)),
];

interface Asked {
  words: readonly string[];
  bus?: string[];
  all?: boolean;
  by?: Choice;
  name?: string;
}

/** Pure. What is exported of a board; a device whose names could not be read again is left out, and said. */
export function exported(inventory: Inventory, asked: Asked): Pick<Exported, "board" | "kernel" | "bindings" | "notes"> {
  const { board } = inventory;
  const chosen = chosenOf(inventory, asked);
  const isWritable = ({ bus, name, driver }: ListedDevice) =>
    [bus, name, driver ?? "none"].every((one) => kernelName.safeParse(one).success);
  const devices = chosen.filter(isWritable);
  const notes = chosen
    .filter((device) => !isWritable(device))
    .map(({ bus, name }) => `${plain(bus)}/${plain(name)} has a name that no file can hold: left out.`);
  return {
    board: asked.name ?? boardName(board.hostName),
    kernel: plain(board.kernel),
    bindings: devices.map((device) => bindingOf(device, devices, inventory.devices, asked.by)),
    notes,
  };
}

const boardName = (hostName: string): string =>
  plain(hostName, 60)
    .replace(/[^A-Za-z0-9_.-]/g, "-")
    .replace(/^[^A-Za-z0-9_]+/, "") || "board";

/** Those that are named, of a bus, or all; else those that somebody has taken from their driver, or claims. */
function chosenOf(inventory: Inventory, { words, bus, all }: Asked): ListedDevice[] {
  const { devices } = inventory;
  if (words.length > 0) {
    const places = placesOf(words, devicePlaces(inventory));
    return devices.filter(({ bus: of, name }) => places.some(isAt({ bus: of, device: name })));
  }
  if (bus !== undefined) return devices.filter((device) => bus.includes(device.bus));
  if (all) return devices;
  return devices.filter(
    ({ override, driver, claimant }) => override !== null || claimant !== null || /(^|[-_])vfio([-_]|$)/.test(driver ?? ""),
  );
}

function bindingOf(
  device: ListedDevice,
  others: readonly ListedDevice[],
  all: readonly ListedDevice[],
  by: Choice | undefined,
): ExportedBinding {
  const { bus, name, driver, override, hasOverride, claimant } = device;
  const isTwice = others.filter((other) => other.name === name).length > 1;
  const value = by === undefined ? undefined : selectorValue(device, all, by);
  const isForeign = hasOverride && override !== null && override !== driver;
  return {
    entry: (isTwice ? `${bus}-${name}` : name)
      .replace(/[^A-Za-z0-9._:@-]/g, "-")
      .replace(/^[^A-Za-z0-9_]/, "_")
      .slice(0, 100),
    bus,
    device: by === undefined || value === undefined ? name : { [by]: value },
    driver,
    notes: [
      ...(claimant === null ? [] : [`claimed by ${plain(claimant, 600)}: another stack takes it over with claimFrom, naming it`]),
      ...(isForeign ? [`its override is ${plain(override)}: bringing this up writes another one`] : []),
    ],
  };
}

/** What the selector says of the device, where it means no other one of its bus. */
function selectorValue(device: ListedDevice, all: readonly ListedDevice[], by: Choice): string | undefined {
  const onBus = all.filter(({ bus }) => bus === device.bus);
  const isOnly = (value: string) => onBus.filter((other) => idsOf(other, by).includes(value)).length === 1;
  return idsOf(device, by).find(isOnly);
}

function idsOf({ bus, name, deviceTreePath, compatible, pciId }: ListedDevice, by: Choice): string[] {
  switch (by) {
    case "deviceTreePath":
      return deviceTreePath === null ? [] : [deviceTreePath];
    case "compatible":
      return compatible;
    case "pciId":
      return pciId === null || bus !== "pci" ? [] : [pciId.split(":").slice(0, 2).join(":"), pciId];
    case "address": {
      if (bus !== "platform" && bus !== "amba") return [];
      const unit = /@([0-9A-Fa-f]+)$/.exec(deviceTreePath ?? "")?.[1];
      const own = /^([0-9A-Fa-f]+)\./.exec(name)?.[1];
      const plainly = [own, unit].flatMap((address) => (address === undefined ? [] : [address.toLowerCase().replace(/^0+(?=.)/, "")]));
      return [...new Set(plainly)];
    }
  }
}
