import { mkdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import {
  addCard,
  atBootText,
  dropping,
  fileOf,
  hasUnit,
  keeping,
  keptFiles,
  keptPath,
  reboot,
  runAtBoot,
  runSystemd,
  unitText,
} from "./kept";
import type { Device } from "./kernel";
import { applyItems, claimant } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";

const made = useBoard();
const all = ["at-boot.sh", "devbind.service", "persist.pci,0000:00:03.0"];

const asked = ({ bus, name }: Device) => ({ bus, name, driver: "vfio-pci", module: "vfio-pci" });

/** The line of a look that asks what is kept. */
async function look(shell: Shell, device: Device): Promise<Record<string, string | undefined>> {
  const items = [
    ["device", device.bus, device.name, "vfio-pci", "vfio-pci"],
    ["persist", "0"],
  ];
  const { board, devices } = await made.board.ask(shell, "look", items).done;
  return { ...devices[0], lasts: board.lasts, unit: board.unit };
}

async function scene(shell: Shell): Promise<Device> {
  runSystemd(made.board);
  made.board.hurry();
  const card = addCard(made.board);
  expect((await made.board.apply(shell, { id: "k1", ...keeping(card, "vfio-pci") })).outcome).toEqual({ is: "done" });
  return card;
}

inEveryShell((shell) => {
  promise(
    shell,
    "writes what is frozen, and what reads it at boot; a look finds it right, one that does not ask finds it whole",
    async () => {
      const { board } = made;
      const card = await scene(shell);
      expect(fileOf(board, card)).toBe(
        `devbind-persist 1\n# Kept over reboots by pulumi-devbind: at-boot.sh beside it reads it. It goes with its binding.\n` +
          `device pci,0000:00:03.0\nclaimant ${claimant}\ndriver e1000e\noverride -\ntransaction k1\nwish vfio-pci,vfio-pci\n` +
          "modalias pci:v00008086d000010D3%2A\nend 9\n",
      );
      expect(keptFiles(board)).toEqual(all);
      expect([readFileSync(keptPath(board, "at-boot.sh"), "utf8"), readFileSync(keptPath(board, "devbind.service"), "utf8")]).toEqual([
        atBootText,
        unitText,
      ]);
      for (const folder of ["system", "system/sysinit.target.wants"])
        expect(readlinkSync(join(board.root, `etc/systemd/${folder}/devbind.service`))).toBe("/etc/devbind/devbind.service");
      expect(await look(shell, card)).toMatchObject({
        ...{
          lasts: "yes",
          unit: "right",
          kept: "right",
          keptBy: claimant,
          keptDriver: "vfio-pci",
          keptOverride: "vfio-pci",
          coOwners: "-",
        },
      });
      const plain = await board.look(shell, asked(card));
      expect([plain.devices[0]?.kept, plain.board.lasts]).toEqual(["whole", undefined]);
    },
  );

  promise(shell, "brings the device to its driver at the next boot, with its claim; and does nothing more in that boot", async () => {
    const { board } = made;
    const card = await scene(shell);
    expect(await reboot(board, shell, card)).toBe("pci 0000:00:03.0: has the driver vfio-pci\n");
    expect(card).toMatchObject({ driver: "vfio-pci", override: "vfio-pci" });
    expect(readFileSync(join(board.state, "claim.pci,0000:00:03.0"), "utf8")).toBe(
      `devbind-claim 1\nclaimant ${claimant}\ndriver e1000e\noverride -\ntransaction k1\nend 4\n`,
    );
    expect(await look(shell, card)).toMatchObject({ driver: "vfio-pci", kept: "right", claimDriver: "e1000e" });
    card.driver = "e1000e";
    expect(await runAtBoot(board, shell)).toBe("has run in this boot already: nothing is done\n");
    expect(card.driver).toBe("e1000e");
  });

  promise(shell, "takes all of it away with the last binding, and the next boot is as before", async () => {
    const { board } = made;
    const card = await scene(shell);
    const second = addCard(board, { name: "0000:00:04.0" });
    expect((await board.apply(shell, keeping(second, "stub"))).outcome.is).toBe("done");
    expect((await board.apply(shell, dropping(card, claimant))).outcome.is).toBe("done");
    expect([keptFiles(board), hasUnit(board)]).toEqual([["at-boot.sh", "devbind.service", "persist.pci,0000:00:04.0"], true]);
    expect((await board.apply(shell, dropping(second, claimant))).outcome.is).toBe("done");
    expect(keptFiles(board)).toEqual([]);
    expect(() => readFileSync(keptPath(board))).toThrow("ENOENT");
    expect(() => readlinkSync(join(board.root, "etc/systemd/system/devbind.service"))).toThrow("ENOENT");
  });

  promise(shell, "is as it was when the transaction is undone", async () => {
    const { board } = made;
    const card = await scene(shell);
    const before = fileOf(board, card);
    card.refuses = { stub: 22 };
    expect((await board.apply(shell, keeping(card, "stub", claimant))).outcome.is).toBe("undone");
    expect([fileOf(board, card), keptFiles(board)]).toEqual([before, all]);
    const afterwards = { ...keeping(card, "e1000e", claimant), afterRebind: ["false"] };
    expect((await board.apply(shell, afterwards)).outcome.problem).toBe("after");
    expect((await board.apply(shell, { ...dropping(card, claimant), afterRebind: ["false"] })).outcome.problem).toBe("after");
    expect([fileOf(board, card), keptFiles(board), card.driver]).toEqual([before, all, "vfio-pci"]);
  });

  promise(shell, "is undone whole where it was the first of its board", async () => {
    const { board } = made;
    runSystemd(board);
    const card = addCard(board, { refuses: { "vfio-pci": 22 } });
    expect((await board.apply(shell, keeping(card, "vfio-pci"))).outcome.is).toBe("undone");
    expect([keptFiles(board), card.driver]).toEqual([[], "e1000e"]);
    expect(() => readlinkSync(join(board.root, "etc/systemd/system/devbind.service"))).toThrow("ENOENT");
  });

  promise(shell, "writes only the file where the device is right already, and nothing of the kernel's", async () => {
    const { board } = made;
    const card = await scene(shell);
    board.kernel.writes = [];
    expect((await board.apply(shell, { id: "k2", ...keeping(card, "vfio-pci", claimant) })).outcome).toEqual({ is: "done" });
    expect(board.kernel.writes).toEqual([]);
    expect(fileOf(board, card)).toContain("transaction k2\n");
    expect(keptFiles(board)).toEqual(all);
  });

  promise(shell, "tells what is broken, changed or another's, and moves on to it only by the plan that saw it", async () => {
    const { board } = made;
    const card = await scene(shell);
    const right = fileOf(board, card) ?? "";
    const path = "etc/devbind/persist.pci,0000:00:03.0";
    for (const broken of [right.slice(0, -2), right.slice(0, 40), `${right}more\n`, "", "# mine\n", right.replace("1", "2")]) {
      board.write(path, broken);
      expect((await look(shell, card)).kept, JSON.stringify(broken)).toBe("broken");
    }
    board.write(path, right.replace("d000010D3", "d000010D4"));
    expect(await look(shell, card)).toMatchObject({ kept: "whole", unit: "right" });
    board.write(path, right.replace(claimant, "other"));
    expect(await look(shell, card)).toMatchObject({ kept: "right", keptBy: "other" });
    expect((await board.apply(shell, keeping(card, "vfio-pci", claimant))).outcome).toEqual({ is: "moved", device: "0" });
    expect((await board.apply(shell, keeping(card, "vfio-pci", "other"))).outcome.is).toBe("done");
    for (const name of ["at-boot.sh", "devbind.service"]) {
      board.write(`etc/devbind/${name}`, "other\n");
      expect((await look(shell, card)).unit).toBe("wrong");
      expect((await board.apply(shell, keeping(card, "vfio-pci", claimant))).outcome.is).toBe("done");
      expect((await look(shell, card)).unit).toBe("right");
    }
    board.remove("etc/systemd/system/sysinit.target.wants/devbind.service");
    expect((await look(shell, card)).unit).toBe("wrong");
  });

  promise(
    shell,
    "tells modules with their parameters and the network interface as they are asked for, and what is loaded by its own name",
    async () => {
      const { board } = made;
      runSystemd(board);
      const card = addCard(board);
      board.kernel.addLink("class/net/eth7/device", "devices/platform/0000:00:03.0");
      board.kernel.addLink("bus/pci/drivers/vfio-pci/module", "module/vfio_pci_core");
      const parameters = [
        ["parameter", "0", "vfio", "enable_unsafe_noiommu_mode", "1"],
        ["parameter", "0", "-", "disable_idle_d3", "1"],
        ["parameter", "0", "vfio-pci-core", "ids", "8086:10d3%2C1234:11e8"],
      ];
      const { wishes, extras = [] } = keeping(card, "vfio-pci", null, { selector: ["networkInterface", "eth7"] });
      const items = applyItems({ id: "m1", timeoutSeconds: 200, wishes, extras: [...parameters, ...extras] });
      const withModule = items.map((item) => (item[0] === "device" ? [...item.slice(0, 4), "vfio-pci", ...item.slice(5)] : item));
      expect((await board.ask(shell, "apply", withModule).done).outcome).toEqual({ is: "done" });
      expect(fileOf(board, card)?.split("\n").slice(8)).toEqual([
        "modalias pci:v00008086d000010D3%2A",
        "module vfio,enable_unsafe_noiommu_mode%3D1",
        "module vfio_pci_core,disable_idle_d3%3D1,ids%3D8086:10d3%2C1234:11e8",
        "interface pci,0000:00:03.0,eth7",
        "end 12",
        "",
      ]);
      const asking = [
        ["selector", "networkInterface", "eth7"],
        ["device", "pci", "-", "vfio-pci", "vfio-pci"],
        ...parameters,
        ["persist", "0"],
      ];
      expect((await board.ask(shell, "look", asking).done).devices[0]?.kept).toBe("right");
      const other = asking.map((item) => (item[2] === "vfio" ? [...item.slice(0, 4), "0"] : item));
      expect((await board.ask(shell, "look", other).done).devices[0]?.kept).toBe("whole");
    },
  );
});

describe("a board that keeps nothing over a reboot", () => {
  const cases: [title: string, lasts: string, mounts: string, hasSystemd?: boolean][] = [
    ["without systemd", "systemd", "/dev/root / ext4 rw 0 0", false],
    ["with a root that is read-only", "readonly", "/dev/root / squashfs ro,relatime 0 0"],
    ["with an /etc that is mounted read-only", "readonly", "/dev/root / ext4 rw 0 0\n/dev/root /etc ext4 ro 0 0"],
    ["that runs from its initramfs", "memory", "rootfs / rootfs rw 0 0"],
    ["with /etc on a tmpfs", "memory", "/dev/root / ext4 rw 0 0\ntmpfs /etc tmpfs rw 0 0"],
    [
      "with an overlay in memory",
      "memory",
      "tmpfs /run/rw tmpfs rw 0 0\noverlay / overlay rw,lowerdir=/a,upperdir=/run/rw/u,workdir=/w 0 0",
    ],
    ["with an overlay whose upper folder is out of sight", "unknown", "overlay / overlay rw,lowerdir=/a,upperdir=/cow/u,workdir=/w 0 0"],
  ];
  for (const [title, lasts, mounts, hasSystemd = true] of cases) {
    promise(dash, `${title}, tells so, and refuses before the first write`, async () => {
      const { board } = made;
      if (hasSystemd) runSystemd(board);
      const card = addCard(board);
      mkdirSync(join(board.root, "run/rw/u"), { recursive: true });
      board.write("proc/mounts", `${mounts}\nsysfs /sys sysfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n`);
      expect((await look(dash, card)).lasts).toBe(lasts);
      expect((await board.apply(dash, keeping(card, "vfio-pci"))).outcome).toEqual({ is: "refused", problem: "persist" });
      expect([board.kernel.writes, keptFiles(board), card.driver]).toEqual([[], [], "e1000e"]);
    });
  }

  promise(dash, "keeps on an overlay whose upper folder lies on a disk", async () => {
    const { board } = made;
    runSystemd(board);
    mkdirSync(join(board.root, "data/etc"), { recursive: true });
    board.write(
      "proc/mounts",
      "/dev/root / squashfs ro 0 0\n/dev/sda2 /data ext4 rw 0 0\noverlay /etc overlay rw,lowerdir=/etc,upperdir=/data/etc,workdir=/data/w 0 0\ntmpfs /run tmpfs rw 0 0\n",
    );
    expect((await look(dash, addCard(board))).lasts).toBe("yes");
  });

  promise(dash, "refuses before the first write where /etc takes no file", async () => {
    const { board } = made;
    runSystemd(board);
    const card = addCard(board);
    board.write("etc/devbind", "in the way");
    expect((await board.apply(dash, keeping(card, "vfio-pci"))).outcome).toEqual({ is: "refused", problem: "persist" });
    board.remove("etc/devbind");
    board.write("bin/mv", '#!/bin/sh\ncase $2 in *etc/devbind/*) exit 1 ;; esac\nexec /bin/mv "$@"\n', 0o755);
    expect((await board.apply(dash, keeping(card, "vfio-pci"))).outcome).toEqual({ is: "refused", problem: "persist" });
    expect([board.kernel.writes, keptFiles(board)]).toEqual([[], []]);
  });

  promise(dash, "never touches a unit of that name that is masked or somebody else's", async () => {
    const { board } = made;
    runSystemd(board);
    const card = addCard(board);
    symlinkSync("/dev/null", join(board.root, "etc/systemd/system/devbind.service"));
    expect((await look(dash, card)).unit).toBe("foreign");
    expect((await board.apply(dash, keeping(card, "vfio-pci"))).outcome).toEqual({ is: "refused", problem: "persist" });
    board.remove("etc/systemd/system/devbind.service");
    board.write("etc/systemd/system/devbind.service", "[Unit]\n");
    expect((await look(dash, card)).unit).toBe("foreign");
    expect((await board.apply(dash, keeping(card, "vfio-pci"))).outcome).toEqual({ is: "refused", problem: "persist" });
    expect([board.kernel.writes, keptFiles(board)]).toEqual([[], []]);
    expect(readFileSync(join(board.root, "etc/systemd/system/devbind.service"), "utf8")).toBe("[Unit]\n");
  });
});

describe("a device that is gone", () => {
  promise(dash, "is kept no more once its binding is given up, and only by the one for whom it was kept", async () => {
    const { board } = made;
    const card = await scene(dash);
    board.kernel.removeDevice(card);
    const gone = { wishes: [], steps: [], timeoutSeconds: 200, left: [card] };
    expect((await board.apply(dash, { ...gone, claimant: "other" })).outcome).toEqual({ is: "done" });
    expect(keptFiles(board)).toEqual(all);
    expect((await board.apply(dash, gone)).outcome).toEqual({ is: "done" });
    expect(keptFiles(board)).toEqual([]);
  });
});

describe("co-owners", () => {
  promise(dash, "are driverctl's file for the device, and a udev rule that names it and the override", async () => {
    const { board } = made;
    const card = await scene(dash);
    const rule = 'ACTION=="add", KERNEL=="0000:00:03.0", ATTR{driver_override}="stub"\n';
    board.write("etc/driverctl.d/pci-0000:00:03.0", "vfio-pci\n");
    board.write("etc/driverctl.d/pci-0000:00:04.0", "vfio-pci\n");
    board.write("etc/udev/rules.d/10-a rule.rules", rule);
    board.write("etc/udev/rules.d/11-other.rules", rule.replace("03.0", "04.0"));
    board.write("etc/udev/rules.d/12-name.rules", 'KERNEL=="0000:00:03.0", MODE="0600"\n');
    board.write("usr/lib/udev/rules.d/60-b.rules", rule);
    symlinkSync("usr/lib", join(board.root, "lib"));
    const { coOwners } = await look(dash, card);
    expect(coOwners).toBe("/etc/driverctl.d/pci-0000:00:03.0,/etc/udev/rules.d/10-a%20rule.rules,/usr/lib/udev/rules.d/60-b.rules");
  });
});
