import { describe, expect } from "vitest";
import { addCard, addDisk, addSoftDisk, cardA, cardB, guards, mountinfo, session } from "./guarded";
import { promise, useBoard } from "./setup";
import { dash } from "./shells";

const made = useBoard();

describe("the guard: disks", () => {
  promise(dash, "refuses what is mounted, also as a partition, and what is not stays free", async () => {
    addDisk(made.board.kernel, "sda", "8", cardA);
    addDisk(made.board.kernel, "nvme0n1", "9", cardB);
    mountinfo(made.board, "8:1 / / rw - ext4 /dev/sda1 rw", "0:5 / /proc rw - proc proc rw", "0:6 / /run rw - tmpfs tmpfs rw");
    const [mounted, free] = await guards(made.board, [cardA, cardB]);
    expect(mounted).toBe("the disk under / (through block/sda/sda1)");
    expect(free).toBe("");
  });

  promise(dash, "goes through dm and md, and through swap", async () => {
    const { kernel } = made.board;
    addDisk(made.board.kernel, "sda", "8", cardA);
    addDisk(made.board.kernel, "sdb", "9", cardB);
    addSoftDisk(made.board.kernel, "dm-0", "253:0");
    kernel.addLink("devices/virtual/block/dm-0/slaves/sda1", `devices/pci0000:00/${cardA}/block/sda/sda1`);
    mountinfo(made.board, "253:0 / /srv rw - ext4 /dev/mapper/x rw");
    made.board.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n");
    const [below, swap] = await guards(made.board, [cardA, cardB]);
    expect(below).toBe("the disk under /srv, over sda1 (through block/sda/sda1)");
    expect(swap).toBe("the swap /dev/sdb1 (through block/sdb/sdb1)");
  });

  promise(dash, "takes a loop by its file: seen on another mount it is covered by that, else every disk and card is refused", async () => {
    addDisk(made.board.kernel, "sda", "8", cardA);
    addDisk(made.board.kernel, "sdb", "9", cardB);
    addSoftDisk(made.board.kernel, "loop0", "7:0");
    made.board.kernel.addFile("devices/virtual/block/loop0/loop/backing_file", "/srv/snap.img\n");
    made.board.write("srv/snap.img", "");
    mountinfo(made.board, "8:1 / / rw - ext4 /dev/sda1 rw", "7:0 / /snap rw - squashfs /dev/loop0 ro");
    expect((await guards(made.board, [cardB]))[0]).toBe("");
    made.board.kernel.addFile("devices/virtual/block/loop0/loop/backing_file", "/gone.img (deleted)\n");
    expect((await guards(made.board, [cardB]))[0]).toBe("the disk under /snap is a file that is not seen");
  });

  promise(dash, "takes an NVMe disk of several controllers by all of them", async () => {
    const { kernel } = made.board;
    const subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0";
    for (const [index, card] of [cardA, cardB].entries()) {
      kernel.addDevice({ bus: "pci", name: card, driver: null, matches: [] }, "pci0000:00");
      kernel.addFile(`devices/pci0000:00/${card}/nvme/nvme${index}/state`, "live\n");
      kernel.addLink(`${subsystem}/nvme${index}`, `devices/pci0000:00/${card}/nvme/nvme${index}`);
    }
    kernel.addFile(`${subsystem}/nvme0n1/nvme0n1p1/partition`, "1\n");
    kernel.addLink("dev/block/259:1", `${subsystem}/nvme0n1/nvme0n1p1`);
    mountinfo(made.board, "259:1 / / rw - ext4 /dev/nvme0n1p1 rw");
    expect(await guards(made.board, [cardA, cardB])).toEqual([
      "the disk under /, over nvme0 (through nvme/nvme0)",
      "the disk under /, over nvme1 (through nvme/nvme1)",
    ]);
  });

  promise(dash, "refuses every disk and card where a disk made by software does not tell what it lies on", async () => {
    addDisk(made.board.kernel, "sda", "8", cardA);
    addDisk(made.board.kernel, "sdb", "9", cardB);
    addSoftDisk(made.board.kernel, "nbd0", "43:0");
    mountinfo(made.board, "43:0 / /srv rw - ext4 /dev/nbd0 rw");
    const words = "the disk under /srv, which does not tell what it lies on";
    expect(await guards(made.board, [cardA, cardB])).toEqual([words, words]);
    addSoftDisk(made.board.kernel, "ram0", "1:0");
    mountinfo(made.board, "1:0 / /srv rw - ext4 /dev/ram0 rw");
    expect(await guards(made.board, [cardA])).toEqual([""]);
  });

  promise(dash, "refuses a physical function while a driver has one of its virtual functions", async () => {
    const { kernel } = made.board;
    kernel.addDriver("pci", "nvme");
    const virtual = kernel.addDevice({ bus: "pci", name: cardB, driver: "nvme", matches: [] }, "pci0000:00");
    kernel.addDevice({ bus: "pci", name: cardA, driver: "nvme", matches: [] }, "pci0000:00");
    kernel.addFile(`devices/pci0000:00/${cardA}/sriov_numvfs`, "1\n");
    kernel.addLink(`devices/pci0000:00/${cardA}/virtfn0`, `devices/pci0000:00/${cardB}`);
    expect(await guards(made.board, [cardA, cardB])).toEqual([`the virtual function ${cardB}, which nvme has`, ""]);
    virtual.driver = null;
    expect(await guards(made.board, [cardA])).toEqual([""]);
  });

  promise(dash, "takes an overlay by its layers and btrfs by its disks", async () => {
    addDisk(made.board.kernel, "sda", "8", cardA);
    addDisk(made.board.kernel, "sdb", "9", cardB);
    made.board.write("var/layers/one/x", "");
    made.board.write("var/layers/two/x", "");
    const overlay = "overlay rw,lowerdir=/var/layers/one,upperdir=/var/layers/two,workdir=/var/layers/one";
    mountinfo(made.board, `0:40 / /var/docker/1 rw - overlay ${overlay}`);
    expect(await guards(made.board, [cardA, cardB])).toEqual(["", ""]);
    mountinfo(made.board, `0:40 / / rw - overlay ${overlay}`);
    expect((await guards(made.board, [cardA]))[0]).toBe("/ is a mount of type overlay, whose device is not known");
    made.board.kernel.addLink("fs/btrfs/1234/devices/sda1", `devices/pci0000:00/${cardA}/block/sda/sda1`);
    mountinfo(made.board, "0:41 / / rw - btrfs /dev/sda1 rw");
    expect(await guards(made.board, [cardA, cardB])).toEqual(["a disk of the file system under / (through block/sda/sda1)", ""]);
  });

  promise(dash, "refuses every disk and card, also those that are down, where a mount's device is not known", async () => {
    addDisk(made.board.kernel, "sda", "8", cardA);
    addCard(made.board.kernel, "eth0", cardB);
    made.board.kernel.addFile("class/net/eth0/operstate", "down\n");
    for (const type of ["nfs4", "fuse.sshfs", "whatever"]) {
      mountinfo(made.board, `0:40 / /mnt rw - ${type} server:/x rw`);
      const why = `/mnt is a mount of type ${type}, whose device is not known`;
      expect(await guards(made.board, [cardA, cardB])).toEqual([why, why]);
    }
    made.board.write("proc/self/mountinfo", "");
    made.board.write("proc/swaps", "Filename Type\n/dev/zram9 partition 1 0 -2\n");
    expect((await guards(made.board, [cardA]))[0]).toBe("the swap /dev/zram9, whose device is not known");
  });

  promise(dash, "takes the flash under UBI", async () => {
    const { kernel } = made.board;
    kernel.addDevice({ bus: "platform", name: "nand.0", driver: null, matches: [] });
    kernel.addFile("class/ubi/ubi0/mtd_num", "5\n");
    kernel.addLink("class/mtd/mtd5/device", "devices/platform/nand.0");
    mountinfo(made.board, "0:15 / / rw - ubifs ubi0:ubi1 rw");
    expect(await guards(made.board, ["nand.0"], session, "platform")).toEqual(["the flash under /"]);
  });
});
