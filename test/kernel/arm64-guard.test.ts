import { expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, virtioBehind } from "./eyes";

const sessionCard: DeviceName = ["platform", "a003e00.virtio_mmio"];
const itself = { bus: "platform", device: "a003e00.virtio_mmio", driver: null };
const reason = "the network card eth0, which carries this SSH session";

onBoard("arm64", "the branch we sit on", (bench) => {
  test("refuses the card of its own session, and says so word for word", async () => {
    const device = await virtioBehind(bench.board, sessionCard);
    expect(await refusalOf(bench.binding({ bus: "virtio", device, driver: null }).create())).toBe(
      `Cannot bind ${device} on ${addressOf(bench.board)} to no driver. The device carries ${reason}. Nothing was written. ` +
        "Choose another device; `force: true` takes it all the same.",
    );
    expect(await bench.writes()).toEqual([]);
  });

  test("refuses what the session's card stands on, with the chain to it", async () => {
    const device = await virtioBehind(bench.board, sessionCard);
    expect(await refusalOf(bench.binding(itself).create())).toContain(`The device carries ${reason} (through ${device}).`);
    expect(await bench.writes()).toEqual([]);
  });

  test("refuses to bind the session's card anew for changed triggers, once it is adopted", async () => {
    const binding = bench.binding({ ...itself, driver: "virtio-mmio", triggers: [1] });
    expect(await binding.create()).toMatchObject({ currentDriver: "virtio-mmio" });
    expect(await refusalOf(binding.update({ triggers: [2] }))).toContain(`The device carries ${reason}`);
    expect(await bench.writes()).toEqual([]);
    await binding.delete();
  });

  test("does not refuse a card that carries nothing", async () => {
    const binding = bench.binding({ bus: "pci", device: "0000:00:04.0", driver: null });
    expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "virtio-pci" });
    await binding.delete();
    expect(await driverOf(bench.board, ["pci", "0000:00:04.0"])).toBe("virtio-pci");
  });

  test("comes to an end and says that the board is silent, when force cuts its own session", async () => {
    bench.isSpoilt = true;
    const connection = { ...(bench.binding(itself).inputs.connection as object), perDialTimeout: 5 };
    const binding = bench.binding({ ...itself, connection, force: true, timeoutSeconds: 2 });
    expect(await refusalOf(binding.create())).toMatch(
      /^The connection to \S+ was lost while a command was running there: .* How far the command came is not known\./,
    );
  });

  test("finds the session's card on its driver again after a reset", async () => {
    expect(await driverOf(bench.board, sessionCard)).toBe("virtio-mmio");
    const binding = bench.binding({ ...itself, driver: "virtio-mmio" });
    expect(await binding.create()).toMatchObject({ currentDriver: "virtio-mmio" });
    await binding.delete();
  });
});
