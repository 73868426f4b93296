import { listed } from "../errors";
import type { Binding, Board, Device } from "../schema";
import { claimantOf, type Refusal } from "./guards";
import type { Wish } from "./plan";

/** `persist`: a file on the board that brings the device to its driver at each boot, and the unit that reads it. */

/**
 * What becomes of the device's file: written where none is right, or the unit is not; taken away where the binding, or one of its
 * names so far (`owners`), has one that it does not wish. With `force` another's goes too: it would come back at the next boot.
 */
export function keepOf(binding: Binding, wish: Wish, board: Board, device: Device, owners: readonly string[]): "take" | "drop" | undefined {
  const { kept } = device;
  if (binding.persist) return keptDifferences(binding, wish, board, device).length > 0 ? "take" : undefined;
  const mayDrop = kept?.claimant != null && (binding.force || owners.includes(kept.claimant));
  return mayDrop ? "drop" : undefined;
}

/**
 * What is not as it shall be after the next boot, in words; empty where all is right, or where the look did not ask. `isAskedSo`:
 * the look asked with this very wish, so that the board knows which modules belong to it.
 */
export function keptDifferences(binding: Binding, wish: Wish, { keeping }: Board, { kept }: Device, isAskedSo = true): string[] {
  const isOurs = kept?.claimant === claimantOf(binding);
  if (!binding.persist) return kept && isOurs ? ["it is kept over a reboot, and persist is false"] : [];
  if (!keeping) return [];
  const ofUnit = keeping.unit === "right" ? [] : ["the unit that brings it back at boot is missing, disabled or changed"];
  if (!kept) return ["it is not kept over a reboot"];
  if (kept.is === "broken") return ["what keeps it over a reboot is broken"];
  if (!isOurs) return [`it is kept over a reboot for ${kept.claimant ?? "nobody"}`];
  if (kept.driver !== wish.driver) return [`kept over a reboot is the driver ${kept.driver ?? "none"}, not ${wish.driver ?? "none"}`];
  if (!isOverrideFine(binding, wish, kept.override))
    return [`kept over a reboot is the override ${kept.override ?? "none"}, not ${wish.override ?? "none"}`];
  return kept.is === "whole" && isAskedSo ? ["what keeps it over a reboot tells of another device or of other modules"] : ofUnit;
}

/** None or the driver's leads there, as it does on the board itself; a strategy that asks for one wants that. */
function isOverrideFine({ strategy }: Binding, { driver, override }: Wish, kept: string | null | undefined): boolean {
  return kept === override || (strategy !== "override" && driver != null && (kept === null || kept === driver) && override !== undefined);
}

/** Why nothing can be kept on this board. */
export function keepRefusals({ keeping }: Board): Refusal[] {
  const refusal = (reason: string, todo: string): Refusal[] => [{ property: "persist", isCertain: true, reason, todo }];
  const without = "leave `persist` out";
  switch (keeping?.obstacle) {
    case "systemd":
      return refusal(
        "The board does not run systemd, whose unit would bring the binding back at boot.",
        `Write the binding into the board's own init script, and ${without}.`,
      );
    case "readonly":
      return refusal(
        "The board's /etc is read-only, so nothing can be kept there over a reboot.",
        `Mount it writable, build the binding into the board's image, or ${without}.`,
      );
    case "memory":
      return refusal(
        "The board's /etc is only in memory, and a reboot forgets it.",
        `Build the binding into the board's image, and ${without}.`,
      );
    case "unknown":
      return refusal(
        "The board's /etc is an overlay whose upper folder is out of sight, so it may be only in memory.",
        `Build the binding into the board's image, and ${without}.`,
      );
    default:
      if (keeping?.unit !== "foreign") return [];
      return refusal(
        "The board's systemd has a unit devbind.service that is masked or somebody else's.",
        `Look at it, remove it (\`systemctl unmask devbind\` where it is masked), or ${without}.`,
      );
  }
}

/** Who else gives the device a driver at boot, as a sentence; undefined where nobody does. */
export function coOwnerWords({ persist }: Binding, { name, coOwners = [] }: Device): string | undefined {
  if (!persist || coOwners.length === 0) return undefined;
  return `At boot ${name} is given a driver by ${listed(coOwners)} too, and the last one wins. Take it out there, or leave \`persist\` out.`;
}
