import { expect, test } from "vitest";
import { refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, moveByHand, stateOf } from "./eyes";

const keys: DeviceName = ["platform", "gpio-keys"];
const controller: DeviceName = ["amba", "9030000.pl061"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const onRogue = { bus: "platform", device: generator[1], driver: "devbind-rogue" };
const defer = "/sys/module/devbind_rogue/parameters/defer";

onBoard("arm64", "a device that waits for another", (bench) => {
  /** Has the board run a command two seconds after a transaction gave this device its override, which is right before the bind. */
  const soonAfterBegun = ([bus, name]: DeviceName, driver: string, command: string) => {
    const isBegun = `grep -qx ${driver} /sys/bus/${bus}/devices/${name}/driver_override`;
    return bench.board.shell(`setsid sh -c 'until ${isBegun}; do usleep 100000; done; sleep 2; ${command}' </dev/null >/dev/null 2>&1 &`);
  };
  const bindsOf = async ([, name]: DeviceName) => (await bench.writes()).filter((write) => write === `bind ${name}`).length;

  test("binds the keys while their GPIO controller is still away, and is done when it comes", async () => {
    const { board } = bench;
    await moveByHand(board, keys, null);
    await moveByHand(board, controller, null);
    await soonAfterBegun(keys, "gpio-keys", "echo 9030000.pl061 >/sys/bus/amba/drivers/pl061_gpio/bind");
    const binding = bench.binding({ bus: "platform", device: "gpio-keys", driver: "gpio-keys", timeoutSeconds: 60 });
    expect(await binding.create()).toMatchObject({ currentDriver: "gpio-keys", previousDriver: null });
    expect(await driverOf(board, controller)).toBe("pl061_gpio");
    expect(await bindsOf(keys)).toBeGreaterThan(1);

    await binding.delete();
    expect(await stateOf(board, keys)).toEqual({ driver: null, override: null });
    await moveByHand(board, keys, "gpio-keys");
  });

  test("takes a device from its driver for one that waits, and is done when the waiting ends", async () => {
    await bench.board.shell(`modprobe devbind_rogue && echo Y >${defer}`);
    await soonAfterBegun(generator, "devbind-rogue", `echo N >${defer}`);
    const binding = bench.binding({ ...onRogue, timeoutSeconds: 60 });
    expect(await binding.create()).toMatchObject({ currentDriver: "devbind-rogue", driverOverride: "devbind-rogue" });
    expect(await bindsOf(generator)).toBeGreaterThan(1);
    await binding.delete();
    expect(await stateOf(bench.board, generator)).toEqual({ driver: "virtio-mmio", override: null });
  });

  test("undoes a probe that stays deferred, says that it is, and leaves none behind for the kernel to try later", async () => {
    const { board } = bench;
    await board.shell(`modprobe devbind_rogue && echo Y >${defer}`);
    const message = await refusalOf(bench.binding({ ...onRogue, timeoutSeconds: 6 }).create());
    expect(message).toContain("the kernel refused the write to bind (EAGAIN)");
    expect(message).toContain('a003c00.virtio_mmio is back with "virtio-mmio"; nothing changed.');
    expect(message).toContain("the probe is deferred");
    await board.shell(`echo N >${defer} && sleep 2`);
    expect(await stateOf(board, generator)).toEqual({ driver: "virtio-mmio", override: null });
  });
});
