import { readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect } from "vitest";
import { decode, encode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import { leaveJournal } from "./listed";
import type { Transaction } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import type { Shell } from "./shells";

const made = useBoard();
const [first, second, third, otherSlot] = ["0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3", "0000:00:1e.0"];
const cardClass = "0x020000\n";
const bridgeClass = "0x060400\n";

/** A PCI device of class "network card", or of another one. */
function addFunction(name: string, more: Partial<Device> & { className?: string } = {}): Device {
  const { kernel } = made.board;
  const { className = cardClass, ...given } = more;
  for (const driver of ["e1000e", "vfio-pci", "pcieport"]) kernel.addDriver("pci", driver);
  const device = kernel.addDevice({ bus: "pci", name, driver: "e1000e", override: null, matches: ["e1000e"], ...given }, "pci0000:00");
  kernel.addFile(`devices/pci0000:00/${name}/class`, className);
  return device;
}

/** One slot of three functions, of which two share a group with a device of another slot. */
const addSlot = () => [
  addFunction(first),
  addFunction(second, { group: "7" }),
  addFunction(third, { group: "7" }),
  addFunction(otherSlot, { group: "7", driver: null }),
];

/** The names of those that are taken along with the one device that is looked at. */
async function along(shell: Shell, name: string, ...kinds: ("group" | "slot")[]): Promise<string[]> {
  const answer = await made.board.look(shell, { bus: "pci", name, along: kinds });
  expect(answer).toMatchObject({ isComplete: true, code: 0, stderr: "" });
  expect(answer.siblings.map(({ of }) => of)).toEqual(answer.siblings.map(() => "0"));
  return answer.siblings.map((sibling) => decode(sibling.name ?? "-") ?? "");
}

/** What an apply is told of those that the plan saw, of all kinds together. */
const seen = (device: number, ...names: string[]) => ["siblings", String(device), "group", ...names.map(encode)];

/** The device goes to vfio-pci, while its siblings are those that were seen. */
const toVfio = (device: Device, ...extras: string[][]): Transaction => ({
  wishes: [{ device, driver: "vfio-pci", override: "vfio-pci", claim: "take" }],
  extras,
});

inEveryShell((shell) => {
  promise(shell, "tells none that was not asked for", async () => {
    addSlot();
    expect((await made.board.look(shell, { bus: "pci", name: second })).siblings).toEqual([]);
  });

  promise(shell, "tells who else is in the group, who else is in the slot, and of both each once", async () => {
    addSlot();
    expect(await along(shell, second, "group")).toEqual([otherSlot, third]);
    expect(await along(shell, second, "slot")).toEqual([first, third]);
    expect((await along(shell, second, "group", "slot")).sort()).toEqual([otherSlot, first, third].sort());
    expect((await along(shell, second, "slot", "group")).sort()).toEqual([otherSlot, first, third].sort());
    expect(await along(shell, first, "group"), "a device without a group").toEqual([]);
    expect(await along(shell, otherSlot, "slot"), "a slot with one function").toEqual([]);
    expect(made.board.kernel.writes).toEqual([]);
  });

  promise(shell, "tells of a sibling all that it tells of a device, after the lines of all devices", async () => {
    addSlot();
    const wish = { bus: "pci", driver: "vfio-pci", module: "vfio-pci" };
    const answer = await made.board.look(shell, { ...wish, name: second, along: ["group"] }, { ...wish, name: third });
    const words = answer.stdout.split("\n").map((line) => line.split(" ")[1]);
    expect(words).toEqual(["board", "device", "device", "sibling", "sibling", "end", undefined]);
    const { index, bus, ...told } = answer.devices[1] ?? {};
    expect([index, bus]).toEqual(["1", "yes"]);
    expect(answer.siblings[1]).toEqual({ ...told, of: "0", bus: "pci", name: third });
    expect(told).toMatchObject({ registered: "yes", bindable: "yes", driver: "e1000e", iommu: "no" });
  });

  promise(shell, "tells what is kept of a sibling where that is asked of its device", async () => {
    addSlot();
    made.board.write("etc/driverctl.d/pci-0000:00:1f.3", "vfio-pci\n");
    const answer = await made.board.ask(shell, "look", [
      ["device", "pci", second, "vfio-pci", "-"],
      ["persist", "0"],
      ["siblings", "0", "slot"],
    ]).done;
    expect(answer.siblings.map(({ name, coOwners }) => [name, coOwners])).toEqual([
      [first, "-"],
      [third, `/etc/driverctl.d/pci-${third}`],
    ]);
  });

  promise(shell, "tells of a sibling how the parameters are that are asked for its device, and of no other device", async () => {
    addSlot();
    made.board.kernel.addFile("module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
    made.board.kernel.addFile("module/vfio/initstate", "live\n");
    const answer = await made.board.ask(shell, "look", [
      ["device", "pci", otherSlot, "vfio-pci", "-"],
      ["device", "pci", second, "vfio-pci", "-"],
      ["parameter", "1", "vfio", "enable_unsafe_noiommu_mode", "Y"],
      ["siblings", "0", "group"],
      ["siblings", "1", "slot"],
    ]).done;
    expect(answer.devices.map(({ parameters }) => parameters)).toEqual(["-", "vfio;enable_unsafe_noiommu_mode;wrong;N"]);
    expect(answer.siblings.map(({ of, name, parameters }) => [of, name, parameters])).toEqual([
      ["0", second, "-"],
      ["0", third, "-"],
      ["1", first, "vfio;enable_unsafe_noiommu_mode;wrong;N"],
      ["1", third, "vfio;enable_unsafe_noiommu_mode;wrong;N"],
    ]);
  });

  promise(shell, "leaves bridges, what pcieport has, and devices of other buses alone", async () => {
    const { kernel } = made.board;
    addSlot();
    addFunction("0000:00:1f.4", { group: "7", className: bridgeClass, driver: null });
    addFunction("0000:00:1f.5", { group: "7", className: "0x060401\n", driver: "e1000e" });
    addFunction("0000:00:1d.0", { group: "7", className: "0x060700\n", driver: null });
    addFunction("0000:00:1f.6", { group: "7", driver: "pcieport" });
    kernel.addDevice({ bus: "platform", name: "12c0000.dma", driver: null, matches: [], group: "7" });
    kernel.addDevice({ bus: "usb", name: "0000:00:1f.7", driver: null, matches: [], group: "7" });
    addFunction("0000:00:05.0");
    kernel.addDevice({ bus: "usb", name: "0000:00:05.0", driver: null, matches: [], group: "7" }, "usb1");
    expect((await along(shell, second, "group", "slot")).sort()).toEqual([otherSlot, first, third].sort());
  });

  promise(shell, "tells of a group on another bus, and nothing of a slot there", async () => {
    const { kernel } = made.board;
    for (const name of ["a.0", "a.1"]) kernel.addDevice({ bus: "platform", name, driver: null, matches: [], group: "3" });
    const answer = await made.board.look(
      shell,
      { bus: "platform", name: "a.0", along: ["group"] },
      { bus: "platform", name: "a.0", along: ["slot"] },
    );
    expect(answer.siblings.map(({ of, bus, name }) => [of, bus, name])).toEqual([["0", "platform", "a.1"]]);
  });

  promise(shell, "takes names with spaces, patterns and shell characters as they are", async () => {
    const { kernel } = made.board;
    const names = ["a*", "a b", "$(touch boom);`id`'\"*?", "-n", "back\\slash\\t", "%41", "[a-z]", "a,b=c"];
    for (const name of names) kernel.addDevice({ bus: "mdio_bus", name, driver: null, matches: [], group: "1" });
    const answer = await made.board.look(shell, { bus: "mdio_bus", name: "a*", along: ["group"] });
    expect(answer.stderr).toBe("");
    expect(answer.siblings.map(({ name }) => decode(name ?? "-")).sort()).toEqual(names.slice(1).sort());
    expect(answer.siblings.map(({ path }) => decode(path ?? "-")).sort()).toEqual(
      names
        .slice(1)
        .map((name) => `/sys/devices/platform/${name}`)
        .sort(),
    );
  });

  promise(shell, "goes by what a link of the group leads to: two of one name have names of their own there", async () => {
    const { kernel } = made.board;
    addSlot();
    const links = "kernel/iommu_groups/7/devices";
    kernel.remove(`${links}/${third}`);
    kernel.addLink(`${links}/${third}.0`, `devices/pci0000:00/${third}`);
    expect(await along(shell, second, "group")).toEqual([otherSlot, third]);
  });

  promise(shell, "finds a device by its selector first", async () => {
    addSlot();
    made.board.kernel.addFile(`devices/pci0000:00/${second}/modalias`, "pci:v00008086\n");
    const selector: [string, string] = ["modalias", "pci:v0000808?"];
    const answer = await made.board.look(shell, { bus: "pci", name: null, selector, along: ["slot"] });
    expect(answer.devices[0]?.name).toBe(second);
    expect(answer.siblings.map(({ name }) => name)).toEqual([first, third]);
  });

  promise(shell, "tells none of a device that is not there, that nothing chooses, or that the kernel may hold", async () => {
    const { board } = made;
    addSlot();
    expect(await along(shell, "0000:00:1f.1", "group", "slot")).toEqual([]);
    const answer = await board.look(shell, { bus: "pci", name: null, selector: ["modalias", "none"], along: ["slot"] });
    expect(answer.siblings).toEqual([]);
    leaveJournal(board, "journal.a1", process.pid, `pci,${second}`);
    board.remove(`${board.state.slice(board.root.length + 1)}/journal.a1`);
    leaveJournal(board, "stuck.a1", process.pid, `pci,${second}`);
    expect(await along(shell, second, "group", "slot")).toEqual([]);
    expect(await along(shell, third, "slot"), "the other one's own, as it is told in a stuck journal").toEqual([first, second]);
  });

  promise(shell, "writes while those that are taken along are the ones that were seen, in whatever order", async () => {
    const [, device] = addSlot();
    if (device === undefined) throw new Error("the slot has a second function");
    const items = [seen(0, third, first, otherSlot), ["siblings", "0", "slot"]];
    const { outcome } = await made.board.apply(shell, toVfio(device, ...items));
    expect([outcome, device.driver]).toEqual([{ is: "done" }, "vfio-pci"]);
  });

  promise(shell, "writes nothing, and says moved, where one came, one went, or another one is there", async () => {
    const [, device] = addSlot();
    if (device === undefined) throw new Error("the slot has a second function");
    const sets = [[], [third], [third, otherSlot, first], [third, first], [third, "0000:00:1e.1"], [`${third}${otherSlot}`, "a"]];
    for (const names of sets) {
      const { outcome } = await made.board.apply(shell, toVfio(device, seen(0, ...names)));
      expect(outcome, names.join()).toMatchObject({ is: "moved", device: "0" });
    }
    expect([made.board.kernel.writes, device.driver]).toEqual([[], "e1000e"]);
  });

  promise(shell, "runs a command after the change in the folder in which the login began", async () => {
    const [, device] = addSlot();
    if (device === undefined) throw new Error("the slot has a second function");
    const command = ["sh", "-c", 'pwd -P >"$1"', "sh", `${made.board.root}/where`];
    const transaction = { ...toVfio(device, seen(0, third, otherSlot)), afterRebind: command };
    expect((await made.board.apply(shell, transaction)).outcome).toEqual({ is: "done" });
    expect(readFileSync(`${made.board.root}/where`, "utf8")).toBe(`${realpathSync(tmpdir())}\n`);
  });

  promise(shell, "does nothing at all for an item that is no such item", async () => {
    addSlot();
    const device = ["device", "pci", second, "-", "-"];
    const wrong = [
      ["siblings"],
      ["siblings", "0"],
      ["siblings", "1", "slot"],
      ["siblings", "-1", "slot"],
      ["siblings", "x", "slot"],
      ["siblings", "", "slot"],
      ["siblings", "0", "card"],
      ["siblings", "0", ""],
      ["siblings", "0", "-"],
      ["siblings", "0", "slot", third],
    ];
    for (const item of wrong) {
      const answer = await made.board.ask(shell, "look", [device, item]).done;
      expect(answer, item.join()).toMatchObject({ code: 64, stdout: "" });
    }
    expect((await made.board.ask(shell, "look", [["siblings", "0", "slot"], device]).done).code, "before its device").toBe(64);
  });

  promise(shell, "writes nothing for an item of an apply whose names are none", async () => {
    const [, device] = addSlot();
    if (device === undefined) throw new Error("the slot has a second function");
    for (const name of [",a", "-", "..", "a/b", "%2E%2E", "a%0Ab"]) {
      const answer = await made.board.apply(shell, toVfio(device, ["siblings", "0", "group", name]));
      expect(answer, name).toMatchObject({ code: 64, stdout: "" });
    }
    expect(made.board.kernel.writes).toEqual([]);
  });
});
