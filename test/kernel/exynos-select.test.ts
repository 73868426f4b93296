import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { type DeviceName, driverOf } from "./eyes";

const adapter: DeviceName = ["platform", "13860000.i2c"];

onBoard("exynos", "the I2C controller of the RFC, by a selector", (bench) => {
  test.each<Record<string, string>>([
    { address: "13860000" },
    { compatible: "samsung,s3c2440-i2c" },
    { deviceTreePath: "/soc/i2c@13860000" },
  ])("finds it by %j, unbinds it and binds it again", async (selector) => {
    const binding = bench.binding({ bus: "platform", device: selector, driver: "s3c-i2c" });
    expect(await binding.create()).toMatchObject({ deviceName: adapter[1], currentDriver: "s3c-i2c" });
    await binding.update({ triggers: [1] });
    expect(await bench.writes()).toEqual(["unbind 13860000.i2c", "bind 13860000.i2c"]);
    expect(await driverOf(bench.board, adapter)).toBe("s3c-i2c");
    await binding.delete();
  });
});
