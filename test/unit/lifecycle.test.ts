import { beforeEach, describe, expect, it, vi } from "vitest";
import * as board from "../../provider/board/board";
import { DevbindError } from "../../provider/errors";
import { call, create, delete as remove, read, update } from "../../provider/runtime";
import type { Device } from "../../provider/schema";
import { aBoard, aDevice, bound, claimant, outputs, wishes } from "./made";

/** The flow of create, update, read and delete between the plan and the board; the board itself is made up here. */
vi.mock("../../provider/board/board", async (original) => ({
  ...(await original<typeof board>()),
  look: vi.fn(),
  apply: vi.fn(),
  askOutcome: vi.fn(),
  confirm: vi.fn(),
}));
const look = vi.mocked(board.look);
const apply = vi.mocked(board.apply);
const askOutcome = vi.mocked(board.askOutcome);
const confirm = vi.mocked(board.confirm);
beforeEach(() => {
  for (const mock of [look, apply, askOutcome, confirm]) mock.mockReset();
});

const seen = (device: Partial<Device> = {}, boardId = "b0a4d1") => ({ board: aBoard({ boardId }), devices: [aDevice(device)] });
const outcome = (is: board.Outcome["is"], changed: Partial<board.Outcome> = {}): board.Outcome => ({
  is,
  problem: "-",
  kernel: null,
  path: null,
  holder: [],
  left: null,
  undoing: null,
  after: null,
  ...changed,
});
const answered = (is: board.Outcome["is"], device: Partial<Device> = {}, changed: Partial<board.Outcome> = {}) => ({
  outcome: outcome(is, changed),
  observation: seen(device),
});
const ours = { claim: { claimant, driver: "e1000e", override: null } };
const sent = (call = 0) => apply.mock.calls[call]?.[1];
const steps = (call = 0) =>
  sent(call)
    ?.steps.map(({ word, value }) => `${word} ${value ?? "-"}`)
    .join(", ");
const lost = new DevbindError("unreachable", { failed: "Lost.", now: "", todo: "" });

async function failure(act: Promise<unknown>): Promise<DevbindError & { id?: string; properties?: Record<string, unknown> }> {
  const error = await act.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DevbindError) return error;
  throw new Error(`no error of ours: ${String(error)}`);
}

