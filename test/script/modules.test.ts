import { constants } from "node:os";
import { describe, expect } from "vitest";
import { decode, encode } from "../../provider/board/protocol";
import { addCard, toVfio } from "./card";
import type { Device } from "./kernel";
import { MadeModules } from "./made-modules";
import { killNow, until, writerOf } from "./processes";
import { lookItems, type Step, stepsFor, type Transaction } from "./requests";
import { promise, useBoard } from "./setup";
import { dash, shells } from "./shells";

const made = useBoard();
const { EINVAL } = constants.errno;
/** busybox ash has a modprobe of its own, which no test may let loose on this machine's kernel. */
const own = shells.filter(({ name }) => name !== "busybox ash");

/** A board with vfio's modules on it, none loaded, and a card. */
function scene(more: Partial<Device> = {}): { modules: MadeModules; card: Device } {
  const modules = new MadeModules(made.board, {
    vfio: { parameters: { enable_unsafe_noiommu_mode: "N" } },
    vfio_pci_core: { needs: ["vfio"] },
    vfio_pci: { needs: ["vfio_pci_core"], parameters: { disable_idle_d3: "N", ids: "" }, drivers: ["pci/vfio-pci"] },
    locked: { refused: { modprobe: "modprobe: ERROR: could not insert 'locked': Operation not permitted", log: "Lockdown: modprobe" } },
  });
  const card = addCard(made.board.kernel, more);
  made.board.kernel.remove("bus/pci/drivers/vfio-pci");
  return { modules, card };
}

const parameter = (module: string | null, name: string, value: string) => ["parameter", "0", ...[module, name, value].map(encode)];

/** Vfio's modules and the card to it, as a plan words it. */
function toVfioWith(card: Device, parameters: string[][] = [], modules = ["vfio-pci"]): Transaction {
  const { wishes } = toVfio(card, { claim: "take" });
  const steps: Step[] = [...modules.map((value) => ({ device: 0, word: "module" as const, value })), ...stepsFor(wishes)];
  return { wishes, steps, extras: parameters };
}

const back = (card: Device): Transaction => ({ wishes: [{ device: card, driver: "e1000e", override: null, claim: "drop" }] });
const state = ({ driver, override }: Device) => ({ driver, override });
const before = { driver: "e1000e", override: null };

