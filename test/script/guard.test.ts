import { describe, expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import { promise, useBoard } from "./setup";
import { dash, shells } from "./shells";

const made = useBoard();
const session = { SSH_CONNECTION: "10.0.2.2 50000 10.0.2.15 22" };

/** A card of the board: its own device, and an interface on it. */
function addCard(name: string, device: string): void {
  const { kernel } = made.board;
  kernel.addDevice({ bus: "pci", name: device, driver: null, matches: [] }, "pci0000:00");
  addInterface(name);
  kernel.addLink(`class/net/${name}/device`, `devices/pci0000:00/${device}`);
}

/** An interface; one that is made by software has no device. */
function addInterface(name: string, lowers: string[] = []): void {
  const { kernel } = made.board;
  kernel.addFile(`class/net/${name}/operstate`, "up\n");
  for (const lower of lowers) kernel.addLink(`class/net/${name}/lower_${lower}`, `class/net/${lower}`);
}

/** The board's `ip`: which interface has this session's address, and which one leads back. */
function addIp(address: string, route: string): void {
  const text = `#!/bin/sh\ncase $1 in\n-o) echo '1: lo    inet 127.0.0.1/8 scope host lo'; echo '2: ${address}    inet 10.0.2.15/24 brd 10.0.2.255' ;;\n*) echo '10.0.2.2 dev ${route} src 10.0.2.15 uid 0' ;;\nesac\n`;
  made.board.write("bin/ip", text, 0o755);
}

/** A disk below a device: whole, with one partition, known by number and by name. */
function addDisk(name: string, number: string, device: string): void {
  const { kernel } = made.board;
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
function addSoftDisk(name: string, number: string): void {
  const { kernel } = made.board;
  const path = `devices/virtual/block/${name}`;
  kernel.addFile(`${path}/size`, "1\n");
  kernel.addLink(`dev/block/${number}`, path);
  kernel.addLink(`class/block/${name}`, path);
}

const mountinfo = (...lines: string[]) =>
  made.board.write("proc/self/mountinfo", lines.map((line, index) => `${index + 20} 1 ${line}\n`).join(""));

/** Why each of the devices must not be taken away; "" where it may. */
async function guards(devices: string[], environment: Record<string, string> = session, bus = "pci", shell = dash): Promise<string[]> {
  const { board } = made;
  board.environment = environment;
  const answer = await board.look(shell, ...devices.map((name) => ({ bus, name })));
  expect(answer.stderr).toBe("");
  expect(board.kernel.writes).toEqual([]);
  return answer.devices.map((device) => decode(device.guard ?? "-") ?? "");
}

const cardA = "0000:00:03.0";
const cardB = "0000:00:04.0";

describe("the guard: the card of this session", () => {
  promise(dash, "is refused by the local address and by the route back, and another card is not", async () => {
    addCard("eth0", cardA);
    addCard("eth1", cardB);
    addCard("eth2", "0000:00:05.0");
    addIp("eth0", "eth1");
    const [local, route, free] = await guards([cardA, cardB, "0000:00:05.0"]);
    expect(local).toBe("the network card eth0, which carries this SSH session");
    expect(route).toBe("the network card eth1, which carries this SSH session");
    expect(free).toBe("");
  });

  promise(dash, "is found below a VLAN over a bridge over a bond, and the chain is told", async () => {
    addCard("eth0", cardA);
    addCard("eth1", cardB);
    addInterface("bond0", ["eth0", "eth1"]);
    addInterface("br0", ["bond0"]);
    addInterface("br0.7", ["br0"]);
    addIp("br0.7@br0", "br0.7");
    expect(await guards([cardA, cardB])).toEqual([
      "the network card br0.7, which carries this SSH session, over br0, over bond0, over eth0",
      "the network card br0.7, which carries this SSH session, over br0, over bond0, over eth1",
    ]);
  });

  for (const [why, environment, address] of [
    ["SSH_CONNECTION is missing", {}, "eth0"],
    ["nobody has the session's address", session, "tun9"],
  ] as const) {
    promise(dash, `is every card that is up where ${why}`, async () => {
      addCard("eth0", cardA);
      addCard("eth1", cardB);
      made.board.kernel.addFile("class/net/eth1/operstate", "down\n");
      addIp(address, address);
      const [up, down] = await guards([cardA, cardB], environment);
      expect(up).toContain("which card carries this session is not known");
      expect(down).toBe("");
    });
  }

  for (const shell of shells) {
    promise(shell, `is every card in ${shell.name} where ip knows nothing of the session`, async () => {
      addCard("lan9", cardA);
      const why = "the network card lan9 (which card carries this session is not known)";
      expect(await guards([cardA], { SSH_CONNECTION: "192.0.2.1 50000 192.0.2.77 22" }, "pci", shell)).toEqual([why]);
    });
  }
});

describe("the guard: disks", () => {
  promise(dash, "refuses what is mounted, also as a partition, and what is not stays free", async () => {
    addDisk("sda", "8", cardA);
    addDisk("nvme0n1", "9", cardB);
    mountinfo("8:1 / / rw - ext4 /dev/sda1 rw", "0:5 / /proc rw - proc proc rw", "0:6 / /run rw - tmpfs tmpfs rw");
    const [mounted, free] = await guards([cardA, cardB]);
    expect(mounted).toBe("the disk under / (through block/sda/sda1)");
    expect(free).toBe("");
  });

  promise(dash, "goes through dm and md, and through swap", async () => {
    const { kernel } = made.board;
    addDisk("sda", "8", cardA);
    addDisk("sdb", "9", cardB);
    addSoftDisk("dm-0", "253:0");
    kernel.addLink("devices/virtual/block/dm-0/slaves/sda1", `devices/pci0000:00/${cardA}/block/sda/sda1`);
    mountinfo("253:0 / /srv rw - ext4 /dev/mapper/x rw");
    made.board.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n");
    const [below, swap] = await guards([cardA, cardB]);
    expect(below).toBe("the disk under /srv, over sda1 (through block/sda/sda1)");
    expect(swap).toBe("the swap /dev/sdb1 (through block/sdb/sdb1)");
  });

  promise(dash, "takes a loop by its file: seen on another mount it is covered by that, else every disk and card is refused", async () => {
    addDisk("sda", "8", cardA);
    addDisk("sdb", "9", cardB);
    addSoftDisk("loop0", "7:0");
    made.board.kernel.addFile("devices/virtual/block/loop0/loop/backing_file", "/srv/snap.img\n");
    made.board.write("srv/snap.img", "");
    mountinfo("8:1 / / rw - ext4 /dev/sda1 rw", "7:0 / /snap rw - squashfs /dev/loop0 ro");
    expect((await guards([cardB]))[0]).toBe("");
    made.board.kernel.addFile("devices/virtual/block/loop0/loop/backing_file", "/gone.img (deleted)\n");
    expect((await guards([cardB]))[0]).toBe("the disk under /snap is a file that is not seen");
  });

  promise(dash, "takes an overlay by its layers and btrfs by its disks", async () => {
    addDisk("sda", "8", cardA);
    addDisk("sdb", "9", cardB);
    made.board.write("var/layers/one/x", "");
    made.board.write("var/layers/two/x", "");
    const overlay = "overlay rw,lowerdir=/var/layers/one,upperdir=/var/layers/two,workdir=/var/layers/one";
    mountinfo(`0:40 / /var/docker/1 rw - overlay ${overlay}`);
    expect(await guards([cardA, cardB])).toEqual(["", ""]);
    mountinfo(`0:40 / / rw - overlay ${overlay}`);
    expect((await guards([cardA]))[0]).toBe("/ is a mount of type overlay, whose device is not known");
    made.board.kernel.addLink("fs/btrfs/1234/devices/sda1", `devices/pci0000:00/${cardA}/block/sda/sda1`);
    mountinfo("0:41 / / rw - btrfs /dev/sda1 rw");
    expect(await guards([cardA, cardB])).toEqual(["a disk of the file system under / (through block/sda/sda1)", ""]);
  });

  promise(dash, "refuses every disk and card, also those that are down, where a mount's device is not known", async () => {
    addDisk("sda", "8", cardA);
    addCard("eth0", cardB);
    made.board.kernel.addFile("class/net/eth0/operstate", "down\n");
    for (const type of ["nfs4", "fuse.sshfs", "whatever"]) {
      mountinfo(`0:40 / /mnt rw - ${type} server:/x rw`);
      const why = `/mnt is a mount of type ${type}, whose device is not known`;
      expect(await guards([cardA, cardB])).toEqual([why, why]);
    }
    made.board.write("proc/self/mountinfo", "");
    made.board.write("proc/swaps", "Filename Type\n/dev/zram9 partition 1 0 -2\n");
    expect((await guards([cardA]))[0]).toBe("the swap /dev/zram9, whose device is not known");
  });

  promise(dash, "takes the flash under UBI", async () => {
    const { kernel } = made.board;
    kernel.addDevice({ bus: "platform", name: "nand.0", driver: null, matches: [] });
    kernel.addFile("class/ubi/ubi0/mtd_num", "5\n");
    kernel.addLink("class/mtd/mtd5/device", "devices/platform/nand.0");
    mountinfo("0:15 / / rw - ubifs ubi0:rootfs rw");
    expect(await guards(["nand.0"], session, "platform")).toEqual(["the flash under /"]);
  });
});

describe("the guard: console, watchdog, and what these stand on", () => {
  promise(dash, "refuses the console's and the watchdog's device", async () => {
    const { kernel } = made.board;
    for (const name of ["9000000.pl011", "wdt.0"]) kernel.addDevice({ bus: "platform", name, driver: null, matches: [] });
    kernel.addFile("class/tty/console/active", "tty0 ttyAMA0\n");
    kernel.addLink("class/tty/ttyAMA0/device", "devices/platform/9000000.pl011");
    kernel.addLink("class/watchdog/watchdog0/device", "devices/platform/wdt.0");
    expect(await guards(["9000000.pl011", "wdt.0"], session, "platform")).toEqual(["the console ttyAMA0", "the watchdog watchdog0"]);
  });

  promise(dash, "follows suppliers of suppliers, of parents too, and tells the chain", async () => {
    const { kernel } = made.board;
    for (const name of ["reg-dummy", "clock.0", "free.0"]) kernel.addDevice({ bus: "platform", name, driver: null, matches: [] });
    addCard("eth0", cardA);
    addIp("eth0", "eth0");
    kernel.addFile("devices/platform/reg-dummy/regulator/regulator.0/name", "x\n");
    kernel.addLink(
      `devices/pci0000:00/${cardA}/supplier:regulator:regulator.0/supplier`,
      "devices/platform/reg-dummy/regulator/regulator.0",
    );
    kernel.addLink("devices/platform/reg-dummy/supplier:platform:clock.0/supplier", "devices/platform/clock.0");
    const [regulator, clock, free] = await guards(["reg-dummy", "clock.0", "free.0"], session, "platform");
    const card = "the network card eth0, which carries this SSH session";
    expect(regulator).toBe(`${card}, supplied by regulator:regulator.0 (through regulator/regulator.0)`);
    expect(clock).toBe(`${card}, supplied by regulator:regulator.0, supplied by platform:clock.0`);
    expect(free).toBe("");
  });

  promise(dash, "refuses who shares an IOMMU group with them", async () => {
    addCard("eth0", cardA);
    addIp("eth0", "eth0");
    made.board.kernel.addDevice({ bus: "pci", name: cardB, driver: null, matches: [], group: "3" }, "pci0000:00");
    made.board.kernel.addLink(`devices/pci0000:00/${cardA}/iommu_group`, "kernel/iommu_groups/3");
    expect((await guards([cardB]))[0]).toBe("the network card eth0, which carries this SSH session, in one IOMMU group with it");
  });
});
