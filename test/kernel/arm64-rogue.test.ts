import { beforeEach, expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const device = "a003c00.virtio_mmio";
const generator: DeviceName = ["platform", device];
const onRogue = { bus: "platform", device, driver: "devbind-rogue" };
const onItsOwn = { driver: "virtio-mmio", override: null };
const seeDmesg = "The driver's own probe refused the device: `dmesg` on the board may say why.";

onBoard("arm64", "a driver that behaves badly", (bench) => {
  const parameters = "/sys/module/devbind_rogue/parameters";
  const behave = (parameter: string, value: string | number) => bench.board.shell(`echo ${value} >${parameters}/${parameter}`);
  const stateNow = () => stateOf(bench.board, generator);

  beforeEach(() =>
    bench.board.shell(
      `modprobe devbind_rogue && cd ${parameters} && for each in error probe_seconds; do echo 0 >$each; done && for each in oops leaves holds; do echo N >$each; done`,
    ),
  );

  test.each([
    ["ENOENT", 2],
    ["EIO", 5],
    ["ENXIO", 6],
    ["ENOMEM", 12],
    ["EBUSY", 16],
    ["ENODEV", 19],
    ["EINVAL", 22],
    ["EOPNOTSUPP", 95],
    ["ETIMEDOUT", 110],
    ["Protocol error", 71],
  ])("leaves the device with its old driver and names %s, when the probe refuses it with that", async (errno, number) => {
    await behave("error", number);
    expect(await refusalOf(bench.binding(onRogue).create())).toBe(
      `Cannot bind ${device} on ${addressOf(bench.board)} to "devbind-rogue": the kernel refused the write to bind (${errno}). ` +
        `${device} is back with "virtio-mmio"; nothing changed. ${seeDmesg}`,
    );
    expect(await stateNow()).toEqual(onItsOwn);
  });

  test("binds the driver while it behaves, keeps it through a refused update, and gives the device back", async () => {
    const binding = bench.binding(onRogue);
    expect(await binding.create()).toMatchObject({ currentDriver: "devbind-rogue", previousDriver: "virtio-mmio" });
    expect(await refusalOf(binding.update({ driver: "gpio-clk" }))).toContain(`${device} is back with "devbind-rogue"; nothing changed.`);
    expect(await stateNow()).toEqual({ driver: "devbind-rogue", override: "devbind-rogue" });
    await binding.delete();
    expect(await stateNow()).toEqual(onItsOwn);
  });

  test("undoes, and says why, when the driver takes the device and lets go of it right after", async () => {
    await behave("leaves", "Y");
    const message = await refusalOf(bench.binding(onRogue).create());
    expect(message).toContain("the driver took the device and let go of it right after");
    expect(message).toContain(`${device} is back with "virtio-mmio"; nothing changed.`);
    expect(await stateNow()).toEqual(onItsOwn);
  });

  test("does not say that a device is back when its old driver lets go of it again during the undo", async () => {
    const binding = bench.binding(onRogue);
    await binding.create();
    await behave("leaves", "Y");
    const message = await refusalOf(binding.update({ driver: "gpio-clk" }));
    expect(await stateNow()).toMatchObject({ driver: null });
    expect(message).not.toContain("nothing changed");
    expect(message).toContain(`${device} has no driver`);
    expect(await binding.update({ driver: "virtio-mmio" })).toMatchObject({ currentDriver: "virtio-mmio" });
    await binding.delete();
  });

  test("says exactly that the undo failed too when the old driver refuses its device by then, and goes on with the next update", async () => {
    const binding = bench.binding(onRogue);
    await binding.create();
    await behave("error", 16);
    expect(await refusalOf(binding.update({ driver: "gpio-clk" }))).toBe(
      `Binding ${device} on ${addressOf(bench.board)} to "gpio-clk" is stuck: the kernel refused the write to bind (ENOENT). ` +
        `The undo failed too: platform,${device} did not come back; ${device} has no driver. ` +
        "Run `pulumi up` again with a driver that takes the device, or reboot the board.",
    );
    await behave("error", 0);
    expect(await binding.update({ driver: "devbind-rogue" })).toMatchObject({
      currentDriver: "devbind-rogue",
      previousDriver: "virtio-mmio",
    });
    await binding.delete();
    expect(await stateNow()).toEqual(onItsOwn);
  });
});
