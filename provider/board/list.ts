import { z } from "zod";
import type { Inventory, ListedClaim, ListedDevice, ListedJournal } from "../inventory";
import type { Connection } from "../schema";
import { addressOf } from "../ssh/connection";
import { ask } from "./board";
import { boardOf } from "./observation";
import { type AnswerLine, bound, decode, encode, field, list, readLine, text, word, yes } from "./protocol";

/** More lines than any board has devices: one with a terabyte of memory in blocks has some nine thousand. */
const linesMaximum = 20_000;

/**
 * Everything on one board, or on those of its buses that are named: one login (shared), one exec, nothing written. `dials` limits how
 * often a dead board is tried.
 * @throws DevbindError as a look does; `stuck` where the kernel holds a file of a device
 */
export async function listBoard(connection: Connection, options: { dials?: number; buses?: string[] } = {}): Promise<Inventory> {
  const items = (options.buses ?? []).map((bus) => ["bus", encode(bus)]);
  return inventoryOf(connection, await ask(connection, "list", items, { timeoutSeconds: 30, dials: options.dials, linesMaximum }));
}

/**
 * Reads the answer of a list; devices come in the order of their buses and names.
 * @throws DevbindError "protocol" for what is none
 */
export function inventoryOf(connection: Connection, lines: AnswerLine[]): Inventory {
  const address = addressOf(connection);
  const all = (word: string) => lines.filter((line) => line.word === word);
  return {
    board: boardOf(connection, lines),
    devices: all("listed")
      .map((line) => deviceOf(line, address))
      .sort((one, other) => compare(one.bus, other.bus) || compare(one.name, other.name)),
    claims: all("claim").map((line) => claimOf(line, address)),
    journals: all("journal").map((line) => journalOf(line, address)),
  };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const name = text.pipe(z.string().min(1));
const orNothing = field.default(null);
const names = list.default([]);

const deviceLine = z.object({
  bus: name,
  name,
  path: name,
  driver: orNothing,
  override: word.optional(),
  modalias: orNothing,
  compatible: names,
  node: orNothing,
  pci: orNothing,
  usb: orNothing,
  group: orNothing,
  cards: names,
  guard: orNothing,
  claimant: orNothing,
  kept: yes.default(false),
});

function deviceOf(line: AnswerLine, address: string): ListedDevice {
  const found = readLine(line, deviceLine, address);
  return {
    bus: found.bus,
    name: found.name,
    driver: found.driver,
    hasOverride: found.override !== undefined,
    override: found.override === undefined || found.override.startsWith("-") ? null : decode(found.override),
    modalias: found.modalias,
    compatible: found.compatible,
    deviceTreePath: found.node,
    pciId: found.pci,
    usbId: found.usb,
    iommuGroup: found.group,
    networkInterfaces: found.cards,
    guard: found.guard,
    claimant: found.claimant,
    sysfsPath: found.path,
    isKept: found.kept,
  };
}

const claimLine = z.object({
  is: z.enum(["claim", "persist"]),
  bus: name,
  device: name,
  present: yes,
  claimant: text,
  driver: field,
  override: word,
  transaction: field,
  kept: yes,
});

function claimOf(line: AnswerLine, address: string): ListedClaim {
  const found = readLine(line, claimLine, address);
  return {
    bus: found.bus,
    device: found.device,
    isClaimed: found.is === "claim",
    claimant: found.claimant,
    previousDriver: found.driver,
    previousOverride: found.override.startsWith("-") ? null : decode(found.override),
    transaction: found.transaction,
    isPresent: found.present,
    isKept: found.kept,
  };
}

const journalLine = z.object({ transaction: name, claimant: text, is: z.enum(["interrupted", "running", "stuck"]), devices: bound });

function journalOf(line: AnswerLine, address: string): ListedJournal {
  const { devices, ...found } = readLine(line, journalLine, address);
  return { ...found, devices: devices.map(({ name: bus, driver: device }) => ({ bus, device: device ?? "" })) };
}
