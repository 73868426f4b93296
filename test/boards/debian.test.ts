import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Board, bootBoard, whyNoBoards } from "./board";
import { cannotRun } from "./can-run";
import { operator } from "./debian";

const bootMilliseconds = 600_000; // the first time, everything is downloaded and built

describe("debian", async () => {
  const why = await whyNoBoards("debian");
  if (why !== undefined) return cannotRun(why);
  let board: Board;
  const boot = () => bootBoard("debian", { onProgress: (line) => console.log(line) });
  beforeAll(async () => {
    board = await boot();
  }, bootMilliseconds);
  afterAll(() => board?.close());

  test("is all up: no unit failed, udev has given the card its driver, each session is a service of its own", async () => {
    expect(await board.shell("systemctl is-system-running --wait; systemctl list-units --failed --plain --no-legend")).toBe("running");
    expect(await board.shell("basename $(readlink /sys/bus/pci/devices/0000:00:10.0/driver)")).toBe("e1000e");
    expect(await board.shell("ls /sys/bus/pci/devices/0000:00:10.0/iommu_group/devices")).toBe("0000:00:10.0");
    expect(await board.shell("cat /proc/self/cgroup")).toMatch(/^0::\/system\.slice\/system-ssh\.slice\/ssh@\S+\.service$/);
  });

  test("lets operator become root: by doas, and by sudo with the password only", async () => {
    const asOperator = (command: string) => board.shell(`runuser -u ${operator.user} -- ${command}`);
    expect(await asOperator("doas id -u")).toBe("0");
    await expect(asOperator("sudo -n id -u")).rejects.toThrow(/password is required/);
    expect(await asOperator(`sh -c 'echo ${operator.password} | sudo -S id -u'`)).toBe("0");
  });

  test("keeps its disk over a power cycle, and another board begins without it", { timeout: bootMilliseconds }, async () => {
    const [identity, boot1] = (await board.shell("cat /etc/machine-id /proc/sys/kernel/random/boot_id")).split("\n");
    await board.shell("echo kept >/root/kept && sync");
    await board.powerOff();
    await board.powerOn();
    const after = await board.shell("cat /root/kept /etc/machine-id /proc/sys/kernel/random/boot_id");
    expect(after).toMatch(new RegExp(`^kept\n${identity}\n`));
    expect(after).not.toContain(boot1);
    await board.close();
    const other = await boot();
    try {
      await expect(other.shell("cat /root/kept")).rejects.toThrow(/No such file/);
      expect(await other.shell("cat /etc/machine-id")).not.toBe(identity);
    } finally {
      await other.close();
    }
  });

  test("is refused to whoever is not root, with what to do", async () => {
    const getuid = vi.spyOn(process, "getuid").mockReturnValue(1000);
    try {
      await expect(boot()).rejects.toThrow("cannot boot the debian board: a whole Debian is installed by root: run the tests as root");
    } finally {
      getuid.mockRestore();
    }
  });
});
