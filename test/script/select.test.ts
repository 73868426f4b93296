import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import type { Selector } from "./requests";
import { addCard, addInterface, addNode } from "./selected";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell, shells } from "./shells";

const made = useBoard();
let cards: Device[];
let fast: Device;

beforeEach(() => {
  if (!made.board) return;
  const { board } = made;
  addNode(board, "13860000.i2c", "/soc/i2c@13860000", ["samsung,exynos4210-i2c", "samsung,s3c2440-i2c"]);
  addNode(board, "13870000.i2c", "/soc/i2c@13870000", ["samsung,exynos4210-hdmi-i2c"]);
  addNode(board, "fe201000.serial", "/soc/serial@7E201000", ["arm,pl011"]);
  board.kernel.addDevice({ bus: "platform", name: "gpio-keys", driver: null, matches: [], modalias: "of:Ngpio-keysT(null)Cgpio-keys\n" });
  cards = ["0000:00:02.0", "0000:00:03.0"].map((name) => addCard(board, name, "8086:10d3"));
  fast = addCard(board, "0000:00:04.0", "8086:1533:1af4:1100", null);
  addInterface(board, fast, "eth7");
  const usb = board.kernel.addDevice({ bus: "usb", name: "1-1", driver: null, matches: [] }, "usb");
  board.kernel.addFile(`devices/usb/${usb.name}/idVendor`, "1d6b\n");
  board.kernel.addFile(`devices/usb/${usb.name}/idProduct`, "0104\n");
  const alias = "usb:v1D6Bp0104d0100dc00dsc00dp00icFFiscFFip00in00\n";
  board.kernel.addDevice({ bus: "usb", name: "1-1:1.0", driver: null, matches: [], modalias: alias }, "usb/1-1");
});

async function chosen(shell: Shell, bus: string, selector: Selector): Promise<Record<string, string>> {
  const answer = await made.board.look(shell, { bus, name: null, selector });
  expect(answer).toMatchObject({ isComplete: true, code: 0, stderr: "" });
  expect(made.board.kernel.writes).toEqual([]);
  return answer.devices[0] ?? {};
}

const one: [bus: string, selector: Selector, name: string][] = [
  ["platform", ["deviceTreePath", "/soc/i2c@13870000"], "13870000.i2c"],
  ["platform", ["compatible", "samsung,exynos4210-i2c"], "13860000.i2c"],
  ["platform", ["compatible", "samsung,s3c2440-i2c"], "13860000.i2c"],
  ["platform", ["address", "13860000"], "13860000.i2c"],
  ["platform", ["address", "fe201000"], "fe201000.serial"],
  ["platform", ["address", "7e201000"], "fe201000.serial"],
  ["platform", ["modalias", "of:N*T(null)Cgpio-?eys"], "gpio-keys"],
  ["platform", ["modalias", "of:N*(null)*"], "gpio-keys"],
  ["pci", ["pciId", "8086:1533"], "0000:00:04.0"],
  ["pci", ["pciId", "8086:1533:1af4:1100"], "0000:00:04.0"],
  ["pci", ["modalias", "pci:v00008086d00001533*"], "0000:00:04.0"],
  ["pci", ["pciId", "8086:10d3", "0000:00:03.0"], "0000:00:03.0"],
  ["usb", ["usbId", "1d6b:0104"], "1-1"],
  ["usb", ["modalias", "usb:v1D6Bp0104*in00"], "1-1:1.0"],
];

const none: [bus: string, selector: Selector, similar: string[]][] = [
  ["platform", ["deviceTreePath", "/soc"], ["/soc/i2c@13860000", "/soc/i2c@13870000", "/soc/serial@7E201000"]],
  [
    "platform",
    ["compatible", "samsung,exynos4210"],
    ["samsung,exynos4210-i2c", "samsung,s3c2440-i2c", "samsung,exynos4210-hdmi-i2c", "arm,pl011"],
  ],
  ["platform", ["compatible", "*"], ["samsung,exynos4210-i2c", "samsung,s3c2440-i2c", "samsung,exynos4210-hdmi-i2c", "arm,pl011"]],
  ["platform", ["address", "1386000"], ["13860000", "13870000", "fe201000", "7e201000"]],
  ["platform", ["modalias", "of:N?T*"], ["of:Ngpio-keysT(null)Cgpio-keys"]],
  ["platform", ["modalias", "gpio"], ["of:Ngpio-keysT(null)Cgpio-keys"]],
  ["pci", ["pciId", "8086:1534"], ["8086:10d3", "8086:1533"]],
  ["pci", ["pciId", "8086:10d3:1af4:1100"], ["8086:10d3:0000:0000", "8086:1533:1af4:1100"]],
  ["pci", ["networkInterface", "eth7"], []],
  ["usb", ["usbId", "1d6b:0105"], ["1d6b:0104"]],
];

