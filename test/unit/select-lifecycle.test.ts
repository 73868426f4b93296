import { beforeEach, describe, expect, it, vi } from "vitest";
import * as board from "../../provider/board/board";
import { create, delete as remove, read, update } from "../../provider/runtime";
import type { Device } from "../../provider/schema";
import type { Selector } from "../../provider/selector";
import { aBoard, aDevice, bound, claimant, outputs, wishes } from "./made";

/** Create, update, read and delete by a selector, between the plan and the board; the board itself is made up here. */
vi.mock("../../provider/board/board", async (original) => ({ ...(await original<typeof board>()), look: vi.fn(), apply: vi.fn() }));
const look = vi.mocked(board.look);
const apply = vi.mocked(board.apply);
const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
beforeEach(() => {
  for (const mock of [look, apply, warn]) mock.mockReset();
});

const pciId = "8086:10d3";
const byId = { device: { pciId } };
const selector: Selector = { key: "pciId", value: pciId };
const elsewhere = "0000:00:05.0";
const claimed = (by: string, networkInterface: string | null = null) => ({
  claim: { claimant: by, driver: "e1000e", override: null, networkInterface },
});
const seen = (device: Partial<Device> = {}) => ({ board: aBoard(), devices: [aDevice({ selector, ...device })] });
const outcome = { problem: "-", kernel: null, path: null, holder: [], left: null, undoing: null, after: null };
const answered = (is: "done" | "moved", device: Partial<Device> = {}) => ({ outcome: { ...outcome, is }, observation: seen(device) });
const sent = (call = 0) => apply.mock.calls[call]?.[1];
const steps = (call = 0) =>
  sent(call)
    ?.steps.map(({ word, value }) => `${word} ${value ?? "-"}`)
    .join(", ");

const refusalOf = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => "it did not fail",
    (error: unknown) => String(error instanceof Error ? error.message : error),
  );

describe("create by a selector", () => {
  it("binds the device that it means, and asks the board to check that once more", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValue(answered("done", { ...bound, ...claimed(claimant) }));
    const { outs } = await create(wishes(byId));
    expect(look.mock.calls[0]?.[1]).toMatchObject([{ device: selector }]);
    expect(sent()).toMatchObject({ left: [], devices: [{ device: "0000:00:02.0", selector, claim: "take" }] });
    expect(outs).toMatchObject({ device: { pciId }, deviceName: "0000:00:02.0", previousDriver: "e1000e" });
  });

  it("writes nothing where it means none or several", async () => {
    look.mockResolvedValueOnce(seen({ isPresent: false, name: 'the device with pciId "8086:10d3"' }));
    expect(await refusalOf(create(wishes(byId)))).toBe(
      'Cannot bind the device with pciId "8086:10d3" on root@10.0.0.21:22 to "vfio-pci". The bus pci has no device with pciId "8086:10d3". ' +
        "Nothing was written. Correct it, or bring the device there first.",
    );
    look.mockResolvedValueOnce(seen({ isPresent: false, matches: [{ name: elsewhere, driver: null }] }));
    expect(await refusalOf(create(wishes(byId)))).toContain(`The bus pci has 1 devices`);
    expect(apply).not.toHaveBeenCalled();
  });

  it("plans again for the device that it means by the time of the write", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValueOnce(answered("moved", { name: elsewhere, driver: null }));
    apply.mockResolvedValueOnce(answered("done", { name: elsewhere, ...bound }));
    expect((await create(wishes(byId))).outs).toMatchObject({ deviceName: elsewhere, previousDriver: null });
    expect([sent(0)?.devices[0]?.device, sent(1)?.devices[0]?.device]).toEqual(["0000:00:02.0", elsewhere]);
    expect(steps(1)).toBe("override vfio-pci, bind vfio-pci");
  });

  it("is refused by name for the second of two bindings that mean the same device", async () => {
    look.mockResolvedValue(seen({ ...bound, ...claimed("organization/lab/dev/first") }));
    expect(await refusalOf(create(wishes(byId)))).toContain(
      'Cannot bind 0000:00:02.0 on root@10.0.0.21:22 to "vfio-pci". The device is claimed by organization/lab/dev/first. Nothing was written.',
    );
    expect(apply).not.toHaveBeenCalled();
  });

  it("writes nothing to a device that is not what expect says", async () => {
    look.mockResolvedValue(seen());
    const expected = { ...byId, expect: { pciId: "1234:11e8" } };
    expect(await refusalOf(create(wishes(expected)))).toContain(
      'its pciId is "8086:10d3:8086:0000", not "1234:11e8". Nothing was written.',
    );
    expect(apply).not.toHaveBeenCalled();
  });
});

