import { beforeAll, expect, test } from "vitest";
import { rows } from "../seed/rows";
import { onBoard } from "./bench";
import { refusalOf } from "./binding";
import { type DeviceName, driverOf, stateOf } from "./eyes";
import { installVfio } from "./own-vfio";
import { play } from "./play";

const adapter: DeviceName = ["platform", "13860000.i2c"];
const onAdapter = { bus: "platform", device: "13860000.i2c", driver: "s3c-i2c" };
const reason = "the network card eth0, which carries this SSH session";

onBoard("exynos", "the I2C controller of the RFC, and the board's own card", (bench) => {
  beforeAll(() => installVfio(bench.board), 600_000);

  test("unbinds the I2C controller and binds it again when triggers change, and only then", () => play(bench, rows.sameDriver));

  test("gives the I2C controller to vfio-platform and back, and leaves the device tree untouched", () => play(bench, rows.adapterToVfio));

  test("updates the driver in place: a reader who never pauses sees the old one, the new one, or none between them", () =>
    play(bench, rows.inPlace));

  test("stands in for the RFC's mv of the driver link, which the kernel refuses with each of its parts", () => play(bench, rows.linkByMv));

  test("keeps the I2C controller without a driver, and binds it again", async () => {
    const binding = bench.binding({ ...onAdapter, driver: null });
    expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "s3c-i2c" });
    expect(await driverOf(bench.board, adapter)).toBeNull();
    expect(await binding.update({ driver: "s3c-i2c" })).toMatchObject({ currentDriver: "s3c-i2c" });
    expect(await driverOf(bench.board, adapter)).toBe("s3c-i2c");
    await binding.delete();
    expect(await stateOf(bench.board, adapter)).toEqual({ driver: "s3c-i2c", override: null });
  });

  test("refuses the session's card", async () => {
    const binding = bench.binding({ bus: "platform", device: "5000000.ethernet", driver: null });
    expect(await refusalOf(binding.create())).toContain(`The device carries ${reason}.`);
    expect(await bench.writes()).toEqual([]);
  });

  test("refuses the regulator that supplies the session's card, with the chain to it", async () => {
    const binding = bench.binding({ bus: "platform", device: "reg-dummy", driver: null });
    const message = await refusalOf(binding.create());
    expect(message).toContain(`The device carries ${reason}, supplied by`);
    expect(message).toContain("regulator.0");
    expect(await bench.writes()).toEqual([]);
  });

  test("would lose that regulator, and trace, while the card stays bound: so the kernel, which refuses nothing", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    await board.shell("dmesg -c >/dev/null; echo reg-dummy >/sys/bus/platform/drivers/reg-dummy/unbind");
    expect(await driverOf(board, ["platform", "reg-dummy"])).toBeNull();
    expect(await driverOf(board, ["platform", "5000000.ethernet"])).toBe("smsc911x");
    expect(await board.shell("dmesg")).toContain("WARNING: ");
  });

  test("unbinds a DMA controller that is in use, as the kernel lets it with a warning", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    await board.shell("dmesg -c >/dev/null");
    const device = await board.shell("basename $(ls -d /sys/bus/amba/drivers/dma-pl330/*.* | head -n 1)");
    const binding = bench.binding({ bus: "amba", device, driver: null });
    expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "dma-pl330" });
    expect(await board.shell("dmesg")).toContain("WARNING: ");
  });
});
