import { describe, expect } from "vitest";
import { addCard, addInterface, addIp, cardA, cardB, guards, session } from "./guarded";
import { promise, useBoard } from "./setup";
import { dash, shells } from "./shells";

const made = useBoard();

describe("the guard: the card of this session", () => {
  promise(dash, "is refused by the local address and by the route back, and another card is not", async () => {
    addCard(made.board.kernel, "eth0", cardA);
    addCard(made.board.kernel, "eth1", cardB);
    addCard(made.board.kernel, "eth2", "0000:00:05.0");
    addIp(made.board, "eth0", "eth1");
    const [local, route, free] = await guards(made.board, [cardA, cardB, "0000:00:05.0"]);
    expect(local).toBe("the network card eth0, which carries this SSH session");
    expect(route).toBe("the network card eth1, which carries this SSH session");
    expect(free).toBe("");
  });

  promise(dash, "is found below a VLAN over a bridge over a bond, and the chain is told", async () => {
    addCard(made.board.kernel, "eth0", cardA);
    addCard(made.board.kernel, "eth1", cardB);
    addInterface(made.board.kernel, "bond0", ["eth0", "eth1"]);
    addInterface(made.board.kernel, "br0", ["bond0"]);
    addInterface(made.board.kernel, "br0.7", ["br0"]);
    addIp(made.board, "br0.7@br0", "br0.7");
    expect(await guards(made.board, [cardA, cardB])).toEqual([
      "the network card br0.7, which carries this SSH session, over br0, over bond0, over eth0",
      "the network card br0.7, which carries this SSH session, over br0, over bond0, over eth1",
    ]);
  });

  for (const [why, environment, address] of [
    ["SSH_CONNECTION is missing", {}, "eth0"],
    ["nobody has the session's address", session, "tun9"],
  ] as const) {
    promise(dash, `is every card that is up where ${why}`, async () => {
      addCard(made.board.kernel, "eth0", cardA);
      addCard(made.board.kernel, "eth1", cardB);
      made.board.kernel.addFile("class/net/eth1/operstate", "down\n");
      addIp(made.board, address, address);
      const [up, down] = await guards(made.board, [cardA, cardB], environment);
      expect(up).toContain("which card carries this session is not known");
      expect(down).toBe("");
    });
  }

  for (const shell of shells) {
    promise(shell, `is every card in ${shell.name} where ip knows nothing of the session`, async () => {
      addCard(made.board.kernel, "lan9", cardA);
      const why = "the network card lan9 (which card carries this session is not known)";
      expect(await guards(made.board, [cardA], { SSH_CONNECTION: "192.0.2.1 50000 192.0.2.77 22" }, "pci", shell)).toEqual([why]);
    });
  }
});

describe("the guard: console, watchdog, and what these stand on", () => {
  promise(dash, "refuses the console's and the watchdog's device", async () => {
    const { kernel } = made.board;
    for (const name of ["9000000.pl011", "wdt.0"]) kernel.addDevice({ bus: "platform", name, driver: null, matches: [] });
    kernel.addFile("class/tty/console/active", "tty0 ttyAMA0\n");
    kernel.addLink("class/tty/ttyAMA0/device", "devices/platform/9000000.pl011");
    kernel.addLink("class/watchdog/watchdog0/device", "devices/platform/wdt.0");
    expect(await guards(made.board, ["9000000.pl011", "wdt.0"], session, "platform")).toEqual([
      "the console ttyAMA0",
      "the watchdog watchdog0",
    ]);
  });

  promise(dash, "follows suppliers of suppliers, of parents too, and tells the chain", async () => {
    const { kernel } = made.board;
    for (const name of ["reg-dummy", "clock.0", "free.0"]) kernel.addDevice({ bus: "platform", name, driver: null, matches: [] });
    addCard(made.board.kernel, "eth0", cardA);
    addIp(made.board, "eth0", "eth0");
    kernel.addFile("devices/platform/reg-dummy/regulator/regulator.0/name", "x\n");
    kernel.addLink(
      `devices/pci0000:00/${cardA}/supplier:regulator:regulator.0/supplier`,
      "devices/platform/reg-dummy/regulator/regulator.0",
    );
    kernel.addLink("devices/platform/reg-dummy/supplier:platform:clock.0/supplier", "devices/platform/clock.0");
    const [regulator, clock, free] = await guards(made.board, ["reg-dummy", "clock.0", "free.0"], session, "platform");
    const card = "the network card eth0, which carries this SSH session";
    expect(regulator).toBe(`${card}, supplied by regulator:regulator.0 (through regulator/regulator.0)`);
    expect(clock).toBe(`${card}, supplied by regulator:regulator.0, supplied by platform:clock.0`);
    expect(free).toBe("");
  });

  promise(dash, "refuses who shares an IOMMU group with them", async () => {
    addCard(made.board.kernel, "eth0", cardA);
    addIp(made.board, "eth0", "eth0");
    made.board.kernel.addDevice({ bus: "pci", name: cardB, driver: null, matches: [], group: "3" }, "pci0000:00");
    made.board.kernel.addLink(`devices/pci0000:00/${cardA}/iommu_group`, "kernel/iommu_groups/3");
    expect((await guards(made.board, [cardB]))[0]).toBe(
      "the network card eth0, which carries this SSH session, in one IOMMU group with it",
    );
  });
});
