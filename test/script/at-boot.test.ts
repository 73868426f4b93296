import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { addCard, fileOf, keeping, keptFiles, reboot, runAtBoot, runSystemd } from "./kept";
import type { Device } from "./kernel";
import { claimant } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash } from "./shells";
import { addEdu, addIdDrivers, eduId } from "./twins";

/** at-boot.sh on a made board: what a boot finds, and what it leaves. */

const made = useBoard();

/** A file as a transaction writes it, with what differs. */
function file(device: Device, wish: string, lines: string[] = [], modalias = device.modalias ?? "-"): void {
  const head = ["devbind-persist 1", `device ${device.bus},${device.name}`, `claimant ${claimant}`, "driver e1000e", "override -"];
  const all = [...head, "transaction t1", `wish ${wish}`, `modalias ${modalias}`, ...lines];
  made.board.write(`etc/devbind/persist.${device.bus},${device.name}`, `${all.join("\n")}\nend ${all.length}\n`);
}

const claimOf = (device: Device) => readFileSync(join(made.board.state, `claim.${device.bus},${device.name}`), "utf8");
const lines = (said: string) => said.trimEnd().split("\n").sort();

const plainCard = (more: Partial<Device> = {}) => addCard(made.board, { modalias: "pci:v1", ...more });

inEveryShell((shell) => {
  promise(shell, "brings each device to its driver, whatever becomes of the others, and says in words what did not work", async () => {
    const { board } = made;
    runSystemd(board);
    const [good, refused] = [plainCard(), plainCard({ name: "0000:00:04.0", refuses: { "vfio-pci": 22 } })];
    const [other, missing] = [plainCard({ name: "0000:00:05.0" }), { ...good, name: "0000:00:06.0" }];
    const [broken, nobodys] = [plainCard({ name: "0000:00:07.0" }), plainCard({ name: "0000:00:08.0" })];
    for (const card of [good, refused, missing, broken]) file(card, "vfio-pci,vfio-pci");
    file(other, "vfio-pci,vfio-pci", [], "pci:v2");
    file(nobodys, "nobody,nobody");
    board.write("etc/devbind/persist.pci,0000:00:07.0", "devbind-persist 1\ndevice pci,0000:00:07.0\nwish vfio-pci,vfio-pci\n");
    expect(lines(await runAtBoot(board, shell))).toEqual([
      `${board.root}/etc/devbind/persist.pci,0000:00:07.0 is not whole, and is passed over`,
      "pci 0000:00:03.0: has the driver vfio-pci",
      "pci 0000:00:04.0: cannot have the driver vfio-pci (Invalid argument), and has e1000e",
      "pci 0000:00:05.0: is not the device that it was (its modalias is pci:v1, not pci:v2), and is left alone",
      "pci 0000:00:06.0: is not there, and is left alone",
      expect.stringMatching(/^pci 0000:00:08.0: cannot have the driver nobody \(.+\), and has e1000e$/),
    ]);
    expect([good, refused, other, broken, nobodys].map(({ driver, override }) => [driver, override])).toEqual([
      ["vfio-pci", "vfio-pci"],
      ...Array<unknown>(4).fill(["e1000e", null]),
    ]);
    expect([claimOf(good), existsSync(join(board.state, "claim.pci,0000:00:05.0"))]).toEqual([
      `devbind-claim 1\nclaimant ${claimant}\ndriver e1000e\noverride -\ntransaction t1\nend 4\n`,
      false,
    ]);
    expect(board.stateFiles().filter((name) => name.startsWith("new"))).toEqual([]);
  });

  promise(shell, "keeps a device without a driver, waits for udev before that, and writes nothing to one that is right", async () => {
    const { board } = made;
    runSystemd(board);
    board.write("bin/udevadm", `#!/bin/sh\necho "$*" >>'${board.root}/udev'\n`, 0o755);
    const [free, right] = [plainCard({ override: "stub" }), plainCard({ name: "0000:00:04.0" })];
    const serio = addCard(board, { bus: "serio", name: "serio0", override: undefined, driver: "atkbd", matches: ["atkbd"] });
    for (const driver of ["atkbd", "raw"]) board.kernel.addDriver("serio", driver);
    file(free, "-,-");
    file(right, "e1000e,-");
    file(serio, "-,-unsupported", [], "pci:v00008086d000010D3%2A");
    expect(lines(await runAtBoot(board, shell))).toEqual([
      "pci 0000:00:03.0: has no driver",
      "pci 0000:00:04.0: has the driver e1000e",
      "serio serio0: has no driver",
    ]);
    expect([free.driver, free.override, serio.driver]).toEqual([null, null, null]);
    expect(readFileSync(join(board.root, "udev"), "utf8")).toContain("settle --timeout=30\n");
    expect(board.kernel.writes.filter(({ path }) => path.includes("04.0"))).toEqual([]);
  });

  promise(shell, "gives a driver the id again, and claims it, with modules and the network interface, as a transaction would", async () => {
    const { board } = made;
    runSystemd(board);
    if (shell.name !== "busybox ash") board.write("bin/modprobe", `#!/bin/sh\necho "$*" >>'${board.root}/modprobes'\n`, 0o755);
    addIdDrivers(board);
    const edu = addEdu(board, { modalias: "pci:edu" });
    board.kernel.addFile("module/there/initstate", "live\n");
    const id = `pci,stub,${eduId.replaceAll(" ", "%20")}`;
    const more = [
      "module vfio,enable_unsafe_noiommu_mode%3D1",
      "module there",
      "interface pci,0000:00:03.0,eth7",
      `id ${id}`,
      "modules irqbypass,there",
    ];
    file(edu, "stub,-unsupported", more);
    const said = lines(await runAtBoot(board, shell)).filter((line) => !line.includes("cannot be loaded"));
    expect(said).toEqual(["pci 0000:00:03.0: has the driver stub"]);
    expect(board.kernel.idsOf("pci", "stub").written).toEqual([eduId]);
    expect(claimOf(edu)).toMatch(/\ninterface pci,0000:00:03\.0,eth7,\d+\nid pci,stub,1234%2011e8.*\nmodules irqbypass,vfio\nend 4\n$/);
    if (shell.name !== "busybox ash")
      expect(readFileSync(join(board.root, "modprobes"), "utf8")).toBe("-- vfio enable_unsafe_noiommu_mode=1\n-- there\n");
  });

  promise(shell, "runs nothing that a file tells, and leads to no other path", async () => {
    const { board } = made;
    runSystemd(board);
    const card = plainCard();
    const mark = join(board.root, "was-run");
    const code = `$(touch ${mark})\`touch ${mark}\`;touch ${mark}`.replaceAll(" ", "%20");
    file(card, `${code},${code}`, [`module ${code}`, `id pci,${code},${code}`, `modules ${code}`, `interface ${code}`]);
    file({ ...card, name: `x;touch%20${mark.replaceAll("/", "%2F")}` }, "vfio-pci,vfio-pci");
    file({ ...card, bus: "a" }, "vfio-pci,vfio-pci");
    board.write(
      "etc/devbind/persist.pci,dots",
      "devbind-persist 1\ndevice pci,..%2Fdevices%2F0000:00:03.0\nwish vfio-pci,vfio-pci\nmodalias pci:v1\nend 4\n",
    );
    await runAtBoot(board, shell);
    expect([existsSync(mark), card.driver, card.override]).toEqual([false, "e1000e", null]);
  });
});

