import { test } from "vitest";
import { inBackground, makeAndMount, makeUpper, nvme, virtioDisk, withDisks } from "./used-disks";

const wait = "sleep 1000";

withDisks("disks whose use is not plain to see", (_bench, refuses) => {
  test("refuses the device under a disk that is mounted in another mount namespace only, as a container's", () => {
    const use = inBackground(`unshare -m sh -c '${makeAndMount("/dev/vda")}; exec ${wait}'`);
    return refuses(use, "The device carries the disk under /mnt/disk of process ", virtioDisk);
  });

  test("refuses the device under a disk that was unmounted while a process is still in there", () => {
    const stay = inBackground(`sh -c 'cd /mnt/disk; exec ${wait}'`);
    const use = `${makeAndMount("/dev/vda")} && ${stay} && umount -l /mnt/disk`;
    return refuses(use, "The device carries the disk vda, whose file system is in use", virtioDisk);
  });

  test.each([
    ["a disk", "true", "/dev/vda", virtioDisk, "held open by sleep/"],
    ["a disk with more than one way to it", "true", "/dev/nvme0n1", nvme, "held open by sleep/"],
    ["a device-mapper's disk upon it", makeUpper, "/dev/mapper/upper", virtioDisk, "the disk vda, of which dm-0 is made"],
  ])("refuses a device while a process has %s open", (_what, build, disk, device, reason) =>
    refuses(`${build} && ${inBackground(`${wait} <${disk}`)}`, reason, device),
  );
});