describe("update by a selector", () => {
  const ours = { ...bound, ...claimed(claimant) };

  it("follows the device to its new place: it keeps its past, and our claim on the old place is dropped", async () => {
    look.mockResolvedValue(seen({ name: elsewhere, driver: "virtio-pci" }));
    apply.mockResolvedValue(answered("done", { ...ours, name: elsewhere }));
    const { outs } = await update("id", outputs(byId), wishes(byId));
    expect(steps()).toBe("override vfio-pci, unbind virtio-pci, bind vfio-pci");
    expect(sent()).toMatchObject({
      left: [{ bus: "pci", device: "0000:00:02.0", of: 0 }],
      devices: [{ device: elsewhere, claim: "take", past: { driver: "e1000e", override: null } }],
    });
    expect(outs).toMatchObject({ deviceName: elsewhere, previousDriver: "e1000e", previousOverride: null });
  });

  it("takes the past of what is there where another kind of device answers to it now", async () => {
    look.mockResolvedValue(seen({ name: elsewhere, driver: "igb", modalias: "pci:another" }));
    apply.mockResolvedValue(answered("done", { ...ours, name: elsewhere }));
    expect((await update("id", outputs(byId), wishes(byId))).outs).toMatchObject({ previousDriver: "igb" });
  });

  it("of a name to a selector for the same device writes nothing", async () => {
    look.mockResolvedValue(seen(ours));
    expect((await update("id", outputs(), wishes(byId))).outs).toMatchObject({ device: { pciId }, deviceName: "0000:00:02.0" });
    expect(apply).not.toHaveBeenCalled();
  });

  it("of a name to a network interface claims the device anew, by that name, and writes nothing", async () => {
    look.mockResolvedValue(seen({ ...ours, selector: { key: "networkInterface", value: "eth0" } }));
    apply.mockResolvedValue(answered("done", ours));
    await update("id", outputs(), wishes({ device: { networkInterface: "eth0" } }));
    expect([steps(), sent()?.devices[0]?.claim, sent()?.devices[0]?.past.driver]).toEqual(["", "take", "e1000e"]);
  });

  it("of a network interface that the claim tells already asks for nothing", async () => {
    look.mockResolvedValue(seen({ ...bound, ...claimed(claimant, "eth0") }));
    const byName = { device: { networkInterface: "eth0" } };
    await update("id", outputs(byName), wishes(byName));
    expect(apply).not.toHaveBeenCalled();
  });

  it("refuses to follow a changed selector to another device, which no look had told", async () => {
    look.mockResolvedValue(seen({ name: elsewhere }));
    expect(await refusalOf(update("id", outputs(), wishes(byId)))).toBe(
      `Cannot bind ${elsewhere} on root@10.0.0.21:22 to "vfio-pci". This resource has bound 0000:00:02.0 so far, and the device with ` +
        `pciId "8086:10d3" is ${elsewhere}: no look had told so before this update. Nothing was written. Run \`pulumi up\` again: when the ` +
        "board answers its look, it gives the old device back and binds the other one.",
    );
    expect(apply).not.toHaveBeenCalled();
  });
});

describe("read by a selector", () => {
  it("gives the state at the device's new place", async () => {
    look.mockResolvedValue(seen({ name: elsewhere, driver: null }));
    expect(await read("id", outputs(byId))).toMatchObject({ id: "id", props: { deviceName: elsewhere, currentDriver: null } });
    expect(look.mock.calls[0]?.[1]).toMatchObject([{ device: selector, known: "0000:00:02.0" }]);
  });

  it("ends the resource of a device that is gone, and never that of one among several", async () => {
    look.mockResolvedValueOnce(seen({ isPresent: false }));
    expect(await read("id", outputs(byId))).toMatchObject({ id: "" });
    look.mockResolvedValueOnce(seen({ isPresent: false, name: "x", matches: [bound, bound].map(() => ({ name: "a", driver: null })) }));
    expect(await refusalOf(read("id", outputs(byId)))).toBe(
      'Cannot read x on root@10.0.0.21:22. The bus pci has 2 devices with pciId "8086:10d3": a (no driver), a (no driver). ' +
        "Nothing was written, and the state is as it was. Name one of them, or choose by what only one of them has.",
    );
  });
});