describe("the disk that the board runs from", () => {
  const disk = (board: typeof made.board) => {
    const device = plainCard();
    board.kernel.addFile("devices/platform/0000:00:03.0/block/sda/sda1/dev", "8:1\n");
    board.kernel.addFile("devices/platform/0000:00:03.0/block/sda/dev", "8:0\n");
    for (const [name, path] of [
      ["sda", "block/sda"],
      ["sda1", "block/sda/sda1"],
    ])
      board.kernel.addLink(`class/block/${name}`, `devices/platform/0000:00:03.0/${path}`);
    file(device, "vfio-pci,vfio-pci");
    return device;
  };
  const uses: [title: string, disk: string, make: () => void][] = [
    ["that is mounted", "sda1", () => made.board.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/root rw\n")],
    ["that is mounted by a number of its file system's own", "sda1", () => made.board.write("proc/mounts", "/dev/sda1 / btrfs rw 0 0\n")],
    ["that is swapped to", "sda", () => made.board.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sda partition 1 0 -2\n")],
    [
      "that others are made of",
      "sda1",
      () => made.board.kernel.addFile("devices/platform/0000:00:03.0/block/sda/sda1/holders/dm-0/dev", "253:0\n"),
    ],
  ];
  for (const [title, name, make] of uses) {
    promise(dash, `is never taken: one ${title}`, async () => {
      runSystemd(made.board);
      const device = disk(made.board);
      make();
      expect(await runAtBoot(made.board, dash)).toBe(`pci 0000:00:03.0: carries the disk ${name}, which is in use, and is left alone\n`);
      expect([device.driver, made.board.kernel.writes]).toEqual(["e1000e", []]);
    });
  }

  promise(dash, "is one of several ways to an NVMe subsystem", async () => {
    const { board } = made;
    runSystemd(board);
    const device = plainCard();
    board.kernel.addFile("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/dev", "259:0\n");
    board.kernel.addLink("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0", "devices/platform/0000:00:03.0/nvme/nvme0");
    board.kernel.addFile("devices/platform/0000:00:03.0/nvme/nvme0/state", "live\n");
    board.kernel.addLink("class/block/nvme0n1", "devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
    board.write("proc/self/mountinfo", "22 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
    file(device, "vfio-pci,vfio-pci");
    expect(await runAtBoot(board, dash)).toContain("carries the disk nvme0n1");
    expect(device.driver).toBe("e1000e");
  });

  promise(dash, "is not one that nobody uses", async () => {
    runSystemd(made.board);
    const device = disk(made.board);
    await runAtBoot(made.board, dash);
    expect(device.driver).toBe("vfio-pci");
  });
});

describe("a change that the power cut", () => {
  promise(dash, "is undone at the next boot: what was kept before is back, what was new is gone", async () => {
    const { board } = made;
    runSystemd(board);
    const [card, second] = [plainCard(), plainCard({ name: "0000:00:04.0" })];
    await board.apply(dash, { id: "old", ...keeping(card, "stub") });
    const before = fileOf(board, card);
    board.write("etc/devbind/undecided.t1", "devbind-undecided 1\n");
    board.write("etc/devbind/replaced.t1.pci,0000:00:03.0", before ?? "");
    for (const one of [card, second]) file(one, "vfio-pci,vfio-pci");
    const said = await reboot(board, dash, card, second);
    expect(lines(said)).toEqual([
      "pci 0000:00:03.0: has the driver stub",
      "the change t1 was cut off by the end of the last boot, and is undone",
    ]);
    expect([fileOf(board, card), fileOf(board, second), second.driver]).toEqual([before, undefined, "e1000e"]);
    expect(keptFiles(board).filter((name) => /^(undecided|replaced)/.test(name))).toEqual([]);
  });
});
