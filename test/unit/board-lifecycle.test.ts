import { beforeEach, describe, expect, it, vi } from "vitest";
import * as board from "../../provider/board/board";
import { DevbindError } from "../../provider/errors";
import { create, delete as remove, read, update } from "../../provider/runtime";
import type { Device } from "../../provider/schema";
import type { LookItem, Transaction } from "../../provider/transaction";
import { aBoard, bound } from "./made";
import { boardOutputs, boardWishes, deviceOn, entry, names, ours } from "./made-board";

/** Create, update, read and delete of many devices; the board itself is made up here, and remembers what each of its devices is. */
vi.mock("../../provider/board/board", async (original) => ({ ...(await original<typeof board>()), look: vi.fn(), apply: vi.fn() }));
const look = vi.mocked(board.look);
const apply = vi.mocked(board.apply);

let devices: Record<string, Device> = {};
const known = (name: string): Device => {
  const device = devices[name];
  if (!device) throw new Error(`no device ${name} here`);
  return device;
};
const seen = (items: readonly Pick<LookItem, "device">[]) => ({
  board: aBoard(),
  devices: items.map(({ device }) => known(String(device))),
});
const outcome = (is: board.Outcome["is"], changed: Partial<board.Outcome> = {}): board.Outcome => ({
  ...{ is, problem: "-", kernel: null, path: null, holder: [], left: null, undoing: null, after: null },
  ...changed,
});

/** What a board does that takes everything. */
function done(transaction: Transaction) {
  for (const { device, wish, claim, past } of transaction.devices) {
    const before = known(device);
    const driver = wish.driver === undefined ? before.driver : wish.driver;
    const override = wish.override === undefined ? before.override : wish.override;
    const claims = { take: { claimant: transaction.claimant, ...past }, keep: before.claim, drop: null };
    devices[device] = { ...before, driver, override, claim: claims[claim] };
  }
  return { outcome: outcome("done"), observation: seen(transaction.devices) };
}

beforeEach(() => {
  devices = { [names.left]: deviceOn("left"), [names.right]: deviceOn("right") };
  look.mockReset().mockImplementation(async (_, items) => seen(items));
  apply.mockReset().mockImplementation(async (_, transaction) => done(transaction));
});

const steps = (call = 0) => apply.mock.calls[call]?.[1].steps.map(({ device, word, value }) => `${device} ${word} ${value ?? "-"}`) ?? [];
const failure = (act: Promise<unknown>): Promise<DevbindError & { properties?: Record<string, unknown> }> =>
  act.then(
    () => Promise.reject(new Error("it was expected to fail")),
    (error: unknown) => (error instanceof DevbindError ? error : Promise.reject(error)),
  );
const isBound = { ...bound, ...ours };

describe("create of a board", () => {
  it("is one look and one transaction: all unbound, the last first, then all bound, the first first", async () => {
    const { outs } = await create(boardWishes());
    expect([look.mock.calls.length, apply.mock.calls.length]).toEqual([1, 1]);
    expect(steps()).toEqual([
      ...["0 override vfio-pci", "1 override vfio-pci"],
      ...["1 unbind e1000e", "0 unbind e1000e"],
      ...["0 bind vfio-pci", "1 bind vfio-pci"],
    ]);
    expect(outs.devices).toMatchObject({
      left: { currentDriver: "vfio-pci", previousDriver: "e1000e" },
      right: { deviceName: names.right },
    });
  });

  it("binds parents before what lies below them, whatever the order of the entries", async () => {
    await create(boardWishes({ right: entry("right"), left: entry("left") }));
    expect(apply.mock.calls[0]?.[1].devices.map(({ device }) => device)).toEqual([names.left, names.right]);
  });

  it("unbinds virtual functions before their card, and binds the card before them, though nothing but their addresses tells", async () => {
    const below = "/sys/devices/pci0000:00/0000:00:01.0";
    const paths = { [names.left]: `${below}/0000:01:00.2`, [names.right]: `${below}/0000:01:00.0` };
    for (const [name, sysfsPath] of Object.entries(paths)) devices[name] = { ...known(name), sysfsPath };
    await create(boardWishes());
    const [cardFirst, functionNext] = [names.right, names.left];
    expect(apply.mock.calls[0]?.[1].devices.map(({ device }) => device)).toEqual([cardFirst, functionNext]);
    expect(steps().slice(2)).toEqual(["1 unbind e1000e", "0 unbind e1000e", "0 bind vfio-pci", "1 bind vfio-pci"]);
  });

  it("without an entry asks no board", async () => {
    const { outs } = await create(boardWishes({}));
    expect([look.mock.calls.length, outs.devices]).toEqual([0, {}]);
  });

  it("names each entry's device and why it is refused, and writes nothing", async () => {
    devices[names.right] = deviceOn("right", { guard: "the disk under /" });
    const error = await failure(create(boardWishes({ left: entry("left"), right: entry("right"), twin: entry("left") })));
    expect(error.message).toContain(`Cannot bind ${names.right} on root@10.0.0.21:22 to "vfio-pci". The device carries the disk under /.`);
    expect(error.message).toContain(`${names.left} is bound by "left" too.`);
    expect(apply.mock.calls.length).toBe(0);
  });
});

