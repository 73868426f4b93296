import { afterEach, beforeEach, expect } from "vitest";
import { refusalOf } from "./binding";
import { type Bench, onBoard } from "./bench";
import { devicesToGuard } from "../boards/machines";

/** A binding's inputs that take the device from its driver. */
export const without = (device: string) => ({ bus: "pci", device, driver: null });
export const virtioDisk = without("0000:00:06.0");
export const nvme = without("0000:01:00.0");
export const card = without("0000:00:01.0");

/** Commands that make uses of the disks, under /mnt/disk and as /dev/mapper/upper. */
export const makeAndMount = (disk: string) => `mke2fs ${disk} >/dev/null && mount -t ext2 ${disk} /mnt/disk`;
export const makeUpper = "DM_DISABLE_UDEV=1 dmsetup create upper --table '0 65536 linear /dev/vda 0'";
/** A process of its own, in the background, until the end of the test. */
export const inBackground = (command: string) => `{ setsid ${command} >/dev/null 2>&1 & echo $! >>/tmp/users; } && usleep 500000`;
/** A driver gets the nvme controller's virtual function, 0000:01:00.1. */
export const takeFunction = [
  "cd /sys/bus/pci/devices/0000:01:00.0 && echo 0 >sriov_drivers_autoprobe && echo 1 >sriov_numvfs",
  "modprobe vfio-pci && echo vfio-pci >virtfn0/driver_override && echo 0000:01:00.1 >/sys/bus/pci/drivers/vfio-pci/bind",
].join(" && ");

const prepare = "mkdir -p /mnt/disk /mnt/upper /mnt/unknown && modprobe -a virtio_blk nvme loop dm_mod ext4 && usleep 500000";
/** All that any of these uses may have left, the uppermost first. */
const undo = [
  "[ ! -e /tmp/users ] || { kill $(cat /tmp/users); rm /tmp/users; usleep 500000; }",
  "for swap in $(sed -n 's/^\\(.dev[^ ]*\\).*/\\1/p' /proc/swaps); do swapoff $swap; done",
  "for folder in /mnt/upper /mnt/disk /mnt/unknown; do umount $folder; done",
  "losetup -d /dev/loop0; DM_DISABLE_UDEV=1 dmsetup remove_all; echo 0 >/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs",
  "modprobe -r nvme virtio_blk i6300esb",
].join("; ");

/** Makes a use of the disks, and checks that the devices are refused for this reason before any write. */
export type Refuses = (use: string, reason: string, ...devices: ReturnType<typeof without>[]) => Promise<void>;

/** Promises about the arm64 board with disks; each gets them unused. */
export function withDisks(title: string, promises: (bench: Bench, refuses: Refuses) => void): void {
  const promised = (bench: Bench) => {
    beforeEach(() => bench.board.shell(prepare));
    afterEach(async () => {
      await bench.board.shell(`{ ${undo}; } 2>/dev/null; true`);
    });
    promises(bench, async (use, reason, ...devices) => {
      await bench.board.shell(use);
      await bench.writes();
      for (const device of devices) {
        const message = await refusalOf(bench.binding(device).create());
        expect(message, device.device).toContain(reason);
        expect(message, device.device).toContain("Nothing was written.");
      }
      expect(await bench.writes()).toEqual([]);
    });
  };
  onBoard("arm64", title, promised, { spareDevices: devicesToGuard });
}
