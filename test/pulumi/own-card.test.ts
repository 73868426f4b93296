import { expect, test } from "vitest";
import { configureCard } from "../boards/session-card";
import { connectionTo, saidOn, told, useLab } from "./lab";

const lab = useLab(["d1".repeat(16)]);

test("up says undone, and the board answers again, when a change cuts the link and nobody can confirm it", async () => {
  const board = lab.board();
  const args = {
    connection: connectionTo(board),
    bus: "platform",
    device: "a003e00.virtio_mmio",
    driver: null,
    force: true,
    confirmSeconds: 10,
    timeoutSeconds: 10,
    afterRebind: ["sh", "-c", configureCard],
  };
  const stack = await lab.openProgram({ card: { args } });
  const up = await stack.up({ expectFailure: true });
  expect(told(up)).toContain("card: failed create");
  const words = up.messages.map(({ text }) => text).join("\n");
  expect(words).toContain("no new login reached the board within 10 seconds (confirmSeconds), so the board undid it by itself");
  expect(words).toContain('a003e00.virtio_mmio is back with "virtio-mmio"; nothing changed.');
  expect(await board.shell("basename $(readlink /sys/bus/platform/devices/a003e00.virtio_mmio/driver)")).toBe("virtio-mmio");
});

test("a preview names what would lose its driver together with a PCI host, and is no error for it", async () => {
  const args = { connection: connectionTo(lab.board()), bus: "platform", device: "4010000000.pcie", driver: null };
  const stack = await lab.openProgram({ host: { args } });
  const said = saidOn(await stack.preview(), "host");
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^warning: Unbinding 4010000000\.pcie also takes from their drivers what depends on it: /);
  for (const name of ["0000:00:01.0 (e1000e)", "0000:00:02.0 (e1000e)", "0000:00:05.0 (virtio-pci)"]) expect(said[0]).toContain(name);
});
