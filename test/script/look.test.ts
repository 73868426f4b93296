import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash } from "./shells";

const made = useBoard();

/** An i2c controller as the RFC has it, on the driver that comes with it. */
function addI2c() {
  const { kernel } = made.board;
  kernel.addDriver("platform", "s3c-i2c");
  return kernel.addDevice({ bus: "platform", name: "13860000.i2c", driver: "s3c-i2c", override: null, matches: ["s3c-i2c"] });
}

inEveryShell((shell) => {
  promise(shell, "tells what would go with a device, and who has one of its files open", async () => {
    const { board } = made;
    const controller = addI2c();
    board.kernel.addDriver("i2c", "at24");
    board.kernel.addDevice({ bus: "i2c", name: "0-0050", driver: "at24", matches: [] }, `platform/${controller.name}/i2c-0`);
    board.kernel.addDevice({ bus: "i2c", name: "0-0051", driver: null, matches: [] }, `platform/${controller.name}/i2c-0`);
    board.kernel.addFile(`devices/platform/${controller.name}/i2c-0/i2c-dev/i2c-0/dev`, "89:0\n");
    board.kernel.addDriver("platform", "gpio-keys");
    board.kernel.addDevice({ bus: "platform", name: "keys", driver: "gpio-keys", matches: [] });
    board.kernel.addLink(`devices/platform/${controller.name}/consumer:platform:keys/consumer`, "devices/platform/keys");
    board.write("dev/i2c-0", "");
    const file = openSync(join(board.root, "dev/i2c-0"), "r");
    try {
      const [device] = (await board.look(shell, { bus: "platform", name: controller.name })).devices;
      expect(device?.dependents?.split(",").sort()).toEqual(["0-0050;at24", "keys;gpio-keys"]);
      expect(device?.holders).toMatch(new RegExp(`^[^,/]+/${process.pid}$`));
    } finally {
      closeSync(file);
    }
    const [device] = (await board.look(shell, { bus: "platform", name: controller.name })).devices;
    expect(device?.holders).toBe("-");
  });

  promise(shell, "tells who has a device and who wants it, and writes nothing at all", async () => {
    const { board } = made;
    addI2c();
    board.kernel.addDriver("platform", "vfio-platform");
    const answer = await board.look(shell, { bus: "platform", name: "13860000.i2c", driver: "vfio-platform", module: "vfio-platform" });
    expect(answer).toMatchObject({ isComplete: true, code: 0, stderr: "" });
    expect(answer.board).toMatchObject({
      protocol: "1",
      condition: "quiet",
      host: "board-7",
      kernel: "6.1.0-test",
      writable: "yes",
      serial: "-",
    });
    expect(answer.devices).toHaveLength(1);
    expect(answer.devices[0]).toMatchObject({
      index: "0",
      present: "yes",
      driver: "s3c-i2c",
      unbindable: "yes",
      override: "-",
      path: "/sys/devices/platform/13860000.i2c",
      registered: "yes",
      bindable: "yes",
      journal: "-",
      claimant: "-",
    });
    expect(board.kernel.writes).toEqual([]);
    expect(existsSync(board.state)).toBe(false);
  });

  promise(shell, "tells no driver, no override file, an empty override, and a set one", async () => {
    const { board } = made;
    board.kernel.addDriver("spi", "spidev", { bindFiles: false });
    const names = ["spi0.0", "spi0.1", "spi0.2", "spi0.3"];
    const common = { bus: "spi", matches: [] };
    board.kernel.addDevice({ ...common, name: "spi0.0", driver: null, override: null, unset: "" });
    board.kernel.addDevice({ ...common, name: "spi0.1", driver: "spidev", override: "spidev" });
    board.kernel.addDevice({ ...common, name: "spi0.2", driver: null });
    board.kernel.addDevice({ ...common, name: "spi0.3", driver: null, override: "two words" });
    const answer = await board.look(shell, ...names.map((name) => ({ bus: "spi", name })));
    const told = answer.devices.map(({ driver, override, unbindable }) => [driver, override, unbindable]);
    expect(told).toEqual([
      ["-", "-", "no"],
      ["spidev", "spidev", "no"],
      ["-", "-unsupported", "no"],
      ["-", "two%20words", "no"],
    ]);
  });

  promise(shell, "takes names with spaces and shell characters as they are", async () => {
    const { board } = made;
    const names = ["Fixed MDIO bus.0", "$(touch boom);`id`'\"*?", "-n", "back\\slash\\t", "%41", "a,b=c"];
    for (const name of names) board.kernel.addDevice({ bus: "mdio_bus", name, driver: null, matches: [] });
    const answer = await board.look(shell, ...names.map((name) => ({ bus: "mdio_bus", name })));
    expect(answer.stderr).toBe("");
    expect(answer.devices.map((device) => decode(device.path ?? "-"))).toEqual(names.map((name) => `/sys/devices/platform/${name}`));
  });

  promise(shell, "passes odd bytes of a modalias and a whole compatible list on", async () => {
    const { board } = made;
    const modalias = Buffer.from([...Array(255).keys()].map((byte) => byte + 1).filter((byte) => byte !== 10));
    const device = { bus: "platform", name: "odd", driver: null, matches: [], compatible: ["atmel,at45", "a b*", "/bin/*"] };
    board.kernel.addDevice({ ...device, modalias: Buffer.concat([modalias, Buffer.from("\n")]) });
    const [odd] = (await board.look(shell, { bus: "platform", name: "odd" })).devices;
    const bytes = (odd?.modalias ?? "").replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    // A tab or space at an end, and the carriage return, are a value's own bytes as well.
    expect(Buffer.from(bytes, "latin1").equals(modalias)).toBe(true);
    expect(odd?.compatible?.split(",").map(decode)).toEqual(["atmel,at45", "a b*", "/bin/*"]);
  });

  promise(shell, "tells what is missing, and the names that are there instead", async () => {
    const { board } = made;
    addI2c();
    board.write("lib/modules/6.1.0-test/modules.dep", "kernel/drivers/vfio/vfio_platform.ko.xz: kernel/a.ko\n");
    const answer = await board.look(
      shell,
      { bus: "platform", name: "13860000.i2d" },
      { bus: "platfrom", name: "13860000.i2c" },
      { bus: "platform", name: "13860000.i2c", driver: "vfio-platform", module: "vfio-platform" },
      { bus: "platform", name: "13860000.i2c", driver: "nothing", module: "no.hing" },
    );
    expect(answer.devices.slice(0, 2)).toEqual([
      { index: "0", present: "no", bus: "yes", similar: "13860000.i2c" },
      { index: "1", present: "no", bus: "no", similar: "platform" },
    ]);
    expect(answer.devices[2]).toMatchObject({ present: "yes", registered: "no", bindable: "no", loadable: "yes", similar: "s3c-i2c" });
    expect(answer.devices[3]).toMatchObject({ registered: "no", loadable: "no" });
    expect(made.board.kernel.writes).toEqual([]);
  });
});

