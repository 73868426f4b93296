import { expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, groupOf, stateOf } from "./eyes";
import { holdOpen } from "./holder";

const card: DeviceName = ["pci", "0000:00:01.0"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const onVfio = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci", timeoutSeconds: 5 };

onBoard("arm64", "a device that the kernel holds", (bench) => {
  test("refuses before the first write a device that somebody holds open, and says who", async () => {
    const { board } = bench;
    const binding = bench.binding(onVfio);
    await binding.create();
    const holder = await holdOpen(board, await groupOf(board, card), card[1]);
    await bench.writes();
    const held = `The device is held open by virtual-machine/${holder}.`;
    expect(await refusalOf(binding.update({ driver: "e1000e" }))).toContain(held);
    expect(await refusalOf(binding.delete())).toContain(held);
    expect(await bench.writes()).toEqual([]);
    await board.shell(`kill ${holder}`);
    await expect.poll(() => board.shell(`[ -e /proc/${holder} ] || echo gone`), { timeout: 60_000 }).toBe("gone");
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("names who holds a device, lets others go on, and undoes by itself when the holder ends", async () => {
    const { board } = bench;
    const binding = bench.binding({ ...onVfio, force: true });
    await binding.create();
    const holder = await holdOpen(board, await groupOf(board, card), card[1]);
    expect(await refusalOf(binding.update({ driver: "e1000e" }))).toBe(
      `Binding 0000:00:01.0 on ${addressOf(board)} to "e1000e" is stuck: the kernel holds the write to unbind and does not come back. ` +
        `Held open by virtual-machine/${holder}. 0000:00:01.0 is between two drivers; the board finishes the undo by itself when the kernel ` +
        "lets go. End what holds the device, then run `pulumi up` again.",
    );
    expect(binding.state).toMatchObject({ previousDriver: "e1000e", claimant: "org/lab/dev/0000:00:01.0" });
    const folder = `/sys/bus/pci/devices/${card[1]}`;
    const reading = `cat ${folder}/driver_override </dev/null >/tmp/override 2>&1 & sleep 2; [ -s /tmp/override ] && echo read || echo waits`;
    expect(await board.shell(`[ -L ${folder}/driver ] && echo there || echo gone`), "no link is not unbound").toBe("gone");
    expect(await board.shell(reading), "so a look has a limit on each read, and never asks a stuck device").toBe("waits");

    expect(await refusalOf(binding.update())).toContain("An earlier transaction on the device is stuck");
    const other = bench.binding({ bus: "platform", device: "a003c00.virtio_mmio", driver: null });
    await other.create();
    expect(await driverOf(board, generator)).toBeNull();
    await other.delete();
    expect(await driverOf(board, generator)).toBe("virtio-mmio");

    await board.shell(`kill ${holder}`);
    await expect.poll(() => stateOf(board, card), { timeout: 60_000, interval: 500 }).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    await expect.poll(() => board.shell("ls /run/devbind/*/stuck.* 2>/dev/null || true"), { timeout: 60_000, interval: 500 }).toBe("");
    expect(await binding.update()).toMatchObject({ currentDriver: "e1000e", previousDriver: "e1000e" });
    await binding.delete();
    expect(await stateOf(board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("says exactly that the undo failed too, where a driver never takes its device again, and goes on with the next update", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    const binding = bench.binding({ bus: "platform", device: "9020000.fw-cfg", driver: "virtio-mmio" });
    expect(await refusalOf(binding.create())).toBe(
      `Binding 9020000.fw-cfg on ${addressOf(board)} to "virtio-mmio" is stuck: the kernel refused the write to bind (ENODEV). ` +
        "The undo failed too: platform,9020000.fw-cfg did not come back; 9020000.fw-cfg has no driver. " +
        "Run `pulumi up` again with a driver that takes the device, or reboot the board.",
    );
    expect(binding.state).toMatchObject({ currentDriver: null, previousDriver: "fw_cfg", previousOverride: null });
    expect(await binding.update({ driver: null })).toMatchObject({ currentDriver: null, driverOverride: null, previousDriver: "fw_cfg" });
    expect(await stateOf(board, ["platform", "9020000.fw-cfg"])).toEqual({ driver: null, override: null });
  });

  test("comes to an end and says so when a probe crashes while it holds its device, and others go on", async () => {
    bench.isSpoilt = true;
    const binding = bench.binding({ bus: "platform", device: "a003c00.virtio_mmio", driver: "basic-mmio-gpio", timeoutSeconds: 5 });
    expect(await refusalOf(binding.create())).toMatch(/^Binding a003c00\.virtio_mmio on \S+ to "basic-mmio-gpio" is stuck: /);
    const other = bench.binding(onVfio);
    expect(await other.create()).toMatchObject({ currentDriver: "vfio-pci" });
    await other.delete();
  });
});