describe("create", () => {
  it("looks, applies once, and keeps what was there before", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValue(answered("done", { ...bound, ...ours }));
    const { id, outs } = await create(wishes({ boardId: "b0a4d1" }));
    expect([look.mock.calls.length, apply.mock.calls.length, steps()]).toEqual([1, 1, "override vfio-pci, unbind e1000e, bind vfio-pci"]);
    expect(sent()).toMatchObject({ claimant, timeoutSeconds: 30, force: false, devices: [{ claim: "take", past: { driver: "e1000e" } }] });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(outs).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e", previousOverride: null, vfioPath: "/dev/vfio/3" });
  });

  it("adopts a device that is right with a claim and no write", async () => {
    look.mockResolvedValue(seen(bound));
    apply.mockResolvedValue(answered("done", { ...bound, ...ours }));
    await create(wishes());
    expect([steps(), sent()?.devices[0]?.claim]).toEqual(["", "take"]);
  });

  it("that was killed after it was done keeps the past that its claim tells", async () => {
    look.mockResolvedValue(seen({ ...bound, ...ours }));
    const { outs } = await create(wishes());
    expect([apply.mock.calls.length, outs]).toEqual([0, expect.objectContaining({ previousDriver: "e1000e", previousOverride: null })]);
  });

  it("sends nothing where a rule says no, and leaves nothing in state", async () => {
    look.mockResolvedValue(seen({ guard: "this SSH session (eth0)" }));
    const error = await failure(create(wishes()));
    expect(error.message).toBe(
      'Cannot bind 0000:00:02.0 on root@10.0.0.21:22 to "vfio-pci". The device carries this SSH session (eth0). Nothing was written. ' +
        "Choose another device; `force: true` takes it all the same.",
    );
    expect([error.kind, error.id, apply.mock.calls.length]).toEqual(["refused", undefined, 0]);
  });

  it("that is undone leaves nothing in state and quotes the kernel", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValue(answered("undone", {}, { problem: "write", word: "bind", kernel: "write error: No such device", device: "0" }));
    const error = await failure(create(wishes()));
    expect([error.kind, error.id]).toEqual(["undone", undefined]);
    expect(error.message).toContain('the kernel refused the write to bind (ENODEV). 0000:00:02.0 is back with "e1000e"; nothing changed.');
  });

  it("that is stuck stays in state with what was there before, and no undefined", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValue(answered("stuck", { driver: null }, { problem: "write", word: "bind", device: "0" }));
    const error = await failure(create(wishes({ module: undefined, __provider: "the provider's text" })));
    expect(error.kind).toBe("stuck");
    expect(error.properties, "by it the engine loads the provider for the next destroy").toHaveProperty(
      "__provider",
      "the provider's text",
    );
    expect(error.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(error.properties).toMatchObject({ device: "0000:00:02.0", currentDriver: null, previousDriver: "e1000e" });
    expect(Object.values(error.properties ?? {})).not.toContain(undefined);
  });

  it("plans again when the board has moved, three times at most", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValue(answered("moved", { driver: "pci-stub", override: "pci-stub" }));
    const error = await failure(create(wishes()));
    expect([error.kind, apply.mock.calls.length]).toEqual(["busy", 3]);
    expect(steps(1)).toBe("override vfio-pci, unbind pci-stub, bind vfio-pci");
  });

  it("lets an interrupted transaction be undone first, and then plans from what is there", async () => {
    look.mockResolvedValue(seen({ driver: null, journal: "interrupted" }));
    apply.mockResolvedValueOnce(answered("moved")).mockResolvedValueOnce(answered("done", bound));
    await create(wishes());
    expect([steps(0), steps(1)]).toEqual(["", "override vfio-pci, unbind e1000e, bind vfio-pci"]);
  });

  it("asks for the outcome where the link is lost, and sends nothing twice", async () => {
    look.mockResolvedValueOnce(seen()).mockResolvedValueOnce(seen({ ...bound, ...ours }));
    apply.mockRejectedValue(lost);
    askOutcome.mockResolvedValue(outcome("done"));
    expect((await create(wishes())).outs).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e" });
    expect([apply.mock.calls.length, askOutcome.mock.calls.length]).toEqual([1, 1]);
  });

  it("goes on asking where the link over which it asks is lost too", async () => {
    look.mockResolvedValueOnce(seen()).mockResolvedValueOnce(seen({ ...bound, ...ours }));
    apply.mockRejectedValue(lost);
    askOutcome.mockRejectedValueOnce(lost).mockResolvedValue(outcome("done"));
    expect((await create(wishes())).outs).toMatchObject({ currentDriver: "vfio-pci" });
    expect([apply.mock.calls.length, askOutcome.mock.calls.length]).toEqual([1, 2]);
  });

  it("that is stuck stays in state also where the board gives its outcome, but no look any more", async () => {
    look.mockResolvedValueOnce(seen()).mockRejectedValue(lost);
    apply.mockRejectedValue(lost);
    askOutcome.mockResolvedValue(outcome("stuck", { problem: "held", word: "unbind" }));
    const error = await failure(create(wishes()));
    expect([error.kind, error.properties?.previousDriver]).toEqual(["stuck", "e1000e"]);
  });

  it("that waits to be confirmed is confirmed over another login, and done then", async () => {
    look.mockResolvedValueOnce(seen()).mockResolvedValueOnce(seen({ ...bound, ...ours }));
    apply.mockResolvedValue(answered("unconfirmed", bound));
    confirm.mockRejectedValueOnce(lost).mockResolvedValueOnce(outcome("running")).mockResolvedValue(outcome("done"));
    expect((await create(wishes({ confirmSeconds: 30 }))).outs).toMatchObject({ currentDriver: "vfio-pci" });
    expect([apply.mock.calls[0]?.[1].confirmSeconds, confirm.mock.calls.length, askOutcome.mock.calls.length]).toEqual([30, 3, 0]);
  });

  it("says that the link was lost where the board never heard of the transaction", async () => {
    look.mockResolvedValue(seen());
    apply.mockRejectedValue(lost);
    askOutcome.mockResolvedValue(outcome("unknown"));
    expect(await failure(create(wishes()))).toBe(lost);
    expect(apply.mock.calls).toHaveLength(1);
  });
});

