import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { closeIdleConnections } from "../../provider/ssh/pool";
import { type Board, bootBoard, whyNoBoards } from "../boards/board";
import { cannotRun } from "../boards/can-run";
import { addressOf, Binding, type Inputs } from "./binding";
import { type DeviceName, stateOf } from "./eyes";
import { watchWrites, writesOn } from "./witness";

/**
 * Bindings that are kept over a reboot, for each place that the driver before can come from. The promises share one board and three
 * boots of it, in this order: made, and the power cut at once; given up, and booted again.
 */
const bootMilliseconds = 1_200_000; // the first time, everything is downloaded and built

/** Where the kernel finds the driver that the device has by itself. */
const rows: [title: string, device: DeviceName, before: string, wish: string, more?: Partial<Inputs>][] = [
  ["a module that udev loads in the real root", ["pci", "0000:00:10.0"], "e1000e", "vfio-pci"],
  ["a module in the initramfs", ["pci", "0000:00:11.0"], "virtio-pci", "pci-stub"],
  ["the kernel itself", ["platform", "i8042"], "i8042", "pcspkr", { force: true }], // logind has its keyboard open
];
const free: DeviceName = ["pci", "0000:00:12.0"];
const files = ["persist.pci,0000:00:10.0", "persist.pci,0000:00:11.0", "persist.platform,i8042"];

