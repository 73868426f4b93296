import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Board, bootBoard, whyNoBoards } from "./board";
import { cannotRun } from "./can-run";
import { bootProgram, namespaceOf, processesNaming, startBoot } from "./processes";

const bootMilliseconds = 600_000; // the first time, everything is downloaded and built
const bootId = "cat /proc/sys/kernel/random/boot_id";
const cards = [0, 1, 2, 3].map((number) => `uml-vector.${number}`);
const drivers = `cd /sys/bus/platform/devices && for card in ${cards.join(" ")}; do basename "$(readlink $card/driver)"; done`;

/** Words of the board's own forwarder. */
const forwarder = (port: number | string) => `TCP-LISTEN:${port},`;
const stillThere = (ids: string[]) => ids.filter((id) => existsSync(join("/proc", id)));

describe("uml", async () => {
  const why = await whyNoBoards("uml");
  if (why !== undefined) return cannotRun(why);
  let board: Board;
  beforeAll(async () => {
    board = await bootBoard("uml", { onProgress: (line) => console.log(line) });
  }, bootMilliseconds);
  afterAll(() => board?.close());

  test("has four cards, and three of them carry nothing: they can be unbound and bound again", async () => {
    expect((await board.shell(drivers)).split("\n")).toEqual(cards.map(() => "uml-vector"));
    const [, ...spare] = cards;
    for (const card of spare) await board.shell(`echo ${card} >/sys/bus/platform/drivers/uml-vector/unbind`);
    expect((await board.shell(drivers)).split("\n")).toEqual(["uml-vector"]); // a trimmed answer: three empty lines follow
    for (const card of spare) await board.shell(`echo ${card} >/sys/bus/platform/drivers/uml-vector/bind`);
    expect((await board.shell(drivers)).split("\n")).toEqual(cards.map(() => "uml-vector"));
  });

  test("stays the same board over a reset and a power cycle, with new boot ids; off, no process of it is left", async () => {
    const identity = await board.shell("cat /etc/machine-id");
    const boots = [await board.shell(bootId)];
    await board.reset();
    boots.push(await board.shell(bootId));
    const ids = await namespaceOf(forwarder(board.port));
    expect(ids.length, "the kernel, its processes, the forwarders").toBeGreaterThan(5);
    await board.powerOff();
    expect(stillThere(ids)).toEqual([]);
    await expect(board.shell("true")).rejects.toThrow();
    await board.powerOn();
    boots.push(await board.shell(bootId));
    expect(new Set(boots).size).toBe(3);
    expect(await board.shell("cat /etc/machine-id")).toBe(identity);
    expect((await board.consoleLog()).split("Linux version").length - 1).toBe(3);
  });

  test("is off with all its processes after a poweroff from inside, and can be powered on again", async () => {
    const before = await board.shell(bootId);
    const ids = await namespaceOf(forwarder(board.port));
    await board.shell("poweroff -f", { timeoutSeconds: 5 }).catch(() => {});
    await expect.poll(() => stillThere(ids), { timeout: 20_000 }).toEqual([]);
    await board.powerOn();
    expect(await board.shell(bootId)).not.toBe(before);
  });

  test("is one of many: a second one has a port, a boot id and a network of its own", async () => {
    const other = await bootBoard("uml", { machineId: "" });
    try {
      expect(other.port).not.toBe(board.port);
      expect(await other.shell(bootId)).not.toBe(await board.shell(bootId));
      expect(await other.shell("ls /etc/machine-id 2>/dev/null || echo none")).toBe("none");
    } finally {
      await other.close();
    }
  });

  test("has no slot to plug a device into, and says so", async () => {
    await expect(board.plug({ driver: "edu", id: "edu" })).rejects.toThrow("the uml board has no QEMU");
    await expect(bootBoard("uml", { spareDevices: ["-device", "edu"] })).rejects.toThrow("spareDevices are QEMU's");
  });

  test("leaves no process behind when the test process is killed", async () => {
    const { booted: killed, port } = await startBoot(["--import", "tsx", bootProgram, "uml"]);
    const ids = await namespaceOf(forwarder(port));
    killed.kill("SIGKILL");
    await once(killed, "exit");
    await expect.poll(() => stillThere(ids), { timeout: 10_000 }).toEqual([]);
    await expect.poll(() => processesNaming(`devbind-board-${killed.pid}-`), { timeout: 10_000 }).toEqual([]);
  });
});