describe("update", () => {
  const right = seen({ ...bound, ...ours });

  it("of credentials, address or options writes nothing", async () => {
    look.mockResolvedValue(right);
    const { outs } = await update("id", outputs(), wishes({ timeoutSeconds: 60, connection: { host: "10.0.0.22", password: "new" } }));
    expect([apply.mock.calls.length, outs]).toEqual([0, expect.objectContaining({ previousDriver: "e1000e", timeoutSeconds: 60 })]);
  });

  it("on a board that forgot the claim in a reboot takes it again, and remembers what was there before the first bind", async () => {
    look.mockResolvedValue(seen(bound));
    apply.mockResolvedValue(answered("done", { ...bound, ...ours }));
    const { outs } = await update("id", outputs(), wishes());
    expect(sent()?.devices).toMatchObject([{ claim: "take", past: { driver: "e1000e", override: null } }]);
    expect([steps(), outs]).toEqual(["", expect.objectContaining({ previousDriver: "e1000e", previousOverride: null })]);
  });

  it("of triggers unbinds and binds again", async () => {
    look.mockResolvedValue(right);
    apply.mockResolvedValue(answered("done", bound));
    await update("id", outputs(), wishes({ triggers: ["2"] }));
    expect(steps()).toBe("unbind vfio-pci, bind vfio-pci");
  });

  it("of the claimant's name takes over one's own claim", async () => {
    look.mockResolvedValue(right);
    apply.mockResolvedValue(answered("done", bound));
    await update("id", outputs(), wishes({ claimAs: "lab" }));
    expect([steps(), sent()?.claimant, sent()?.devices[0]?.claim]).toEqual(["", "lab", "take"]);
  });
});

describe("read", () => {
  it("gives the live state and keeps what was recorded", async () => {
    look.mockResolvedValue(seen({ driver: "e1000e", override: null }));
    expect(await read("id", outputs())).toMatchObject({ id: "id", props: { currentDriver: "e1000e", driver: "vfio-pci", claimant } });
  });

  it.each([
    ["a device that is gone", seen({ isPresent: false })],
    ["another board behind the address", seen({}, "another")],
  ])("ends the resource for %s", async (_, observation) => {
    look.mockResolvedValue(observation);
    expect(await read("id", outputs())).toMatchObject({ id: "" });
  });

  it("never takes a board that is off for a device that is gone", async () => {
    look.mockRejectedValue(lost);
    expect(await failure(read("id", outputs()))).toBe(lost);
  });
});

describe("delete", () => {
  it.each([
    ["restore", "override -, unbind vfio-pci, bind e1000e"],
    ["unbind", "override -, unbind vfio-pci"],
    ["probe", "override -, unbind vfio-pci, probe -"],
    ["keep", ""],
  ])("%s: writes as it says, and drops the claim", async (onDelete, words) => {
    look.mockResolvedValue(seen({ ...bound, ...ours }));
    apply.mockResolvedValue(answered("done"));
    await remove("id", outputs({ onDelete }));
    expect([steps(), sent()?.devices[0]?.claim]).toEqual([words, "drop"]);
  });

  it.each([
    ["a device that is gone", seen({ isPresent: false })],
    ["another board behind the address", seen(bound, "another")],
    ["a device that somebody else has claimed since", seen({ ...bound, claim: { claimant: "another", driver: null, override: null } })],
    ["a device that is back already, run twice", seen()],
  ])("writes nothing to %s", async (_, observation) => {
    look.mockResolvedValue(observation);
    await remove("id", outputs());
    expect(apply).not.toHaveBeenCalled();
  });

  it("of several gives back those that are there, where one is gone", async () => {
    const there = aDevice({ ...bound, ...ours });
    look.mockResolvedValue({ board: aBoard(), devices: [aDevice({ isPresent: false }), there] });
    apply.mockResolvedValue({
      outcome: outcome("done"),
      observation: { board: aBoard(), devices: [aDevice({ isPresent: false }), there] },
    });
    await call(1, "delete", {
      bindings: [
        { id: "a", olds: outputs() },
        { id: "b", olds: outputs() },
      ],
    });
    expect(steps()).toBe("override -, unbind vfio-pci, bind e1000e");
    expect(sent()?.steps.map(({ device }) => device)).toEqual([1, 1, 1]);
    expect(sent()?.devices.map(({ claim, seen: { isGone } }) => [claim, isGone])).toEqual([
      ["keep", true],
      ["drop", undefined],
    ]);
  });

  it("of a board that is off is an error, or lets go where deleteUnreachable says so", async () => {
    look.mockRejectedValue(lost);
    expect(await failure(remove("id", outputs()))).toBe(lost);
    await expect(remove("id", outputs({ deleteUnreachable: true }))).resolves.toBeUndefined();
  });
});
