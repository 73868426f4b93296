import { createHash } from "node:crypto";
import { z } from "zod";
import { type Board, type Connection, type Device, kernelName } from "../schema";
import { deviceWords } from "../selector";
import { addressOf, placeOf } from "../ssh/connection";
import type { LookItem, Observation } from "../transaction";
import { keepingOf, keptOf } from "./keeping";
import { offersOf } from "./offers";
import { type AnswerLine, bound, decode, field, list, readLine, text, word, yes, yesOrNothing } from "./protocol";
import { type Placed, placedSiblings, siblingItem } from "./siblings";

const boardLine = z.object({
  boot: text,
  condition: z.enum(["quiet", "busy"]),
  uid: text,
  machine: field,
  uuid: field,
  serial: field,
  kernel: text,
  host: text,
  state: field,
  writable: yes,
});

/**
 * Reads the answer of a look, or of an apply's look afterwards; `items` as they were asked for.
 * @throws DevbindError "protocol" for what is none, or tells of siblings that nobody can have
 */
export function observation(connection: Connection, items: LookItem[], lines: AnswerLine[]): Observation {
  const address = addressOf(connection);
  const devices = lines.filter((line) => line.word === "device");
  const own = items.map((item, index) =>
    deviceOf(
      item,
      devices.find((line) => line.fields.index === String(index)),
      address,
    ),
  );
  const siblings = placedSiblings(items, own, lines, address);
  return {
    board: boardOf(connection, lines),
    devices: own.map((device, index) => withSiblings(device, items[index], siblings[index] ?? [], address)),
  };
}

/** Has siblings only where these were asked for, and then also none. */
function withSiblings(device: Device, item: LookItem | undefined, siblings: Placed[], address: string): Device {
  if (item?.takesAlong === undefined) return device;
  return { ...device, siblings: siblings.map(({ name, line }) => deviceOf(siblingItem(item, name), line, address)) };
}

/** What an answer tells of the board itself. */
export function boardOf(connection: Connection, lines: AnswerLine[]): Board {
  const address = addressOf(connection);
  const line = lines.find(({ word }) => word === "board");
  const board = readLine(line, boardLine, address);
  return {
    boardId: boardId(board, connection),
    bootId: board.boot,
    hostName: board.host,
    kernel: board.kernel,
    isRoot: board.uid === "0",
    isSysfsWritable: board.writable,
    stateFolder: board.state,
    condition: board.condition,
    keeping: keepingOf(line, address),
  };
}

/** A hash of what the board says of itself; a board that says nothing is its address. */
function boardId(board: z.output<typeof boardLine>, connection: Connection): string {
  const facts = [board.machine, board.uuid ?? board.serial].filter((fact) => fact !== null);
  if (facts.length === 0) return `address:${placeOf(connection)}`;
  return createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 32);
}

const absentLine = z.object({
  present: z.literal("no"),
  bus: yes,
  similar: list,
  matches: bound.default([]),
  claimant: field.default(null),
});
const deviceLine = z.object({
  driver: field,
  unbindable: yes,
  path: text,
  journal: z.enum(["-", "interrupted", "running", "stuck"]),
  override: word,
  modalias: field,
  compatible: list,
  group: field,
  members: bound,
  node: field,
  dependents: bound,
  holders: list,
  registered: yesOrNothing,
  bindable: yesOrNothing,
  loadable: yesOrNothing,
  similar: list,
  guard: field,
  claimant: field,
  claimDriver: field,
  claimOverride: field,
  claimInterface: field.default(null),
});

/** What a selector chose has a name, fit to be sent back. */
const chosenLine = deviceLine.extend({ name: text.pipe(kernelName) });

function deviceOf(item: LookItem, line: AnswerLine | undefined, address: string): Device {
  const nothing = {
    bus: item.bus,
    name: deviceWords(item.device),
    selector: typeof item.device === "string" ? null : item.device,
    matches: [],
    driver: null,
    canUnbind: false,
    override: null,
    hasOverride: false,
    journal: "none" as const,
  };
  const unknown = {
    modalias: null,
    compatible: [],
    sysfsPath: null,
    iommuGroup: null,
    groupMembers: [],
    dependents: [],
    holders: [],
    vfioPath: null,
    wanted: null,
    guard: null,
    claim: null,
  };
  if (line?.fields.present === "no") {
    const absent = readLine(line, absentLine, address);
    const claim = absent.claimant === null ? null : { claimant: absent.claimant, driver: null, override: null };
    return {
      ...nothing,
      ...unknown,
      isPresent: false,
      isBusPresent: absent.bus,
      similarNames: absent.similar,
      matches: absent.matches,
      claim,
    };
  }
  const isChosen = typeof item.device !== "string" || line?.fields.name !== undefined;
  const found = readLine(line, deviceLine, address);
  const { wanted, idDrivers, ...offers } = offersOf(line, item, address);
  return {
    ...nothing,
    name: isChosen ? readLine(line, chosenLine, address).name : nothing.name,
    isBusPresent: true,
    isPresent: true,
    similarNames: found.similar,
    driver: found.driver,
    canUnbind: found.unbindable,
    override: found.override.startsWith("-") ? null : decode(found.override),
    hasOverride: found.override !== "-unsupported",
    journal: found.journal === "-" ? "none" : found.journal,
    modalias: found.modalias,
    compatible: found.compatible,
    sysfsPath: found.path,
    iommuGroup: found.group,
    groupMembers: found.members,
    dependents: found.dependents,
    holders: found.holders,
    vfioPath: found.node,
    wanted:
      found.registered === null
        ? null
        : { isRegistered: found.registered, canBind: found.bindable === true, isLoadable: found.loadable, ...wanted },
    ...offers,
    guard: found.guard,
    claim: claimOf(found, idDrivers),
    ...keptOf(line, item, address),
  };
}

const claimOf = (found: z.output<typeof deviceLine>, idDrivers: string[]): Device["claim"] =>
  found.claimant === null
    ? null
    : {
        claimant: found.claimant,
        driver: found.claimDriver,
        override: found.claimOverride,
        networkInterface: found.claimInterface,
        idDrivers,
      };
