import { changedTree, type TreeProperties } from "./device-tree";
import { buildImage } from "./image";
import { findKeys } from "./keys";
import type { Say } from "./run";
import { fixedMachineId, RunningBoard } from "./running-board";
import { saveMachine } from "./saved";
import { missingTools, whyNoDebian, whyNoUml } from "./tools";

/**
 * `arm64`: QEMU `virt` with an SMMU and PCI devices. `exynos`: an Exynos4210 with its I2C controller; it cannot restart
 * itself (`reboot` halts it, for QEMU lacks that register), but reset() restarts it. `x86`: a PC with an IOMMU and an NVMe disk,
 * which boots from scratch each time. `debian`: a whole Debian on such a PC: systemd, udev, OpenSSH with a service for each
 * session, sudo, doas, driverctl. What is written to its disk stays until close(). All its restored boards have the boot id of the
 * machine that was saved, until their first reset. `uml`: user-mode Linux, a kernel that is a process of this machine, with spare
 * cards and neither PCI nor a device tree; small, and up within seconds, so it is never saved. A `reboot` of its own brings it up without
 * a network (it still holds the old cable), but reset() boots it anew.
 */
export type BoardKind = "arm64" | "exynos" | "x86" | "debian" | "uml";

/** A real Linux kernel in a QEMU machine (uml: in a process), with an SSH server on a loopback port. */
export interface Board {
  readonly kind: BoardKind;
  readonly host: string;
  /** Forwarded to the board's SSH server; the same for the board's whole life. */
  readonly port: number;
  readonly user: "root";
  /** Text of an OpenSSH ed25519 key without passphrase. */
  readonly privateKey: string;
  readonly privateKeyPath: string;
  /** The board's public key as known_hosts has it: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** `[127.0.0.1]:PORT ssh-ed25519 AAAA…` */
  readonly knownHostsLine: string;
  /**
   * Runs a shell command with the test's own eyes (the system's ssh) and returns what it printed, trimmed. Refuses an exit
   * code that is not 0, with stderr and the code, and a command that takes longer than `timeoutSeconds` (60).
   */
  shell(command: string, options?: { timeoutSeconds?: number }): Promise<string>;
  /** All that the board printed on its console so far, over all its boots. */
  consoleLog(): Promise<string>;
  /** Plugs a device in while the board runs (never uml): QEMU's `driver`, `id`, `bus` (of a port that takes one) and what else it needs. */
  plug(device: Record<string, string>): Promise<void>;
  /** Pulls a device out; resolves when the board's kernel has let go of it, seconds later. */
  unplug(id: string): Promise<void>;
  /** The reset button: everything not saved is lost. Resolves when SSH answers again. */
  reset(): Promise<void>;
  /** Power off at the plug: QEMU, or what else ran the board, is gone with all its processes, and the port is closed. */
  powerOff(): Promise<void>;
  /** Power on again, same port and keys. Resolves when SSH answers. Does nothing to a board that is on. */
  powerOn(): Promise<void>;
  /** Ends the board and removes everything belonging to it; may be called again. */
  close(): Promise<void>;
}

export interface BootOptions {
  /** 32 hex digits for /etc/machine-id; "" for a board without one, which debian cannot be. Otherwise each board of a kind in this process has its own, the same in every run. */
  machineId?: string;
  /** Boots from scratch instead of going on from the saved machine. */
  fresh?: boolean;
  /** QEMU's words for devices beyond the kind's own, such as `devicesToGuard` of machines.ts; a board that has some boots from scratch. */
  spareDevices?: string[];
  /** Set in the device tree that QEMU makes for arm64; such a board boots from scratch, with that tree. */
  treeProperties?: TreeProperties;
  /** Words for the kernel after its usual ones; a board that has some boots from scratch. */
  kernelArguments?: string;
  onProgress?: Say;
}

/** Boots a board, building first what isn't in the cache. Refuses where boards can't run here, with the words of whyNoBoards(). */
export async function bootBoard(kind: BoardKind, options: BootOptions = {}): Promise<Board> {
  const say = options.onProgress ?? (() => {});
  const machineId = options.machineId ?? fixedMachineId(kind); // counted in the order of the calls
  const { keys, image, saved } = await prepare(kind, say);
  const { treeProperties, kernelArguments = "" } = options;
  const ownTree = treeProperties === undefined ? [] : ["-dtb", await treeFor(kind, treeProperties, say)];
  if (kind === "uml" && options.spareDevices !== undefined) throw new Error("spareDevices are QEMU's, and the uml board has no QEMU");
  const spareDevices = [...(options.spareDevices ?? []), ...ownTree];
  const isFresh = options.fresh === true || spareDevices.length > 0 || kernelArguments !== "";
  return RunningBoard.boot({ kind, keys, image, saved: isFresh ? undefined : saved, machineId, spareDevices, kernelArguments, say });
}

function treeFor(kind: BoardKind, properties: TreeProperties, say: Say): Promise<string> {
  if (kind !== "arm64") throw new Error(`only QEMU's arm64 machine makes a device tree, and this is ${kind}`);
  return changedTree(properties, say);
}

/**
 * Builds, or finds in the cache, all that a board of this kind needs: packages, kernel, initramfs, saved machine. Says what
 * it does and how long each took. Any number of processes may call it at once.
 */
export async function prepareBoard(kind: BoardKind, onProgress: Say = () => {}): Promise<void> {
  await prepare(kind, onProgress);
}

/** Why boards (of this kind) can't run here, with the command that enables them, or undefined if they can. */
export async function whyNoBoards(kind?: BoardKind): Promise<string | undefined> {
  const missing = await missingTools();
  if (missing !== undefined) return missing;
  if (kind === "uml") return whyNoUml();
  return kind === "debian" ? whyNoDebian() : undefined;
}

async function prepare(kind: BoardKind, say: Say) {
  const why = await whyNoBoards(kind);
  if (why !== undefined) throw new Error(`cannot boot the ${kind} board: ${why}`);
  const keys = await findKeys();
  const image = await buildImage(kind, keys, say);
  return { keys, image, saved: await saveMachine(kind, image, say) };
}