for (const shell of own)
  describe(shell.name, () => {
    promise(shell, "loads a module with its parameters, what it needs first, and unloads on the way back what it loaded", async () => {
      const { modules, card } = scene();
      const asked = [parameter("vfio", "enable_unsafe_noiommu_mode", "Y"), parameter("vfio_pci", "disable_idle_d3", "Y")];
      const { outcome, stderr } = await made.board.apply(shell, toVfioWith(card, asked, ["vfio", "vfio-pci"]));
      expect([outcome, stderr]).toEqual([{ is: "done" }, ""]);
      expect(modules.calls).toEqual(["load vfio enable_unsafe_noiommu_mode=Y", "load vfio-pci disable_idle_d3=Y"]);
      expect(card.driver).toBe("vfio-pci");
      expect((await made.board.apply(shell, back(card))).outcome).toEqual({ is: "done" });
      expect(modules.calls.slice(2)).toEqual(["rmmod vfio_pci", "rmmod vfio_pci_core", "rmmod vfio"]);
      expect([modules.loaded, state(card)]).toEqual([[], before]);
    });

    promise(shell, "unloads what it loaded where the driver refuses the device, and leaves what was loaded before", async () => {
      const { modules, card } = scene({ refuses: { "vfio-pci": EINVAL } });
      modules.load("vfio");
      expect((await made.board.apply(shell, toVfioWith(card))).outcome).toMatchObject({ is: "undone", word: "bind" });
      expect(modules.calls).toEqual(["load vfio-pci", "rmmod vfio_pci", "rmmod vfio_pci_core"]);
      expect([modules.loaded, state(card)]).toEqual([["vfio"], before]);
    });

    promise(shell, "unloads nothing that was there before, and no module whose driver has another device", async () => {
      const { modules, card } = scene();
      await made.board.apply(shell, toVfioWith(card));
      const other = made.board.kernel.addDevice({ bus: "pci", name: "other", driver: "vfio-pci", override: null, matches: [] });
      expect((await made.board.apply(shell, back(card))).outcome).toEqual({ is: "done" });
      expect([modules.loaded, other.driver]).toEqual([["vfio", "vfio_pci_core", "vfio_pci"], "vfio-pci"]);
      other.driver = null;
      await made.board.apply(shell, toVfioWith(card));
      expect((await made.board.apply(shell, back(card))).outcome).toEqual({ is: "done" });
      expect(modules.loaded).toEqual(["vfio", "vfio_pci_core", "vfio_pci"]);
    });

    promise(shell, "unloads what it loaded also where somebody gave the device back before, so that nothing is left to write", async () => {
      const { modules, card } = scene();
      await made.board.apply(shell, toVfioWith(card));
      Object.assign(card, before);
      const { wishes } = back(card);
      expect((await made.board.apply(shell, { wishes, steps: [] })).outcome).toEqual({ is: "done" });
      expect([modules.loaded, made.board.stateFiles().filter((name) => name.startsWith("claim."))]).toEqual([[], []]);
    });

    promise(shell, "is done where the module binds the device itself, by an override that was there", async () => {
      const { modules, card } = scene({ driver: null, override: "vfio-pci" });
      const { wishes } = toVfio(card, { claim: "take" });
      const steps: Step[] = [
        { device: 0, word: "module", value: "vfio-pci" },
        { device: 0, word: "bind", value: "vfio-pci" },
      ];
      expect((await made.board.apply(shell, { wishes, steps })).outcome).toEqual({ is: "done" });
      expect([modules.loaded.length, card.driver]).toEqual([3, "vfio-pci"]);
    });

    promise(shell, "is undone before any write where the module did not take its parameter, or shows no such one", async () => {
      for (const [name, kernel] of [
        ["nonsense", "vfio_pci.nonsense is hidden"],
        ["ids", "vfio_pci.ids is wrong (8086:1)"],
      ] as const) {
        made.board.reset();
        const { modules, card } = scene();
        if (name === "ids") made.board.write("bin/modprobe", loadsOthers(made.board.root), 0o755);
        const { outcome } = await made.board.apply(shell, toVfioWith(card, [parameter(null, name, "8086:2")]));
        expect(outcome).toMatchObject({ is: "undone", problem: "parameter", word: "module" });
        expect(decode(outcome.kernel ?? "")).toBe(kernel);
        expect([modules.loaded, made.board.kernel.writes.filter(({ path }) => !path.startsWith("made"))]).toEqual([[], []]);
      }
    });

    promise(shell, "quotes modprobe and the kernel's log where the kernel refuses the module", async () => {
      const { card } = scene();
      const { outcome } = await made.board.apply(shell, toVfioWith(card, [], ["locked"]));
      expect(outcome).toMatchObject({ is: "undone", problem: "module", word: "module", log: "Lockdown:%20modprobe" });
      expect(decode(outcome.kernel ?? "")).toBe("modprobe: ERROR: could not insert 'locked': Operation not permitted");
    });

    promise(shell, "tells of each parameter what it is now, or what becomes of it", async () => {
      const { modules, card } = scene();
      const items = [...lookItems([{ bus: card.bus, name: card.name, driver: "vfio-pci", module: "vfio-pci" }])];
      const asked = [
        parameter("vfio", "enable_unsafe_noiommu_mode", "1"),
        parameter(null, "disable_idle_d3", "1"),
        parameter(null, "nonsense", "0x10"),
      ];
      const told = async () => (await made.board.ask(shell, "look", [...items, ...asked]).done).devices[0]?.parameters?.split(",");
      expect(await told()).toEqual([
        "vfio;enable_unsafe_noiommu_mode;unloaded;-",
        "vfio_pci;disable_idle_d3;unloaded;-",
        "vfio_pci;nonsense;none;-",
      ]);
      modules.load("vfio_pci", { disable_idle_d3: "Y" });
      made.board.kernel.addFile("module/vfio_pci/parameters/nonsense", "16,0,0\n");
      expect(await told()).toEqual([
        "vfio;enable_unsafe_noiommu_mode;wrong;N",
        "vfio_pci;disable_idle_d3;right;Y",
        "vfio_pci;nonsense;right;16%2C0%2C0",
      ]);
      made.board.kernel.remove("module/vfio/initstate");
      made.board.kernel.remove("module/vfio_pci/parameters/nonsense");
      expect(await told()).toEqual([
        "vfio;enable_unsafe_noiommu_mode;fixed;N",
        "vfio_pci;disable_idle_d3;right;Y",
        "vfio_pci;nonsense;hidden;-",
      ]);
      expect(modules.calls).toEqual([]);
    });
  });