describe("debian: a binding with persist", async () => {
  const why = await whyNoBoards("debian");
  if (why !== undefined) return cannotRun(why);
  let board: Board;
  let bindings: Binding[] = [];
  const bindingOf = ([bus, device]: DeviceName, driver: string, more: Partial<Inputs> = {}) =>
    new Binding(board, { bus, device, driver, persist: true, timeoutSeconds: 30, ...more });
  const kept = () =>
    board.shell(
      "ls /etc/devbind 2>/dev/null; ls -l /etc/systemd/system/devbind.service /etc/systemd/system/*/devbind.service 2>/dev/null | wc -l",
    );
  /** The power is cut and comes back: what was not written out is lost. */
  const reboot = async () => {
    await board.reset();
    await closeIdleConnections();
    await watchWrites(board);
  };

  beforeAll(async () => {
    board = await bootBoard("debian", { onProgress: (line) => console.log(line) });
    await watchWrites(board);
    bindings = rows.map(([, device, , wish, more]) => bindingOf(device, wish, more));
  }, bootMilliseconds);
  afterAll(() => board?.close());

  test("is made as one without, and leaves its files, which systemd finds no fault with", async () => {
    for (const [index, [, device, before, wish]] of rows.entries()) {
      expect(await bindings[index]?.create()).toMatchObject({ currentDriver: wish, previousDriver: before });
      expect(await stateOf(board, device)).toEqual({ driver: wish, override: wish });
    }
    expect(await kept()).toBe(["at-boot.sh", "devbind.service", ...files, "2"].join("\n"));
    expect(await board.shell("systemd-analyze verify /etc/systemd/system/devbind.service 2>&1")).toBe("");
  });

  test("named by another tool too: driverctl's file and a udev rule are told with each update", async () => {
    const rule = 'ACTION=="add", KERNEL=="0000:00:11.0", ATTR{driver_override}="pci-stub"';
    await board.shell(
      `mkdir -p /etc/driverctl.d && echo vfio-pci >/etc/driverctl.d/pci-0000:00:10.0 && echo '${rule}' >/etc/udev/rules.d/10-rng.rules`,
    );
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    await bindings[0]?.update();
    await bindings[1]?.update();
    const words = (name: string, file: string) =>
      `On ${addressOf(board)}: At boot ${name} is given a driver by ${file} too, and the last one wins. Take it out there, or leave \`persist\` out.`;
    expect(warn.mock.calls).toEqual([
      [words("0000:00:10.0", "/etc/driverctl.d/pci-0000:00:10.0")],
      [words("0000:00:11.0", "/etc/udev/rules.d/10-rng.rules")],
    ]);
    warn.mockRestore();
    await board.shell("rm /etc/driverctl.d/pci-0000:00:10.0 /etc/udev/rules.d/10-rng.rules");
  });

  test("is whole after a power cut, before the network comes up, with its claim; nobody has to do anything", {
    timeout: bootMilliseconds,
  }, async () => {
    await board.shell(
      "printf 'devbind-persist 1\\ndevice pci,0000:00:12.0\\nwish vfio-pci,vfio-pci\\n' >/etc/devbind/persist.pci,0000:00:12.0 && sync",
    );
    await reboot();
    for (const [title, device, , wish] of rows) expect(await stateOf(board, device), title).toEqual({ driver: wish, override: wish });
    const since = async (unit: string) => Number(await board.shell(`systemctl show -P ActiveEnterTimestampMonotonic ${unit}`));
    const [devbind, before, network] = [
      await since("devbind.service"),
      await since("network-pre.target"),
      await since("systemd-networkd.service"),
    ];
    expect(devbind).toBeGreaterThan(0);
    expect([devbind < before, before < network], `${devbind} ${before} ${network}`).toEqual([true, true]);
    const said = (await board.shell("journalctl -b -u devbind -o cat | grep : | sort")).split("\n");
    expect(said).toEqual(expect.arrayContaining(rows.map(([, [bus, name], , wish]) => `${bus} ${name}: has the driver ${wish}`)));
    for (const [index, [, , before]] of rows.entries()) {
      await bindings[index]?.update();
      expect(bindings[index]?.state).toMatchObject({ previousDriver: before, claimant: `org/lab/dev/${rows[index]?.[1][1]}` });
    }
    expect(await writesOn(board), "an update finds nothing to do").toEqual([]);
    await expect(bindingOf(["pci", "0000:00:10.0"], "pci-stub", { claimant: "org/other/dev/x" }).create()).rejects.toThrow(
      "The device is claimed by org/lab/dev/0000:00:10.0.",
    );
  });

  test("and a file that is not whole stops neither the others nor the boot: the journal tells of it", async () => {
    expect(await board.shell("journalctl -b -u devbind -o cat | grep whole")).toBe(
      "/etc/devbind/persist.pci,0000:00:12.0 is not whole, and is passed over",
    );
    expect(await stateOf(board, free)).toEqual({ driver: null, override: null });
    expect(await board.shell("systemctl is-failed devbind.service; systemctl list-units --failed --plain --no-legend")).toBe("active");
    await board.shell("rm /etc/devbind/persist.pci,0000:00:12.0");
  });

  test("is listed by driverctl, and is right to it", async () => {
    expect((await board.shell("driverctl list-overrides")).split("\n").sort()).toEqual(["0000:00:10.0 vfio-pci", "0000:00:11.0 pci-stub"]);
  });

  test("is repaired where its files were taken away, without a write to the kernel", async () => {
    await board.shell(
      "rm /etc/devbind/persist.pci,0000:00:10.0 && systemctl disable devbind.service 2>/dev/null && echo >/etc/devbind/at-boot.sh",
    );
    await writesOn(board);
    await bindings[0]?.update();
    expect(await kept()).toBe(["at-boot.sh", "devbind.service", ...files, "2"].join("\n"));
    expect(Number(await board.shell("wc -l </etc/devbind/at-boot.sh"))).toBeGreaterThan(100);
    expect(await writesOn(board)).toEqual([]);
  });

  test("takes everything away when it is given up, and the next boot is as before", { timeout: bootMilliseconds }, async () => {
    for (const [index, [, device, before]] of rows.entries()) {
      await bindings[index]?.delete();
      expect((await stateOf(board, device)).driver).toBe(before);
    }
    expect(await kept()).toBe("0");
    const rule = 'ACTION=="add", KERNEL=="0000:00:11.0", ATTR{driver_override}="pci-stub"';
    await board.shell(`echo '${rule}' >/etc/udev/rules.d/10-rng.rules && sync`);
    await reboot();
    const found = await Promise.all(rows.map(([, device]) => stateOf(board, device)));
    expect(found.map(({ driver }) => driver)).toEqual(rows.map(([, , before]) => before));
    expect([found[0]?.override, found[2]?.override]).toEqual([null, null]);
    expect(await board.shell("systemctl list-unit-files devbind.service --no-legend || true")).toBe("");
  });

  test("is not what a udev rule alone leaves: the override set and the old driver still bound is repaired as drift", async () => {
    const rng = bindingOf(["pci", "0000:00:11.0"], "pci-stub", { persist: false });
    expect(await stateOf(board, ["pci", "0000:00:11.0"])).toEqual({ driver: "virtio-pci", override: "pci-stub" });
    await writesOn(board);
    expect(await rng.create()).toMatchObject({ currentDriver: "pci-stub", previousDriver: "virtio-pci", previousOverride: "pci-stub" });
    expect(await writesOn(board)).toEqual(["unbind 0000:00:11.0", "bind 0000:00:11.0"]);
    await rng.delete();
  });
});
