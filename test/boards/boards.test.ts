import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Board, type BoardKind, bootBoard, whyNoBoards } from "./board";
import { cannotRun } from "./can-run";
import { bootProgram, processesNaming, startBoot } from "./processes";

const bootMilliseconds = 600_000; // the first time, everything is downloaded and built

const driverOf = (device: string) => `basename "$(readlink /sys/bus/${device}/driver)"`;
const bootId = "cat /proc/sys/kernel/random/boot_id";

describe("boards", async () => {
  const why = await whyNoBoards();
  if (why !== undefined) return cannotRun(why);

  describe("arm64", () => {
    const booted = bootForAll("arm64");

    test("has PCI devices behind an IOMMU, and amba devices, each on its driver", async () => {
      const { board } = booted;
      expect(await board.shell(driverOf("pci/devices/0000:00:01.0"))).toBe("e1000e");
      expect(await board.shell(driverOf("amba/devices/9010000.pl031"))).toBe("rtc-pl031");
      expect(await board.shell(driverOf("platform/devices/a003c00.virtio_mmio"))).toBe("virtio-mmio");
      expect(await board.shell(driverOf("virtio/devices/$(basename /sys/devices/platform/a003c00.virtio_mmio/virtio?)"))).toBe(
        "virtio_rng",
      );
      expect(await board.shell(driverOf("virtio/devices/$(basename /sys/devices/platform/a003e00.virtio_mmio/virtio?)"))).toBe(
        "virtio_net",
      );
      expect(await board.shell("basename $(readlink /sys/bus/pci/devices/0000:00:01.0/iommu_group)")).toMatch(/^\d+$/);
      expect(await board.shell("ls /sys/class/iommu")).toContain("smmu3");
    });

    test("has vfio-pci, not loaded, and its e1000e moves there", async () => {
      const { board } = booted;
      expect(await board.shell("lsmod")).not.toContain("vfio");
      await board.shell("modprobe vfio-pci; cd /sys/bus/pci; echo vfio-pci >devices/0000:00:02.0/driver_override");
      await board.shell("cd /sys/bus/pci; echo 0000:00:02.0 >devices/0000:00:02.0/driver/unbind; echo 0000:00:02.0 >drivers/vfio-pci/bind");
      expect(await board.shell(driverOf("pci/devices/0000:00:02.0"))).toBe("vfio-pci");
    });

    test("shows stderr and exit code of a command that fails, and ends one that takes too long", async () => {
      const { board } = booted;
      await expect(board.shell("echo sorry >&2; exit 3")).rejects.toThrow(/exit code 3: sorry/);
      await expect(board.shell("sleep 30", { timeoutSeconds: 1 })).rejects.toThrow(/no answer within 1 s/);
    });

    test("stays the same board over a reset and a power cycle, with new boot ids", { timeout: bootMilliseconds }, async () => {
      const { board } = booted;
      const identity = await board.shell("cat /etc/machine-id");
      const boots = [await board.shell(bootId)];
      await board.reset();
      boots.push(await board.shell(bootId));
      await board.powerOff();
      await expect(board.shell("true")).rejects.toThrow();
      await board.powerOn();
      boots.push(await board.shell(bootId));
      expect(new Set(boots).size).toBe(3);
      expect(await board.shell("cat /etc/machine-id")).toBe(identity);
      expect((await board.consoleLog()).split("Linux version").length - 1).toBe(3);
    });
  });

  test("two boards of one kind are two boards: boot id, machine id and port are their own", { timeout: bootMilliseconds }, async () => {
    const boards: Board[] = [];
    try {
      for (const machineId of ["0123456789abcdef0123456789abcdef", ""]) boards.push(await bootBoard("arm64", { machineId }));
      const boots = await Promise.all(boards.map((board) => board.shell(bootId)));
      const identities = await Promise.all(boards.map((board) => board.shell("cat /etc/machine-id 2>/dev/null || echo none")));
      expect(new Set(boots).size).toBe(2);
      expect(identities).toEqual(["0123456789abcdef0123456789abcdef", "none"]);
      expect(boards[0]?.port).not.toBe(boards[1]?.port);
    } finally {
      await Promise.all(boards.map((board) => board.close()));
    }
  });

  describe("exynos", () => {
    const booted = bootForAll("exynos");

    test("has an I2C controller on s3c-i2c that can be unbound and bound again", async () => {
      const { board } = booted;
      expect(await board.shell(driverOf("platform/devices/13860000.i2c"))).toBe("s3c-i2c");
      await board.shell("echo 13860000.i2c >/sys/bus/platform/drivers/s3c-i2c/unbind");
      await expect(board.shell("readlink /sys/bus/platform/devices/13860000.i2c/driver")).rejects.toThrow(/exit code 1/);
      await board.shell("echo 13860000.i2c >/sys/bus/platform/drivers/s3c-i2c/bind");
      expect(await board.shell(driverOf("platform/devices/13860000.i2c"))).toBe("s3c-i2c");
    });

    test("is another boot after a reset", { timeout: bootMilliseconds }, async () => {
      const { board } = booted;
      const before = await board.shell(bootId);
      await board.reset();
      expect(await board.shell(bootId)).not.toBe(before);
    });
  });

  describe("x86", () => {
    const booted = bootForAll("x86");

    test("has PCI devices behind an IOMMU, each in a group of its own, and an NVMe disk", async () => {
      const { board } = booted;
      const devices = ["0000:00:10.0", "0000:00:12.0", "0000:00:13.0"];
      expect(await board.shell(driverOf("pci/devices/0000:00:10.0"))).toBe("e1000e");
      expect(await board.shell(driverOf("pci/devices/0000:00:13.0"))).toBe("nvme");
      for (const device of devices) expect(await board.shell(`ls /sys/bus/pci/devices/${device}/iommu_group/devices`)).toBe(device);
      expect(await board.shell("ls /sys/class/iommu")).toContain("dmar");
    });
  });

  const forkBoot = `require("node:child_process").fork(${JSON.stringify(bootProgram)}, ["arm64"], { execArgv: ["--import", "tsx"] })`;
  test.each([
    ["leaves no process behind when the test process is killed", ["--import", "tsx", bootProgram, "arm64"]],
    ["leaves no process behind when whoever forked the test process is killed", ["-e", forkBoot]],
  ])("%s", { timeout: bootMilliseconds }, async (_promise, nodeArguments) => {
    const { booted: killed, port } = await startBoot(nodeArguments);
    const [qemu = ""] = await processesNaming(`hostfwd=tcp:127.0.0.1:${port}-`);
    const folder = /devbind-board-\w+-\w+/.exec(qemu)?.[0] ?? expect.fail(`no folder in "${qemu}"`);
    expect((await processesNaming(folder)).length, "QEMU and the shared connection").toBeGreaterThanOrEqual(2);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    await expect.poll(() => processesNaming(folder), { timeout: 10_000 }).toEqual([]);
  });
});

/** A board for all tests of a block; its console's last lines are shown where it doesn't come up. */
function bootForAll(kind: BoardKind): { board: Board } {
  const booted = {} as { board: Board };
  beforeAll(async () => {
    booted.board = await bootBoard(kind, { onProgress: (line) => console.log(line) });
  }, bootMilliseconds);
  afterAll(async () => {
    await booted.board?.close();
    expect(await processesNaming(`hostfwd=tcp:127.0.0.1:${booted.board?.port}-`)).toEqual([]);
  });
  return booted;
}
