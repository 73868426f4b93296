import type { Board, Device } from "./schema";
import type { Selector } from "./selector";

/** What the pure plan says and the board carries out: the words both share. A leaf, like the schema. */

/** A device to look at, by its name or a selector, and the driver and module that are wished for it. */
export interface LookItem {
  bus: string;
  device: string | Selector;
  /** The device that was known so far: it counts where the selector means several of which it is one. */
  known?: string;
  driver: string | null;
  module: string | null;
  /** Whether to tell which id `new_id` would be given for the device, and which others have it. */
  asksId?: boolean;
  /** Parameters that the driver's module, or another one, must have. */
  parameters?: ModuleParameter[];
  /** Which others are looked at with it, because they are taken along: those of its IOMMU group, the other functions of its slot. */
  takesAlong?: SiblingKind[];
  /** Whether to tell what the board keeps of it over a reboot, and who else does. */
  asksKept?: boolean;
}

/** The devices that are taken along with another one: those of its IOMMU group, the other functions of its slot. */
export type SiblingKind = "group" | "slot";

/** A parameter of a module; null is the module of the device's driver. */
export interface ModuleParameter {
  module: string | null;
  name: string;
  value: string;
}

/** A board and its devices, in the order they were asked for. */
export interface Observation {
  board: Board;
  devices: Device[];
}

/** One write of a transaction. `device` is the place in its list of devices; `value` a driver, module or override (null clears). */
export interface Step {
  device: number;
  word: "module" | "override" | "new-id" | "remove-id" | "unbind" | "bind" | "probe";
  value: string | null;
}

/** What is asked for one device: what it was seen as, what it shall be (undefined: anything), and whose it is. */
export interface TransactionDevice extends LookItem {
  device: string;
  /** What chose the device, and must still mean it when the board begins to write. */
  selector?: Selector;
  /** `isGone`: there was no such device, and must be none. */
  seen: { driver: string | null; override: string | null; hasOverride: boolean; isGone?: boolean };
  wish: { driver?: string | null; override?: string | null };
  claim: "take" | "keep" | "drop";
  past: { driver: string | null; override: string | null };
  /** What the step new-id writes, and which other devices had this id when it was planned. */
  newId?: { id: string; others: string[] };
  /** What becomes of the file that keeps it over a reboot, and whose that was. */
  keep?: { word: "take" | "drop"; seen: string | null };
  /** Which others are taken along with it, and the names of those that the plan saw: no other ones may be there. */
  along?: { kinds: SiblingKind[]; names: string[] };
}

export interface Transaction {
  id: string;
  claimant: string;
  timeoutSeconds: number;
  force: boolean;
  /** How long the board waits for a new login to confirm the change, before it undoes by itself; null: no confirmation is asked for. */
  confirmSeconds: number | null;
  /** A command that the board runs after the change and after its undo; empty for none. */
  afterRebind: string[];
  devices: TransactionDevice[];
  /**
   * Places whose claims are dropped if they are the claimant's: what was bound has left them. `of`: the device that has, in the list of
   * devices; its own claim then tells of the ids and modules that the old one told of, which are taken back otherwise.
   */
  left?: { bus: string; device: string; of?: number }[];
  steps: Step[];
}