describe("update of a board", () => {
  beforeEach(() => {
    devices = { [names.left]: deviceOn("left", isBound), [names.right]: deviceOn("right", isBound) };
  });

  it("gives back the device of an entry that is gone, and writes to no other", async () => {
    const { outs } = await update("id", boardOutputs(), boardWishes({ left: entry("left") }));
    expect(steps()).toEqual(["1 override -", "1 unbind vfio-pci", "1 bind e1000e"]);
    expect(Object.keys(outs.devices as object)).toEqual(["left"]);
    expect(known(names.right)).toMatchObject({ driver: "e1000e", override: null, claim: null });
  });

  it("gives the old device back where an entry has another one, in one transaction", async () => {
    devices["0000:00:04.0"] = deviceOn("right", { name: "0000:00:04.0", sysfsPath: "/sys/devices/pci0000:00/0000:00:04.0" });
    const news = boardWishes({ left: entry("left"), right: entry("right", { device: "0000:00:04.0" }) });
    const { outs } = await update("id", boardOutputs(), news);
    expect(apply.mock.calls.length).toBe(1);
    expect(known(names.right)).toMatchObject({ driver: "e1000e", claim: null });
    expect(outs.devices).toMatchObject({ right: { deviceName: "0000:00:04.0", previousDriver: "e1000e" } });
  });

  it("unbinds and binds only the entry whose triggers changed", async () => {
    await update("id", boardOutputs(), boardWishes({ left: entry("left", { triggers: ["new"] }), right: entry("right") }));
    expect(steps()).toEqual(["0 unbind vfio-pci", "0 bind vfio-pci"]);
  });

  it("leaves alone an entry that only reports its drift, while another one is changed", async () => {
    const report = { right: entry("right", { onDrift: "report" }) };
    devices[names.right] = deviceOn("right", ours);
    const olds = { ...boardOutputs(), ...boardWishes({ left: entry("left"), ...report }) };
    const { outs } = await update("id", olds, boardWishes({ left: entry("left", { driver: "pci-stub" }), ...report }));
    expect(known(names.right).driver).toBe("e1000e");
    expect(outs.devices).toMatchObject({ left: { currentDriver: "pci-stub" }, right: { deviceName: names.right } });
  });

  it("takes over the claim of a resource that the entry names, and the past with it, without a write", async () => {
    devices[names.right] = deviceOn("right", { ...bound, claim: { claimant: "organization/lab/dev/lone", driver: "igb", override: null } });
    const refused = await failure(update("id", boardOutputs({ left: {} }), boardWishes()));
    expect(refused.message).toContain("The device is claimed by organization/lab/dev/lone.");
    const news = boardWishes({ left: entry("left"), right: entry("right", { claimFrom: ["lone"] }) });
    const { outs } = await update("id", boardOutputs({ left: {} }), news);
    expect([steps(), known(names.right).claim?.claimant]).toEqual([[], "organization/lab/dev/card"]);
    expect(outs.devices).toMatchObject({ right: { previousDriver: "igb" } });
  });

  it("that is stuck keeps every entry in the state, also one that was to be given back", async () => {
    apply.mockImplementation(async () => ({
      outcome: outcome("stuck", { problem: "write", word: "bind", device: "1" }),
      observation: { board: aBoard(), devices: [known(names.left), deviceOn("right", { driver: null })] },
    }));
    const error = await failure(update("id", boardOutputs(), { ...boardWishes({ left: entry("left") }), __provider: "text" }));
    expect(error.properties).toMatchObject({
      bindings: { left: {}, right: { device: names.right } },
      devices: { left: { previousDriver: "e1000e" }, right: { currentDriver: null, previousDriver: "e1000e" } },
      __provider: "text",
    });
  });
});