inEveryShell((shell) => {
  promise(shell, "finds the one device that a selector means, and tells its name with all else", async () => {
    for (const [bus, selector, name] of one) {
      const found = await chosen(shell, bus, selector);
      expect([selector, found]).toEqual([selector, expect.objectContaining({ present: "yes", bus: "yes" })]);
      expect([selector, decode(found.name ?? "-"), found.path?.endsWith(`/${found.name}`)]).toEqual([selector, name, true]);
    }
  });

  promise(shell, "tells what there is where a selector means nothing", async () => {
    for (const [bus, selector, similar] of none) {
      const found = await chosen(shell, bus, selector);
      const told = (found.similar ?? "").split(",").filter((word) => word !== "" && word !== "-");
      expect([selector, found.present, found.matches, told.map(decode).sort()]).toEqual([selector, "no", undefined, [...similar].sort()]);
    }
  });

  promise(shell, "tells all that a selector means, with their drivers, where these are several", async () => {
    cards.push(addCard(made.board, "0000:00:05.0", "8086:10d3", null));
    const found = await chosen(shell, "pci", ["pciId", "8086:10d3", "0000:00:04.0"]);
    expect(found).toMatchObject({ present: "no", similar: "-", matches: "0000:00:02.0;e1000e,0000:00:03.0;e1000e,0000:00:05.0;-" });
  });

  promise(shell, "finds a device again by its network interface, which its new driver has taken away, until it is given up", async () => {
    const { board } = made;
    fast.driver = "e1000e";
    const selector: Selector = ["networkInterface", "eth7"];
    expect(await chosen(shell, "pci", selector)).toMatchObject({ name: "0000:00:04.0", driver: "e1000e", claimInterface: "-" });
    const wish = { device: fast, driver: "vfio-pci", override: "vfio-pci", claim: "take" as const, selector };
    const { outcome, devices } = await board.apply(shell, { id: "i1", wishes: [wish] });
    expect([outcome, devices[0]?.driver]).toEqual([{ is: "done" }, "vfio-pci"]);
    const text = readFileSync(join(board.state, "claim.pci,0000:00:04.0"), "utf8");
    expect(text).toMatch(/\ntransaction i1\ninterface pci,0000:00:04\.0,eth7,\d+\nend 4\n$/);
    board.kernel.writes = [];
    expect(await chosen(shell, "pci", selector)).toMatchObject({ name: "0000:00:04.0", driver: "vfio-pci", claimInterface: "eth7" });
    expect((await chosen(shell, "pci", ["networkInterface", "eth"])).present).toBe("no");

    const back = { device: fast, driver: "e1000e", override: null, claim: "drop" as const, selector };
    expect((await board.apply(shell, { wishes: [back] })).outcome).toEqual({ is: "done" });
    board.kernel.writes = [];
    expect(await chosen(shell, "pci", selector)).toMatchObject({ name: "0000:00:04.0", claimInterface: "-", claimant: "-" });
  });
});

