import { expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import type { FakeKernel } from "./kernel";
import type { MadeBoard } from "./made-board";
import { dash } from "./shells";

/** The environment of a login from 10.0.2.2 to 10.0.2.15. */
export const session = { SSH_CONNECTION: "10.0.2.2 50000 10.0.2.15 22" };

/** A card of the board: its own device, and an interface on it. */
export function addCard(kernel: FakeKernel, name: string, device: string): void {
  kernel.addDevice({ bus: "pci", name: device, driver: null, matches: [] }, "pci0000:00");
  addInterface(kernel, name);
  kernel.addLink(`class/net/${name}/device`, `devices/pci0000:00/${device}`);
}

/** An interface; one that is made by software has no device. */
export function addInterface(kernel: FakeKernel, name: string, lowers: string[] = []): void {
  kernel.addFile(`class/net/${name}/operstate`, "up\n");
  for (const lower of lowers) kernel.addLink(`class/net/${name}/lower_${lower}`, `class/net/${lower}`);
}

/** The board's `ip`: which interface has this session's address, and which one leads back. */
export function addIp(board: MadeBoard, address: string, route: string): void {
  const text = `#!/bin/sh\ncase $1 in\n-o) echo '1: lo    inet 127.0.0.1/8 scope host lo'; echo '2: ${address}    inet 10.0.2.15/24 brd 10.0.2.255' ;;\n*) echo '10.0.2.2 dev ${route} src 10.0.2.15 uid 0' ;;\nesac\n`;
  board.write("bin/ip", text, 0o755);
}

/** A disk below a device: whole, with one partition, known by number and by name. */
export function addDisk(kernel: FakeKernel, name: string, number: string, device: string): void {
  const disk = `devices/pci0000:00/${device}/block/${name}`;
  kernel.addDevice({ bus: "pci", name: device, driver: null, matches: [] }, "pci0000:00");
  kernel.addFile(`${disk}/size`, "1\n");
  kernel.addFile(`${disk}/${name}1/partition`, "1\n");
  kernel.addLink(`dev/block/${number}:0`, disk);
  kernel.addLink(`dev/block/${number}:1`, `${disk}/${name}1`);
  for (const part of [name, `${name}1`]) kernel.addLink(`class/block/${part}`, part === name ? disk : `${disk}/${part}`);
  kernel.addLink(`${disk}/device`, `devices/pci0000:00/${device}`);
}

/** A disk made by software. */
export function addSoftDisk(kernel: FakeKernel, name: string, number: string): void {
  const path = `devices/virtual/block/${name}`;
  kernel.addFile(`${path}/size`, "1\n");
  kernel.addLink(`dev/block/${number}`, path);
  kernel.addLink(`class/block/${name}`, path);
}

/** What is mounted on the board: the fields of mountinfo from the device's number on. */
export const mountinfo = (board: MadeBoard, ...lines: string[]) =>
  board.write("proc/self/mountinfo", lines.map((line, index) => `${index + 20} 1 ${line}\n`).join(""));

/** Why each of the devices must not be taken away; "" where it may. */
export async function guards(
  board: MadeBoard,
  devices: string[],
  environment: Record<string, string> = session,
  bus = "pci",
  shell = dash,
): Promise<string[]> {
  board.environment = environment;
  const answer = await board.look(shell, ...devices.map((name) => ({ bus, name })));
  expect(answer.stderr).toBe("");
  expect(board.kernel.writes).toEqual([]);
  return answer.devices.map((device) => decode(device.guard ?? "-") ?? "");
}

export const cardA = "0000:00:03.0";
export const cardB = "0000:00:04.0";