describe("a device that takes its IOMMU group along", () => {
  const whole = { left: entry("left", { wholeIommuGroup: true }) };
  const withSibling = () => {
    look.mockImplementation(async (_, items) => ({
      board: aBoard(),
      devices: items.map(({ device, takesAlong }) => ({ ...known(String(device)), ...(takesAlong && { siblings: [known(names.right)] }) })),
    }));
  };
  beforeEach(withSibling);

  it("is bound with it in one transaction, and tells what each had before", async () => {
    const { outs } = await create(boardWishes(whole));
    expect([known(names.left).driver, known(names.right).driver]).toEqual(["vfio-pci", "vfio-pci"]);
    expect(outs.devices).toMatchObject({
      left: { siblings: [{ deviceName: names.right, previousDriver: "e1000e", currentDriver: "vfio-pci" }] },
    });
  });

  it("gives all back when it goes, and only the others when it is asked no more", async () => {
    const { outs } = await create(boardWishes(whole));
    await update("id", outs, boardWishes({ left: entry("left") }));
    expect([known(names.left).driver, known(names.right).driver]).toEqual(["vfio-pci", "e1000e"]);
    const again = await update("id", outs, boardWishes(whole));
    await remove("id", again.outs);
    expect([known(names.left), known(names.right)]).toMatchObject([
      { driver: "e1000e", override: null, claim: null },
      { driver: "e1000e", override: null, claim: null },
    ]);
  });

  it("leaves one of them to the entry that names it, and that one keeps the past", async () => {
    const first = await create(boardWishes(whole));
    const both = { ...whole, right: entry("right", { driver: null }) };
    const { outs } = await update("id", first.outs, boardWishes(both));
    expect([known(names.right).driver, outs.devices]).toEqual([
      null,
      expect.objectContaining({
        left: expect.objectContaining({ siblings: [] }),
        right: expect.objectContaining({ previousDriver: "e1000e" }),
      }),
    ]);
  });

  it("is planned anew by one look more where another one came in between, also where there was none before", async () => {
    look.mockImplementationOnce(async () => ({ board: aBoard(), devices: [{ ...known(names.left), siblings: [] }] }));
    apply.mockImplementationOnce(async (_, transaction) => ({ outcome: outcome("moved"), observation: seen(transaction.devices) }));
    const { outs } = await create(boardWishes(whole));
    expect(apply.mock.calls.map(([, { devices: sent }]) => sent.map(({ device, along }) => [device, along]))).toEqual([
      [[names.left, { kinds: ["group"], names: [] }]],
      [
        [names.left, { kinds: ["group"], names: [names.right] }],
        [names.right, undefined],
      ],
    ]);
    expect([look.mock.calls.length, known(names.right).driver]).toEqual([2, "vfio-pci"]);
    expect(outs.devices).toMatchObject({ left: { siblings: [{ deviceName: names.right }] } });
  });

  it("is refused where one of them is guarded", async () => {
    devices[names.right] = deviceOn("right", { guard: "the disk under /" });
    const error = await failure(create(boardWishes(whole)));
    expect(error.message).toContain(`Cannot bind ${names.right} on`);
    expect(apply.mock.calls.length).toBe(0);
  });
});

describe("read and delete of a board", () => {
  beforeEach(() => {
    devices = { [names.left]: deviceOn("left", isBound), [names.right]: deviceOn("right", isBound) };
  });

  it("tell the live state of each entry, and leave out one whose device is gone", async () => {
    devices[names.right] = deviceOn("right", { isPresent: false });
    devices[names.left] = deviceOn("left", ours);
    const { id, props } = await read("id", boardOutputs());
    expect([id, props.devices]).toEqual(["id", { left: expect.objectContaining({ currentDriver: "e1000e", previousDriver: "e1000e" }) }]);
    expect(props.bindings, "the wishes are as they were").toEqual(boardOutputs().bindings);
  });

  it("end the resource where no device is there any more", async () => {
    for (const side of ["left", "right"] as const) devices[names[side]] = deviceOn(side, { isPresent: false });
    expect(await read("id", boardOutputs())).toEqual({ id: "", props: {} });
  });

  it("give all devices back at once", async () => {
    await remove("id", boardOutputs());
    expect([apply.mock.calls.length, known(names.left).driver, known(names.right).driver]).toEqual([1, "e1000e", "e1000e"]);
  });

  it("ask no board that was left out when it was to be bound", async () => {
    const { outs } = await create({ ...boardWishes(), skipped: "No answer." });
    expect(outs).toMatchObject({ devices: {}, skipped: "No answer." });
    expect(await read("id", outs)).toEqual({ id: "id", props: outs });
    await remove("id", outs);
    expect(look.mock.calls.length).toBe(0);
  });

  it("keep the last wish that came true while the board is left out", async () => {
    const { outs } = await update("id", boardOutputs(), { ...boardWishes({ left: entry("left") }), skipped: "No answer." });
    expect(outs).toEqual({ ...boardOutputs(), skipped: "No answer." });
  });
});
