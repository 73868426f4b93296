import { expect, test } from "vitest";
import { driverOf } from "./eyes";
import { card, makeAndMount, makeUpper, nvme, takeFunction, virtioDisk, withDisks, without } from "./used-disks";

withDisks("disks that are used", (bench, refuses) => {
  test("does not refuse a disk that nothing uses", async () => {
    const binding = bench.binding(virtioDisk);
    expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "virtio-pci" });
    await binding.delete();
  });

  test("refuses the device under a mounted disk, and says through what", () =>
    refuses(makeAndMount("/dev/vda"), "The device carries the disk under /mnt/disk (through virtio4/block/vda).", virtioDisk));

  test("refuses the device under a mounted partition", () => {
    const divide = "printf 'n\\np\\n1\\n\\n\\nw\\n' | fdisk /dev/vda >/dev/null && usleep 300000";
    return refuses(`${divide} && ${makeAndMount("/dev/vda1")}`, "The device carries the disk under /mnt/disk", virtioDisk);
  });

  test("refuses the device under a disk with more than one way to it, and the port above it", () =>
    refuses(makeAndMount("/dev/nvme0n1"), "The device carries the disk under /mnt/disk, over nvme0", nvme, without("0000:00:07.0")));

  test("refuses the device under a device-mapper's disk", () => {
    const reason = "The device carries the disk under /mnt/disk, over vda (through virtio4/block/vda).";
    return refuses(`${makeUpper} && ${makeAndMount("/dev/mapper/upper")}`, reason, virtioDisk);
  });

  test("refuses the device under a loop over a disk", () =>
    refuses(`losetup /dev/loop0 /dev/vda && ${makeAndMount("/dev/loop0")}`, "The device carries the disk under /mnt/disk", virtioDisk));

  test("refuses every disk and card under a loop whose file is not seen", () => {
    const file = `${makeAndMount("/dev/vda")} && truncate -s 1M /mnt/disk/file && losetup /dev/loop0 /mnt/disk/file`;
    const hide = "mke2fs /dev/loop0 >/dev/null && mount -t ext2 /dev/loop0 /mnt/upper && umount -l /mnt/disk";
    return refuses(`${file} && ${hide}`, "The device carries the disk under /mnt/upper is a file that is not seen", virtioDisk, card);
  });

  test.each([
    ["a disk", "/dev/vda", virtioDisk],
    ["a disk with more than one way to it", "/dev/nvme0n1", nvme],
  ])("refuses the device under %s that is swapped to", (_what, disk, device) =>
    refuses(`mkswap ${disk} >/dev/null && swapon ${disk}`, `The device carries the swap ${disk}`, device),
  );

  test("refuses the device under a device-mapper's disk that is swapped to", () => {
    const use = `${makeUpper} && mkswap /dev/dm-0 >/dev/null && swapon /dev/dm-0`;
    return refuses(use, "The device carries the swap /dev/dm-0, over vda", virtioDisk);
  });

  test("refuses every disk and card while something unknown is mounted, and nothing else", async () => {
    const unknown = "The device carries /mnt/unknown is a mount of type ocfs2_dlmfs, whose device is not known";
    await refuses("modprobe ocfs2_dlmfs && mount -t ocfs2_dlmfs none /mnt/unknown", unknown, virtioDisk, nvme, card);
    const generator = bench.binding(without("0000:00:05.0"));
    expect(await generator.create()).toMatchObject({ currentDriver: null });
    await generator.delete();
    expect(await driverOf(bench.board, ["pci", "0000:00:05.0"])).toBe("virtio-pci");
  });

  test("refuses a physical function while a driver has one of its virtual functions", () =>
    refuses(takeFunction, "The device carries the virtual function 0000:01:00.1, which vfio-pci has", nvme));

  test("refuses what shares an IOMMU group with the device under a mounted disk", () => {
    const reason = "The device carries the disk under /mnt/disk, over nvme0, in one IOMMU group with it";
    return refuses(`${takeFunction} && ${makeAndMount("/dev/nvme0n1")}`, reason, without("0000:01:00.1"));
  });

  test("refuses a watchdog, whoever feeds it", () =>
    refuses("modprobe i6300esb", "The device carries the watchdog watchdog0", without("0000:00:08.0")));
});
