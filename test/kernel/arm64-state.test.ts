import { afterEach, expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const onVfio = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" };
const memory = ["/run", "/dev/shm", "/tmp"];
/** Puts an ext2 file system over the folder, which is then not in memory. */
const coverWithDisk = (folder: string, index: number) =>
  `truncate -s 1M /mnt/disk${index} && losetup /dev/loop${index} /mnt/disk${index} && mke2fs /dev/loop${index} >/dev/null && ` +
  `mount -t ext2 /dev/loop${index} ${folder}`;
const uncover = (folder: string, index: number) =>
  `! grep -q " ${folder} ext2 " /proc/mounts || umount ${folder}; losetup -d /dev/loop${index}; rm -f /mnt/disk${index}`;

onBoard("arm64", "a board with no room for a journal", (bench) => {
  let restore = "true";
  afterEach(async () => {
    await bench.board.shell(restore);
    restore = "true";
  });

  /** Spoils the board, until the end of this test. */
  async function spoil(how: string, back: string): Promise<void> {
    restore = back;
    await bench.board.shell(how);
  }

  /** What a create is refused with, once it is proven that the kernel saw no write. */
  async function refusal(): Promise<string> {
    const message = await refusalOf(bench.binding(onVfio).create());
    expect(await bench.writes()).toEqual([]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
    return message;
  }

  const noRoom = () =>
    `${addressOf(bench.board)} has no room for the transaction's journal: its state folder is full, read-only or somebody else's. ` +
    "Nothing was written. Make room on the tmpfs under /run, then run `pulumi up` again.";
  const noFolder = "The board has no folder in memory that root owns (/run, /var/run, /dev/shm or /tmp), so no journal could be kept.";

  test.each([
    ["bytes", "mount -o remount,size=64k /run && { dd if=/dev/zero of=/run/filler 2>/dev/null || true; }"],
    ["files", 'mount -o remount,nr_inodes=64 /run && i=0 && while touch "/run/filler$i" 2>/dev/null; do i=$((i + 1)); done'],
  ])("writes nothing where the state folder has no room for more %s", async (_what, fill) => {
    await spoil(fill, "rm -f /run/filler* && mount -o remount,size=50%,nr_inodes=10000 /run");
    expect(await refusal()).toBe(noRoom());
  });

  test("writes nothing where the state folder is mounted read-only", async () => {
    await spoil("mount -o remount,ro /run", "mount -o remount,rw /run");
    expect(await refusal()).toBe(noRoom());
  });

  test("writes nothing where all the folders lie on a disk", async () => {
    await spoil(`modprobe -a loop ext4 && ${memory.map(coverWithDisk).join(" && ")}`, memory.map(uncover).join("; "));
    expect(await refusal()).toContain(`${noFolder} Nothing was written.`);
  });

  test("writes nothing where none of the folders is there", async () => {
    const away = memory.map((folder, index) => `mkdir /mnt/${index} && mount --move ${folder} /mnt/${index} && rmdir ${folder}`);
    const back = memory.map((folder, index) => `mkdir -p ${folder} && mount --move /mnt/${index} ${folder} && rmdir /mnt/${index}`);
    await spoil(away.join(" && "), back.join(" && "));
    expect(await refusal()).toContain(`${noFolder} Nothing was written.`);
  });

  test.each([
    ["is somebody else's", "mkdir /run/devbind && chown 1000 /run/devbind"],
    ["is a link", "ln -s /mnt /run/devbind"],
  ])("writes nothing where the state folder %s, and takes no other one", async (_what, plant) => {
    const moved = "[ ! -e /run/devbind ] || mv /run/devbind /run/kept";
    await spoil(`${moved}; ${plant}`, "rm -rf /run/devbind; [ ! -e /run/kept ] || mv /run/kept /run/devbind");
    expect(await refusal()).toContain(`${noFolder} Nothing was written.`);
    expect(await bench.board.shell("ls -d /dev/shm/devbind /tmp/devbind 2>/dev/null || true")).toBe("");
  });

  test.each([
    ["itself", "mount -o remount,ro /sys", "mount -o remount,rw /sys"],
    ["by a mount over it, as in a container", "mount --rbind /sys /sys && mount -o remount,bind,ro /sys", "umount -l /sys"],
  ])("writes nothing where sysfs is read-only %s, and says so", async (_how, how, back) => {
    await spoil(how, back);
    expect(await refusal()).toContain("sysfs is mounted read-only there, as in a container. Nothing was written.");
  });

  test("goes on as soon as there is room again", async () => {
    const binding = bench.binding(onVfio);
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci" });
    await binding.delete();
  });
});