describe("delete by a selector", () => {
  const back = "override -, unbind vfio-pci, bind e1000e";

  it("gives back the device that it means, where that is the one that was bound", async () => {
    look.mockResolvedValue(seen({ ...bound, ...claimed(claimant) }));
    apply.mockResolvedValue(answered("done"));
    await remove("id", outputs(byId));
    expect(look.mock.calls[0]?.[1]).toMatchObject([{ device: selector, known: "0000:00:02.0" }]);
    expect(sent()?.devices).toMatchObject([{ device: "0000:00:02.0", selector, known: "0000:00:02.0", claim: "drop" }]);
    expect([steps(), warn.mock.calls]).toEqual([back, []]);
  });

  it("gives back a device at another place that our claim covers", async () => {
    look.mockResolvedValue(seen({ ...bound, name: elsewhere, ...claimed(claimant) }));
    apply.mockResolvedValue(answered("done"));
    await remove("id", outputs(byId));
    expect([steps(), sent()?.devices[0]?.device]).toEqual([back, elsewhere]);
  });

  it("lets go of a device at another place without a write, drops our claim on the old place, and says so", async () => {
    look.mockResolvedValue(seen({ ...bound, name: elsewhere }));
    apply.mockResolvedValue(answered("done", { name: elsewhere }));
    await remove("id", outputs(byId));
    expect([steps(), sent()?.left, sent()?.devices[0]?.claim]).toEqual(["", [{ bus: "pci", device: "0000:00:02.0" }], "keep"]);
    expect(warn.mock.calls).toEqual([
      [`${claimant}: let go without a write: its selector means ${elsewhere} now, and what was bound is 0000:00:02.0.`],
    ]);
  });

  it.each<[title: string, device: Partial<Device>, words: string]>([
    ["none", { isPresent: false }, 'no device has pciId "8086:10d3"'],
    ["several", { isPresent: false, matches: [{ name: "a", driver: null }] }, '1 devices have pciId "8086:10d3"'],
  ])("writes nothing where it means %s, and says so", async (_, device, words) => {
    look.mockResolvedValue(seen(device));
    await remove("id", outputs(byId));
    expect([apply.mock.calls, warn.mock.calls]).toEqual([[], [[`${claimant}: let go without a write: ${words}.`]]]);
  });

  it("drops its own claim on the place of a device that is gone", async () => {
    look.mockResolvedValue(seen({ isPresent: false, ...claimed(claimant) }));
    apply.mockResolvedValue(answered("done", { isPresent: false }));
    await remove("id", outputs(byId));
    expect([steps(), sent()?.left]).toEqual(["", [{ bus: "pci", device: "0000:00:02.0" }]]);
    expect(sent()?.devices).toMatchObject([{ device: "", known: "0000:00:02.0", seen: { isGone: true }, claim: "keep" }]);
    look.mockResolvedValue(seen({ isPresent: false, ...claimed("another") }));
    await remove("id", outputs(byId));
    expect(apply).toHaveBeenCalledTimes(1);
  });

  it("writes nothing to what somebody else has claimed since", async () => {
    look.mockResolvedValue(seen({ ...bound, name: elsewhere, ...claimed("another") }));
    await remove("id", outputs(byId));
    expect(apply).not.toHaveBeenCalled();
  });

  it("drops its claim on a device that is not what expect says, writes nothing to it, and says so", async () => {
    look.mockResolvedValue(seen({ ...bound, ...claimed(claimant) }));
    apply.mockResolvedValue(answered("done", bound));
    await remove("id", outputs({ expect: { pciId: "1234:11e8" } }));
    expect([steps(), sent()?.left]).toEqual(["", [{ bus: "pci", device: "0000:00:02.0" }]]);
    expect(warn.mock.calls[0]?.[0]).toBe(`${claimant}: let go without a write: its pciId is "8086:10d3:8086:0000", not "1234:11e8".`);
  });
});