/** A modprobe whose configuration has another value than is asked for. */
const loadsOthers = (root: string): string =>
  `#!/bin/sh\n[ "$1" != -D ] || { echo "insmod /a/vfio.ko"; echo "insmod /a/vfio-pci-core.ko"; exit; }\necho "load $2 ids=8086:1" >${root}/sys/made/modules\n`;

describe("a parameter's value", () => {
  const values: [kernel: string, wished: string, is: "right" | "wrong"][] = [
    ...(["1", "y", "Y", "on", "true"].map((wished) => ["Y", wished, "right"]) as [string, string, "right"][]),
    ...(["0", "n", "N", "off", "OFF"].map((wished) => ["N", wished, "right"]) as [string, string, "right"][]),
    ["Y", "0", "wrong"],
    ["N", "1", "wrong"],
    ["16", "0x10", "right"],
    ["0x10", "16", "right"],
    ["16", "0x11", "wrong"],
    ["16", "0xzz", "wrong"],
    ["80,81,0,0", "0x50,0x51", "right"],
    ["80,81,0,0", "0x51", "wrong"],
    ["80", "80,81", "wrong"],
    ["[default] performance powersave", "default", "right"],
    ["[default] performance powersave", "performance", "wrong"],
    ["8086:10d3", "8086:10d3", "right"],
    ["8086:10d3", "8086:10f5", "wrong"],
    ["", "a", "wrong"],
    ["-1", "-1", "right"],
  ];

  promise(dash, "is told right where the kernel means the same, and wrong where it does not", async () => {
    const { card } = scene();
    const { kernel } = made.board;
    kernel.addFile("module/m/initstate", "live\n");
    const names = values.map(([value], index) => {
      kernel.addFile(`module/m/parameters/p${index}`, `${value}\n`);
      return `p${index}`;
    });
    const asked = names.map((name, index) => parameter("m", name, values[index]?.[1] ?? ""));
    const items = [...lookItems([{ bus: card.bus, name: card.name, driver: "e1000e" }]), ...asked];
    const [device] = (await made.board.ask(dash, "look", items).done).devices;
    const told = device?.parameters?.split(",").map((word) => word.split(";")[2]);
    expect(told?.map((is, index) => [...(values[index] ?? []).slice(0, 2), is])).toEqual(values);
  });
});

describe("a module that was loaded by a transaction that is killed", () => {
  promise(dash, "is unloaded by the next apply, which finds it in the journal", async () => {
    for (const at of [2, 3, 4]) {
      made.board.reset();
      made.board.hurry();
      const { modules, card } = scene();
      const running = made.board.startApply(dash, { timeoutSeconds: 200, ...toVfioWith(card) });
      made.board.kernel.trap.after = (_, { pid }, count) => {
        if (count === at) killNow(running.pid, writerOf(pid, running.pid), pid);
      };
      await running.done;
      made.board.kernel.trap = {};
      await until("the writes are answered", () => made.board.kernel.writes.every(({ errno }) => errno >= 0));
      expect(modules.loaded).toHaveLength(3);
      await made.board.apply(dash, { wishes: [{ device: { ...card, driver: "nobody's" } }], steps: [] });
      expect([modules.loaded, state(card)]).toEqual([[], before]);
    }
  });
});

describe("why no module can be loaded", () => {
  const lack = async (bus: string, name: string) => {
    const [device] = (await made.board.look(dash, { bus, name, driver: "vfio-pci", module: "vfio-pci" })).devices;
    return [device?.lack, device?.loadable];
  };

  promise(
    dash,
    "is told: a kernel without modules, one that takes no more, one without modules of its own; and where nothing is",
    async () => {
      const { board } = made;
      const { bus, name } = scene().card;
      expect(await lack(bus, name)).toEqual(["release", "-"]);
      board.write("lib/modules/6.1.0-test/modules.dep", "kernel/vfio-pci.ko.xz:\n");
      expect(await lack(bus, name)).toEqual(["-", "yes"]);
      board.write("proc/sys/kernel/modules_disabled", "1\n");
      expect(await lack(bus, name)).toEqual(["disabled", "yes"]);
      board.remove("proc/modules");
      expect(await lack(bus, name)).toEqual(["kernel", "yes"]);
    },
  );
});
