import { existsSync } from "node:fs";
import { describe, expect } from "vitest";
import { encode } from "../../provider/board/protocol";
import { addCard } from "./card";
import { bare, leaveJournal, listed } from "./listed";
import { claimant } from "./requests";
import { addCard as addNumberedCard, addInterface, addNode } from "./selected";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash } from "./shells";

const made = useBoard();
const nobody = 4_194_305; // more than any process has

inEveryShell((shell) => {
  promise(shell, "tells all of every device on every bus, with only what it has, and writes nothing", async () => {
    const { board } = made;
    const { kernel } = board;
    addNode(board, "13860000.i2c", "/soc/i2c@13860000", ["samsung,exynos4210-i2c", "a b*"]);
    kernel.addDriver("platform", "gpio-keys");
    kernel.addDevice({
      bus: "platform",
      name: "keys",
      driver: "gpio-keys",
      matches: [],
      modalias: "platform:keys\n",
      override: "two words",
    });
    const card = addNumberedCard(board, "0000:00:04.0", "8086:1533:1af4:1100");
    addInterface(board, card, "eth7");
    kernel.addFile("devices/pci0000:00/0000:00:04.0/virtio-eth7/net/eth7/operstate", "up\n");
    kernel.addDevice({ bus: "pci", name: "0000:00:05.0", driver: null, matches: [], group: "7" }, "pci0000:00");
    kernel.addDevice({ bus: "usb", name: "1-1", driver: null, matches: [] }, "usb");
    kernel.addFile("devices/usb/1-1/idVendor", "1d6b\n");
    kernel.addFile("devices/usb/1-1/idProduct", "0104\n");
    kernel.addLink("bus/cpu/devices/cpu0", "devices/system/cpu/cpu0");
    kernel.addFile("devices/system/cpu/cpu0/online", "1\n");
    kernel.addFile("bus/empty/drivers_probe", "");

    const { board: found, devices, claims, journals } = await listed(board, shell);
    expect(found).toMatchObject({ hostName: "board-7", kernel: "6.1.0-test", condition: "quiet", isSysfsWritable: true });
    expect([claims, journals]).toEqual([[], []]);
    const [group, numbered] = [devices.find(({ iommuGroup }) => iommuGroup !== null), devices.find(({ pciId }) => pciId !== null)];
    expect(devices.map(({ bus, name }) => `${bus} ${name}`)).toEqual([
      "cpu cpu0",
      "pci 0000:00:04.0",
      "pci 0000:00:05.0",
      "platform 13860000.i2c",
      "platform keys",
      "usb 1-1",
    ]);
    expect(group).toEqual({ ...bare(board, "pci", "0000:00:05.0", "devices/pci0000:00/0000:00:05.0"), iommuGroup: "7" });
    expect(numbered).toMatchObject({ driver: "e1000e", pciId: "8086:1533:1af4:1100", networkInterfaces: ["eth7"] });
    expect(numbered?.guard).toContain("the network card eth7");
    expect(devices[0]).toEqual(bare(board, "cpu", "cpu0", "devices/system/cpu/cpu0"));
    expect(devices[3]).toMatchObject({ deviceTreePath: "/soc/i2c@13860000", compatible: ["samsung,exynos4210-i2c", "a b*"] });
    expect(devices[4]).toEqual({
      ...bare(board, "platform", "keys"),
      ...{ driver: "gpio-keys", hasOverride: true, override: "two words", modalias: "platform:keys" },
    });
    expect(devices[5]).toEqual({ ...bare(board, "usb", "1-1", "devices/usb/1-1"), usbId: "1d6b:0104" });
    expect((await listed(board, shell, "usb", "cpu")).devices.map(({ name }) => name)).toEqual(["cpu0", "1-1"]);
    expect((await listed(board, shell, "nothing")).devices).toEqual([]);
    expect(kernel.writes).toEqual([]);
    expect(existsSync(board.state)).toBe(false);
  });

  promise(shell, "takes names and strings with spaces, commas and shell characters as they are", async () => {
    const { board } = made;
    const names = ["$(touch boom);`id`'\"*?", "%41", "-n", "Fixed MDIO bus.0", "a -> b", "a,b=c", "back\\slash\\t"];
    const compatible = ["==> x <==", "atmel,at45", "*", "-n", "%2C"];
    for (const name of names)
      board.kernel.addDevice({ bus: "odd bus", name, driver: null, matches: [], compatible, modalias: `m${name}\n` });
    const { devices } = await listed(board, shell);
    const one = { bus: "odd bus", compatible };
    expect(devices.map(({ bus, name, modalias, compatible }) => ({ bus, name, modalias, compatible }))).toEqual(
      [...names].sort().map((name) => ({ ...one, name, modalias: `m${name}` })),
    );
    expect((await listed(board, shell, encode("odd bus"))).devices.map(({ name }) => name)).toEqual([...names].sort());
  });

  promise(shell, "tells the interfaces of a device with a node, and all of the devices after it", async () => {
    const { board } = made;
    for (const name of ["0.first", "1.net", "2.last"]) addNode(board, name, `/soc/${name}`, ["vendor,one", "vendor,two"]);
    for (const name of ["e,1", "e2"]) {
      board.kernel.addFile(`devices/platform/1.net/net/${name}/operstate`, "down\n");
      board.kernel.addLink(`devices/platform/1.net/net/${name}/device`, "devices/platform/1.net");
      board.kernel.addLink(`class/net/${name}`, `devices/platform/1.net/net/${name}`);
    }
    const { devices } = await listed(board, shell);
    expect(devices.map(({ name, networkInterfaces, compatible }) => [name, networkInterfaces, compatible.length])).toEqual([
      ["0.first", [], 2],
      ["1.net", ["e,1", "e2"], 2],
      ["2.last", [], 2],
    ]);
  });

  promise(shell, "tells every claim, also on what is gone, and what is kept over a reboot without one", async () => {
    const { board } = made;
    const card = addCard(board.kernel);
    const gone = board.kernel.addDevice({ bus: "odd bus", name: "a,b c", driver: null, matches: [], override: "x y" });
    const wish = { driver: null, claim: "take" as const };
    const past = { driver: "e1000e", override: "x y" };
    await board.apply(shell, { id: "t1", wishes: [{ device: card, ...wish, past: { driver: "e1000e", override: null } }] });
    await board.apply(shell, { id: "t2", wishes: [{ device: gone, ...wish, past }], claimant: "me, too" });
    board.kernel.removeDevice(gone);
    const head = "devbind-persist 1\ndevice usb,1-1\nclaimant old\ndriver usb\noverride -unsupported\ntransaction t0\n";
    board.write("etc/devbind/persist.usb,1-1", `${head}wish vfio,-unsupported\nmodalias -\nend 8\n`);
    board.write("etc/devbind/persist.pci,0000:00:03.0", "broken");

    const { devices, claims } = await listed(board, shell, "pci");
    expect(devices).toMatchObject([{ name: "0000:00:03.0", driver: null, claimant, isKept: true }]);
    expect(claims).toEqual([
      {
        ...{ bus: "odd bus", device: "a,b c", isClaimed: true, claimant: "me, too", isPresent: false, isKept: false },
        ...{ previousDriver: "e1000e", previousOverride: "x y", transaction: "t2" },
      },
      {
        ...{ bus: "pci", device: "0000:00:03.0", isClaimed: true, claimant, isPresent: true, isKept: true },
        ...{ previousDriver: "e1000e", previousOverride: null, transaction: "t1" },
      },
      {
        ...{ bus: "usb", device: "1-1", isClaimed: false, claimant: "old", isPresent: false, isKept: true },
        ...{ previousDriver: "usb", previousOverride: null, transaction: "t0" },
      },
    ]);
  });

  promise(shell, "tells how every journal stands, and reads no file of a stuck one's device that the kernel may hold", async () => {
    const { board } = made;
    addCard(board.kernel);
    addCard(board.kernel, { name: "0000:00:04.0" });
    board.kernel.addSlowFile("devices/pci0000:00/0000:00:03.0/driver_override", new Promise<string>(() => {}));
    leaveJournal(board, "journal.dead", nobody, "pci,0000:00:04.0");
    leaveJournal(board, "journal.live", process.pid, "usb,1-1", "odd%20bus,a%2Cb");
    leaveJournal(board, "stuck.held", process.pid, "pci,0000:00:03.0");
    leaveJournal(board, "stuck.left", nobody, "pci,0000:00:04.0");
    const { devices, journals } = await listed(board, shell);
    expect(devices).toMatchObject([
      { name: "0000:00:03.0", driver: "e1000e", hasOverride: true, override: null },
      { name: "0000:00:04.0", driver: "e1000e", hasOverride: true, override: null },
    ]);
    const other = [
      { bus: "usb", device: "1-1" },
      { bus: "odd bus", device: "a,b" },
    ];
    const card = (device: string) => [{ bus: "pci", device }];
    expect(journals).toEqual([
      { transaction: "dead", claimant, is: "interrupted", devices: card("0000:00:04.0") },
      { transaction: "live", claimant, is: "running", devices: other },
      { transaction: "held", claimant, is: "stuck", devices: card("0000:00:03.0") },
      { transaction: "left", claimant, is: "interrupted", devices: card("0000:00:04.0") },
    ]);
  });
});

describe("in dash", () => {
  promise(dash, "ends with the path that the kernel holds when a read does not come back", async () => {
    const { board } = made;
    addCard(board.kernel);
    let letGo = (_: string) => {};
    const path = "devices/pci0000:00/0000:00:03.0/driver_override";
    board.kernel.addSlowFile(path, new Promise<string>((resolve) => (letGo = resolve)));
    const running = board.ask(dash, "list", [["transaction", "a1", "me", "1", "no"]]);
    await new Promise<void>((resolve) => running.child.stdout.on("data", (data: Buffer) => data.includes(" held ") && resolve()));
    letGo("(null)\n");
    expect((await running.done).held).toBe(`${board.root}/sys/${path}`);
  });

  promise(dash, "answers nothing to a bus that is no name", async () => {
    for (const name of ["..", ".", "a/b", "%2E%2E", "-", "a%0Ab"])
      expect(await made.board.ask(dash, "list", [["bus", name]]).done).toMatchObject({ code: 64, stdout: "" });
  });
});