describe("a selector", () => {
  const selector: Selector = ["pciId", "8086:1533"];
  const toVfio = () => ({ device: fast, driver: "vfio-pci", override: "vfio-pci", claim: "take" as const, selector });

  promise(dash, "that means another device by the time of the first write is moved, and what it means now is told", async () => {
    const { board } = made;
    board.kernel.addFile(`devices/pci0000:00/${fast.name}/device`, "0x1534\n");
    addCard(board, "0000:00:06.0", "8086:1533");
    const { outcome, devices } = await board.apply(dash, { wishes: [toVfio()] });
    expect([outcome, board.kernel.writes]).toEqual([{ is: "moved", device: "0" }, []]);
    expect(devices[0]).toMatchObject({ present: "yes", name: "0000:00:06.0", driver: "e1000e" });
  });

  promise(dash, "that means several by the time of the first write is moved, and these are told", async () => {
    const { board } = made;
    addCard(board, "0000:00:06.0", "8086:1533");
    const { outcome, devices } = await board.apply(dash, { wishes: [toVfio()] });
    expect([outcome, board.kernel.writes]).toEqual([{ is: "moved", device: "0" }, []]);
    expect(devices[0]).toMatchObject({ present: "no", matches: "0000:00:04.0;-,0000:00:06.0;e1000e" });
  });

  promise(
    dash,
    "whose device moved takes the claim along: the old place's is dropped where it is ours, and comes back with an undo",
    async () => {
      const { board } = made;
      await board.apply(dash, { wishes: [toVfio()] });
      board.kernel.removeDevice(fast);
      const moved = addCard(board, "0000:00:06.0", "8086:1533");
      const left = [{ bus: "pci", name: fast.name }];
      const claims = () => board.stateFiles().filter((name) => name.startsWith("claim."));
      moved.refuses = { "vfio-pci": 22 };
      expect((await board.apply(dash, { wishes: [{ ...toVfio(), device: moved }], left })).outcome.is).toBe("undone");
      expect(claims()).toEqual(["claim.pci,0000:00:04.0"]);
      moved.refuses = {};
      await board.apply(dash, { claimant: "another", force: true, wishes: [{ ...toVfio(), device: moved, claim: "keep" }], left });
      expect(claims(), "another's request drops only its own").toEqual(["claim.pci,0000:00:04.0"]);
      expect((await board.apply(dash, { wishes: [{ ...toVfio(), device: moved }], left })).outcome).toEqual({ is: "done" });
      expect(claims()).toEqual(["claim.pci,0000:00:06.0"]);
    },
  );

  promise(dash, "of a network interface never takes another card for the claimed one that was pulled out", async () => {
    const { board } = made;
    fast.driver = "e1000e";
    const byName: Selector = ["networkInterface", "eth7"];
    await board.apply(dash, { wishes: [{ ...toVfio(), selector: byName }] });
    board.write(
      `run/devbind/${board.state.split("/").pop()}/claim.pci,0000:00:04.0`,
      readFileSync(join(board.state, "claim.pci,0000:00:04.0"), "utf8").replace(/,\d+\nend/, ",1\nend"),
    );
    board.kernel.writes = [];
    expect((await chosen(dash, "pci", byName)).present).toBe("no");
  });

  promise(dash, "of a network interface finds the device of a transaction that was killed, so that it is undone", async () => {
    const { board } = made;
    fast.driver = "e1000e";
    const byName: Selector = ["networkInterface", "eth7"];
    const wish = { ...toVfio(), selector: byName };
    board.kernel.trap = {
      after: (path, { pid }) => {
        if (!path.endsWith("/unbind")) return;
        for (const victim of [pid, running.pid]) process.kill(victim, "SIGKILL");
      },
    };
    const running = board.startApply(dash, { wishes: [wish] });
    await running.done;
    board.kernel.trap = {};
    const answer = await board.look(dash, { bus: "pci", name: null, selector: byName });
    expect(answer.devices[0]).toMatchObject({ present: "yes", name: fast.name, driver: "-", journal: "interrupted" });
    const again = { ...wish, seen: { driver: null, override: "vfio-pci" } };
    const { devices, outcome } = await board.apply(dash, { wishes: [again], steps: [] });
    expect([outcome.is, devices[0]?.driver, fast.driver]).toEqual(["moved", "e1000e", "e1000e"]);
  });

  const [bash = dash] = shells.filter(({ name }) => name === "bash");
  promise(bash, "takes brackets of a modalias as they are, also where the login's shell has more patterns", async () => {
    made.board.environment = { BASHOPTS: "extglob" };
    expect((await chosen(bash, "platform", ["modalias", "of:N*(x)*"])).present).toBe("no");
    expect((await chosen(bash, "platform", ["modalias", "of:N*(null)*"])).name).toBe("gpio-keys");
  });

  promise(dash, "is not taken from a request that doesn't know its words", async () => {
    for (const item of [["selector", "serial", "x"], ["selector"], ["left", "pci", ".."], ["device", "pci", "-", "-", "-"]]) {
      const answer = await made.board.ask(dash, "look", [item, ["device", "pci", "a", "-", "-"]]).done;
      expect(answer).toMatchObject({ code: 64, stdout: "" });
    }
  });
});
