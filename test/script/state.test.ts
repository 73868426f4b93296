import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { Device } from "./kernel";
import { bootId } from "./processes";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";

const made = useBoard();
const path = (...parts: string[]) => join(made.board.root, ...parts);

function addDevice(name = "dev0"): Device {
  const { kernel } = made.board;
  kernel.addDriver("platform", "a");
  kernel.addDriver("platform", "b");
  return kernel.addDevice({ bus: "platform", name, driver: "a", override: null, matches: ["a", "b"] });
}

async function expectRefused(shell: Shell, why: string): Promise<void> {
  const { board } = made;
  const { outcome, isComplete, devices } = await board.apply(shell, { wishes: [{ device: addDevice(), driver: "b", claim: "take" }] });
  expect({ outcome, isComplete }, why).toEqual({ outcome: { is: "refused", problem: "state" }, isComplete: true });
  expect(devices, why).toHaveLength(1);
  expect(board.kernel.writes, why).toEqual([]);
}

const mounts = (...lines: string[]) =>
  made.board.write("proc/mounts", ["/dev/root / ext4 rw 0 0", "sysfs /sys sysfs rw 0 0", ...lines, ""].join("\n"));

inEveryShell((shell) => {
  promise(shell, "keeps its state in the first of /run, /var/run, /dev/shm and /tmp that is in memory, and nowhere else", async () => {
    mounts("tmpfs /dev/shm tmpfs rw 0 0", "tmpfs /tmp tmpfs rw 0 0");
    const { board, outcome } = await made.board.apply(shell, { wishes: [{ device: addDevice(), driver: "b" }] });
    expect(outcome.is).toBe("done");
    expect(board.state).toContain("/dev/shm/devbind/");
    expect(readdirSync(path("dev/shm/devbind"))).toEqual([bootId]);
    expect([readdirSync(path("run")), readdirSync(path("tmp"))]).toEqual([[], []]);
  });

  promise(shell, "refuses before the first write where no such folder is in memory", async () => {
    mounts();
    await expectRefused(shell, "all on flash");
    rmSync(path("run"), { recursive: true });
    mounts("tmpfs /run tmpfs rw 0 0");
    await expectRefused(shell, "/run is missing");
  });

  promise(shell, "refuses a folder that somebody else made, and a link in its place", async () => {
    mkdirSync(path("run/devbind"));
    chownSync(path("run/devbind"), 12345, 12345);
    await expectRefused(shell, "of another user");
    rmSync(path("run/devbind"), { recursive: true });
    mkdirSync(path("elsewhere"));
    symlinkSync(path("elsewhere"), path("run/devbind"));
    await expectRefused(shell, "a link");
    expect(readdirSync(path("elsewhere"))).toEqual([]);
    chownSync(path("run"), 12345, 12345);
    rmSync(path("run/devbind"));
    await expectRefused(shell, "in a folder of another user");
  });

  promise(shell, "drops what another boot left, as if it had never been", async () => {
    const { board } = made;
    const device = addDevice();
    board.write("run/devbind/another-boot/claim.platform,dev0", "devbind-claim 1\nclaimant other\nend 4\n");
    board.write("run/devbind/another-boot/journal.x", "devbind-journal 1\nwriter 1.1.another-boot\ndevice platform,dev0,-,-,-,-\nend 1\n");
    expect((await board.look(shell, { bus: "platform", name: "dev0" })).devices[0]).toMatchObject({ journal: "-", claimant: "-" });
    expect((await board.apply(shell, { wishes: [{ device, driver: "b" }] })).outcome).toEqual({ is: "done" });
    expect(readdirSync(path("run/devbind"))).toEqual([bootId]);
  });

  promise(shell, "says that /sys cannot be written, as the mount that came last tells", async () => {
    const writable = async () => (await made.board.look(shell)).board.writable;
    mounts("sysfs /sys sysfs ro,nosuid 0 0");
    expect(await writable()).toBe("no");
    mounts("sysfs /sys sysfs ro,nosuid 0 0", "sysfs /sys sysfs rw 0 0", "x /sys/fs/cgroup cgroup2 ro 0 0");
    expect(await writable()).toBe("yes");
  });
});

/** A real tmpfs of a few pages as the board's /run, filled until `left` bytes are left. */
async function withFullRun(left: number, test: () => Promise<void>): Promise<void> {
  const pages = 16;
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${pages * 4096},mode=755`, `devbind-full-${process.pid}`, path("run")]);
  expect(mounted.status, "a tmpfs can be mounted").toBe(0);
  try {
    writeFileSync(path("run/filler"), Buffer.alloc(pages * 4096 - left));
    await test();
  } finally {
    spawnSync("umount", ["-l", path("run")]);
  }
}

describe("a state folder that is full", () => {
  promise(dash, "refuses before the first write, however few pages are left", async () => {
    for (const pages of [0, 1, 2, 3]) {
      made.board.reset();
      await withFullRun(pages * 4096, async () => {
        const device = addDevice();
        const { outcome } = await made.board.apply(dash, { wishes: [{ device, driver: "b", claim: "take" }] });
        const isDone = outcome.is === "done";
        if (!isDone) expect(outcome).toEqual({ is: "refused", problem: "state" });
        expect({ pages, writes: made.board.kernel.writes.length, driver: device.driver }).toEqual(
          isDone ? { pages, writes: 2, driver: "b" } : { pages, writes: 0, driver: "a" },
        );
      });
    }
  });

  promise(dash, "keeps the outcome also when the room goes between the first write and the last", async () => {
    for (const refuses of [undefined, { b: 22 }]) {
      made.board.reset();
      await withFullRun(4096 * 8, async () => {
        const device = Object.assign(addDevice(), { refuses });
        made.board.kernel.trap.before = (_, __, count) => {
          if (count === 1) fill();
          return undefined;
        };
        const { outcome } = await made.board.apply(dash, { id: "full", wishes: [{ device, driver: "b", claim: "take" }] });
        expect(outcome.is).toBe(refuses ? "undone" : "done");
        expect(device.driver).toBe(refuses ? "a" : "b");
        truncateSync(path("run/filler"));
        expect((await made.board.outcome(dash, "full")).is).toBe(refuses ? "undone" : "done");
        expect((await made.board.apply(dash, { wishes: [{ device, driver: null }] })).outcome.is).toBe("done");
        expect((await made.board.outcome(dash, "full")).is).toBe(refuses ? "undone" : "done");
      });
    }
  });
});

/** Takes every page that is left. */
function fill(): void {
  for (let index = 0; index < 20; index++) {
    try {
      writeFileSync(path(`run/filler${index}`), Buffer.alloc(4096));
    } catch {
      rmSync(path(`run/filler${index}`), { force: true });
    }
  }
}
