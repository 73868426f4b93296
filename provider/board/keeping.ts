import { z } from "zod";
import type { Board, Device } from "../schema";
import type { LookItem, TransactionDevice } from "../transaction";
import { type AnswerLine, decode, encode, field, list, readLine, word } from "./protocol";

/** What the board keeps over a reboot: as it is asked for, told to change, and answered. */

export const askKeptItems = (items: LookItem[]): string[][] =>
  items.flatMap(({ asksKept }, index) => (asksKept ? [["persist", String(index)]] : []));

export const keepItems = (devices: TransactionDevice[]): string[][] =>
  devices.flatMap(({ keep }, index) => (keep ? [["persist", String(index), keep.word, encode(keep.seen)]] : []));

const boardLine = z.object({
  lasts: z.enum(["yes", "systemd", "readonly", "memory", "unknown"]).optional(),
  unit: z.enum(["right", "wrong", "foreign"]).default("wrong"),
});

/** Whether the board can keep anything; undefined where that was not asked. */
export function keepingOf(line: AnswerLine | undefined, address: string): Board["keeping"] {
  const { lasts, unit } = readLine(line, boardLine, address);
  return lasts === undefined ? undefined : { obstacle: lasts === "yes" ? null : lasts, unit };
}

const deviceLine = z.object({
  kept: z.enum(["-", "broken", "whole", "right"]).default("-"),
  keptBy: field.prefault("-"),
  keptDriver: field.prefault("-"),
  keptOverride: word.default("-"),
  coOwners: list.prefault("-"),
});

/** What is kept of a device, and who else gives it a driver. */
export function keptOf(line: AnswerLine | undefined, { asksKept }: LookItem, address: string): Pick<Device, "kept" | "coOwners"> {
  const found = readLine(line, deviceLine, address);
  const override = /^-./.test(found.keptOverride) ? undefined : decode(found.keptOverride);
  return {
    kept: found.kept === "-" ? null : { is: found.kept, claimant: found.keptBy, driver: found.keptDriver, override },
    coOwners: asksKept ? found.coOwners : undefined,
  };
}
