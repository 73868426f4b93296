import { afterEach, expect, test, vi } from "vitest";
import { onBoard } from "./bench";
import { refusalOf } from "./binding";
import { type DeviceName, driverOf, moveByHand } from "./eyes";

const host = { bus: "platform", device: "4010000000.pcie", driver: "pci-host-generic" };
const card: DeviceName = ["pci", "0000:00:01.0"];
const testDevice: DeviceName = ["pci", "0000:00:03.0"];

afterEach(() => vi.restoreAllMocks());

onBoard("arm64", "what is bound below a device", (bench) => {
  test("names after a rebind of the PCI host what did not come back to its driver, and only that", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    await board.shell("modprobe pci_stub");
    await moveByHand(board, testDevice, "pci-stub", "pci-stub");
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const binding = bench.binding({ ...host, triggers: [1] });
    await binding.create();
    await binding.update({ triggers: [2] });
    expect(await driverOf(board, card)).toBe("e1000e");
    expect(warn.mock.calls.map(([words]) => String(words).replace(/^On \S+: /, ""))).toEqual([
      "Not bound any more, with what they depended on: 0000:00:03.0 (pci-stub).",
    ]);
  });

  test("names in the error what did not come back although the device itself is back", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    await board.shell("modprobe pci_stub");
    await moveByHand(board, testDevice, "pci-stub", "pci-stub");
    const words = await refusalOf(bench.binding({ ...host, driver: "virtio-mmio" }).create());
    expect(words).toContain('4010000000.pcie is back with "pci-host-generic". Not bound any more');
    expect(words).toContain("0000:00:03.0 (pci-stub)");
    expect(words).not.toContain("e1000e)");
  });
});