describe("in dash", () => {
  promise(dash, "tells the IOMMU group, who else is in it, and its file", async () => {
    const { board } = made;
    board.kernel.addDriver("pci", "e1000e");
    for (const name of ["0000:00:1f.0", "0000:00:1f.2"]) {
      board.kernel.addDevice(
        { bus: "pci", name, driver: name.endsWith("2") ? "e1000e" : null, override: null, matches: [], group: "7" },
        "pci0000:00",
      );
    }
    board.write("dev/vfio/7", "");
    const [device] = (await board.look(dash, { bus: "pci", name: "0000:00:1f.0" })).devices;
    expect(device).toMatchObject({ group: "7", members: "0000:00:1f.0;-,0000:00:1f.2;e1000e", node: "/dev/vfio/7" });
  });

  promise(dash, "ends with the path that the kernel holds when a read does not come back", async () => {
    const { board } = made;
    addI2c();
    let letGo = (_: string) => {};
    const held = new Promise<string>((resolve) => (letGo = resolve));
    board.kernel.addSlowFile("devices/platform/13860000.i2c/driver_override", held);
    const running = board.ask(dash, "look", [
      ["transaction", "a1", "me", "1", "no"],
      ["device", "platform", "13860000.i2c", "-", "-"],
    ]);
    await new Promise<void>((resolve) => running.child.stdout.on("data", (data: Buffer) => data.includes(" held ") && resolve()));
    letGo("(null)\n");
    const answer = await running.done;
    expect(answer.held).toBe(`${board.root}/sys/devices/platform/13860000.i2c/driver_override`);
  });

  promise(dash, "answers nothing to a name that is no name", async () => {
    for (const name of ["..", ".", "a/b", "%2E%2E", "a%2Fb", "-", "a%0Ab"]) {
      const answer = await made.board.ask(dash, "look", [["device", "platform", name, "-", "-"]]).done;
      expect(answer).toMatchObject({ code: 64, stdout: "" });
    }
  });
});
