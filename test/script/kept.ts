import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import type { MadeBoard } from "./made-board";
import type { Transaction, Wish } from "./requests";
import type { Shell } from "./shells";

/** What these tests need of a board that can keep bindings, and of its next boot. */

const provider = join(__dirname, "../../provider/board");
export const atBootText = readFileSync(join(provider, "at-boot.sh"), "utf8");
export const unitText = readFileSync(join(provider, "devbind.service"), "utf8");
const unitPath = "etc/systemd/system/devbind.service";
const wantsPath = "etc/systemd/system/sysinit.target.wants/devbind.service";

/** A board that runs systemd from a disk; its tools for modules and for writing all out do nothing. */
export function runSystemd(board: MadeBoard): void {
  board.write("run/systemd/system/.keep", "");
  board.write("etc/systemd/system/.keep", "");
  for (const tool of ["sync", "modprobe", "udevadm"]) board.write(`bin/${tool}`, "#!/bin/sh\nexit 0\n", 0o755);
}

/** The card of these tests, as a boot leaves it: on e1000e. */
export function addCard({ kernel }: MadeBoard, more: Partial<Device> = {}): Device {
  for (const driver of ["e1000e", "vfio-pci", "stub"]) kernel.addDriver("pci", driver);
  const card = {
    bus: "pci",
    name: "0000:00:03.0",
    driver: "e1000e",
    override: null,
    matches: ["e1000e"],
    modalias: "pci:v00008086d000010D3*",
  };
  return kernel.addDevice({ ...card, ...more });
}

/** The wish for a driver by override that is claimed and kept; `seen`: whose file there was. */
export function keeping(device: Device, driver: string | null, seen: string | null = null, more: Partial<Wish> = {}): Transaction {
  const wish: Wish = { device, driver, override: driver, claim: "take", past: { driver: "e1000e", override: null }, ...more };
  return { timeoutSeconds: 200, wishes: [wish], extras: [["persist", "0", "take", encode(seen)]] };
}

/** As keeping ends: the device goes back, and so does its file. */
export function dropping(device: Device, seen: string): Transaction {
  const wish: Wish = { device, driver: "e1000e", override: null, claim: "drop" };
  return { timeoutSeconds: 200, wishes: [wish], extras: [["persist", "0", "drop", encode(seen)]] };
}

export const keptPath = ({ root }: MadeBoard, name = ""): string => join(root, "etc/devbind", name);

/** The names in /etc/devbind. */
export function keptFiles(board: MadeBoard): string[] {
  return existsSync(keptPath(board)) ? readdirSync(keptPath(board)).sort() : [];
}

/** Whether systemd would run the program at the next boot. */
export function hasUnit({ root }: MadeBoard): boolean {
  return [unitPath, wantsPath].every((path) => {
    const links = readdirSync(join(root, path, ".."), { withFileTypes: true });
    return links.some((entry) => entry.name === "devbind.service" && entry.isSymbolicLink());
  });
}

export const fileOf = (board: MadeBoard, device: Device): string | undefined => {
  const path = keptPath(board, `persist.${device.bus},${device.name}`);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
};

/** A boot: memory is empty, the devices are where the kernel puts them by itself, and the program runs. What it said. */
export async function reboot(board: MadeBoard, shell: Shell, ...devices: Device[]): Promise<string> {
  rmSync(join(board.root, "run/devbind"), { recursive: true, force: true });
  for (const device of devices) {
    if (device.override !== undefined) device.override = null;
    device.driver = device.matches[0] ?? null;
  }
  return runAtBoot(board, shell);
}

export async function runAtBoot(board: MadeBoard, shell: Shell): Promise<string> {
  const text = atBootText.replace("  root=''\n", `  root='${board.root}'\n`).replace("patience=10", "patience=1");
  if (!text.includes(board.root) || !text.includes("patience=1 ")) throw new Error("at-boot.sh has no line for the root any more");
  const { stdout, stderr } = await board.start(shell, text, "none").done;
  return stdout + stderr;
}
