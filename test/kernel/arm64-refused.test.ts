import { afterEach, beforeEach, expect, test } from "vitest";
import { addressOf, type Inputs, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { events } from "./eyes";

const card = { bus: "pci", device: "0000:00:01.0" };

onBoard("arm64", "refused before anything is written", (bench) => {
  let before = "";
  beforeEach(async () => {
    before = await events(bench.board);
  });
  afterEach(async () => {
    expect(await bench.writes()).toEqual([]);
    expect(await events(bench.board)).toBe(before);
  });

  const refused: [promise: string, inputs: Inputs, words: string[]][] = [
    [
      "a driver that is not there, with the names most like it",
      { ...card, driver: "e1000" },
      [
        'Cannot bind 0000:00:01.0 on ADDRESS to "e1000"',
        'The bus pci has no driver "e1000"',
        '"e1000e"',
        "no module of its name is installed",
      ],
    ],
    [
      "a device that is not there",
      { bus: "pci", device: "0000:00:01.7", driver: "vfio-pci" },
      ['no device "0000:00:01.7"', "0000:00:01.0"],
    ],
    [
      "to keep a binding over reboots on a board without systemd",
      { ...card, driver: "vfio-pci", persist: true },
      [
        "The board does not run systemd, whose unit would bring the binding back at boot. Nothing was written. Write the binding into the board's own init script",
      ],
    ],
    ["a bus that is not there", { bus: "pcie", device: "0000:00:01.0", driver: "vfio-pci" }, ['The board has no bus "pcie"', '"pci"']],
    [
      "to take a device from a driver that has no unbind file",
      { bus: "platform", device: "9050000.smmuv3", driver: null },
      ['Its driver "arm-smmu-v3" has no unbind file: the kernel does not let go of it.'],
    ],
    [
      "the console, for both reasons",
      { bus: "amba", device: "9000000.pl011", driver: null },
      ["carries the console ttyAMA0", 'Its driver "uart-pl011" has no unbind file'],
    ],
    [
      "to give a device to a driver that has no bind file",
      { bus: "platform", device: "a003c00.virtio_mmio", driver: "arm-smmu-v3" },
      ['The driver "arm-smmu-v3" has no bind file'],
    ],
    [
      "to give vfio-platform a device that it would refuse, for all reasons that can be told beforehand",
      { bus: "platform", device: "a003c00.virtio_mmio", driver: "vfio-platform" },
      [
        'The bus platform has no driver "vfio-platform"',
        'The device is behind no IOMMU (it has no IOMMU group), without which "vfio-platform" takes none.',
        '"vfio-platform" wants to reset the device, and the board has no reset function for "virtio,mmio".',
        '`moduleParameters: { reset_required: "0" }` goes without',
      ],
    ],
  ];
  test.each(refused)("refuses %s", async (_promise, inputs, words) => {
    const message = await refusalOf(bench.binding(inputs).create());
    for (const word of words) expect(message).toContain(word.replace("ADDRESS", addressOf(bench.board)));
    expect(message).toContain("Nothing was written.");
  });

  test("says the whole refusal word for word", async () => {
    const { board } = bench;
    expect(await refusalOf(bench.binding({ ...card, driver: "vfio-pcy" }).create())).toBe(
      `Cannot bind 0000:00:01.0 on ${addressOf(board)} to "vfio-pcy". The bus pci has no driver "vfio-pcy" (there are "virtio-pci", ` +
        '"pcieport", "shpchp" and 3 more), and no module of its name is installed for the running kernel. Nothing was written. ' +
        "Correct the name, name the `module` that brings it, or install it first.",
    );
  });

  test("refuses a device that another stack has claimed, with that stack's name", async () => {
    const mine = bench.binding({ ...card, driver: "e1000e" });
    await mine.create();
    const theirs = bench.binding({ ...card, driver: "vfio-pci", claimant: "org/other/dev/card" });
    expect(await refusalOf(theirs.create())).toContain("The device is claimed by org/lab/dev/0000:00:01.0.");
    await mine.delete();
  });
});
