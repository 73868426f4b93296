import { beforeEach, describe, expect, it, vi } from "vitest";
import * as board from "../../provider/board/board";
import { coOwnerWords, keptDifferences } from "../../provider/plan/keep";
import { planDevice, wishOf } from "../../provider/plan/plan";
import { check, create, delete as remove, diff, update } from "../../provider/runtime";
import type { BindingInput, Board, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice, aLook, bound, claimant, outputs, wishes } from "./made";

/** `persist`, from the plan to the request; the board itself is made up here. */
vi.mock("../../provider/board/board", async (original) => ({ ...(await original<typeof board>()), look: vi.fn(), apply: vi.fn() }));
const look = vi.mocked(board.look);
const apply = vi.mocked(board.apply);
const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
beforeEach(() => {
  for (const mock of [look, apply, warn]) mock.mockReset();
});

const keeping = { keeping: { obstacle: null, unit: "right" as const } };
const kept = { is: "right" as const, claimant, driver: "vfio-pci", override: "vfio-pci" };
const claimed = { claim: { claimant, driver: "e1000e", override: null } };
const ours: Partial<Device> = { ...bound, ...claimed, kept };
const persist = { persist: true };

const planned = (wished: Partial<BindingInput>, device: Partial<Device>, of: Partial<Board> = keeping) => {
  const [binding, seen] = [aBinding(wished), aDevice(device)];
  return planDevice(binding, wishOf(binding, seen, false), aBoard(of), seen);
};
const reasons = (wished: Partial<BindingInput>, device: Partial<Device>, of: Partial<Board> = keeping) =>
  planned(wished, device, of).refusals.map(({ property, isCertain, reason }) => `${property}${isCertain ? "!" : ""}: ${reason}`);

describe("the plan", () => {
  const cases: [title: string, wished: Partial<BindingInput>, device: Partial<Device>, of: Partial<Board>, keep: unknown][] = [
    ["writes a file for a device that is right already", persist, { ...ours, kept: null }, keeping, "take"],
    ["writes one with a binding that is made", persist, {}, keeping, "take"],
    ["writes nothing where all is right", persist, ours, keeping, undefined],
    ["writes a broken one anew", persist, { ...ours, kept: { ...kept, is: "broken" } }, keeping, "take"],
    ["writes one anew that tells of other modules", persist, { ...ours, kept: { ...kept, is: "whole" } }, keeping, "take"],
    ["writes one anew with another driver", persist, { ...ours, kept: { ...kept, driver: "stub" } }, keeping, "take"],
    ["writes one anew with another override", persist, { ...ours, kept: { ...kept, override: "stub" } }, keeping, "take"],
    ["takes an override or none as the device has it", persist, { ...ours, kept: { ...kept, override: null } }, keeping, undefined],
    [
      "wants one for strategy override",
      { ...persist, strategy: "override" },
      { ...ours, kept: { ...kept, override: null } },
      keeping,
      "take",
    ],
    ["brings back a unit that was taken away", persist, ours, { keeping: { obstacle: null, unit: "wrong" } }, "take"],
    ["takes the file away once persist is false", {}, ours, {}, "drop"],
    ["takes none away that is another's", {}, { ...ours, kept: { ...kept, claimant: "other" } }, {}, undefined],
    ["takes another's away by force: it would come back", { force: true }, { ...ours, kept: { ...kept, claimant: "other" } }, {}, "drop"],
    ["keeps nothing without persist", {}, {}, {}, undefined],
    ["decides nothing while a transaction waits to be undone", persist, { journal: "interrupted" }, keeping, undefined],
    ["decides nothing where the look did not ask", persist, ours, {}, undefined],
  ];
  it.each(cases)("%s", (_, wished, device, of, keep) => expect(planned(wished, device, of).keep).toBe(keep));

  it("writes the file anew with what the claim will tell: ids and modules", () => {
    const unloaded = { ...ours, driver: "e1000e", wanted: { isRegistered: false, canBind: false, isLoadable: true } };
    expect(planned(persist, unloaded).keep).toBe("take");
  });
});

describe("a board that can keep nothing is refused in the preview already:", () => {
  const obstacles = {
    systemd: "The board does not run systemd, whose unit would bring the binding back at boot.",
    readonly: "The board's /etc is read-only, so nothing can be kept there over a reboot.",
    memory: "The board's /etc is only in memory, and a reboot forgets it.",
    unknown: "The board's /etc is an overlay whose upper folder is out of sight, so it may be only in memory.",
  } as const;
  it.each(["systemd", "readonly", "memory", "unknown"] as const)("%s", (obstacle) => {
    const of = { keeping: { obstacle, unit: "wrong" as const } };
    expect(reasons(persist, {}, of)).toEqual([`persist!: ${obstacles[obstacle]}`]);
    expect(reasons({}, {}, of)).toEqual([]);
    expect(reasons(persist, ours, { keeping: { obstacle, unit: "right" } }), "it is kept already").toEqual([]);
  });

  it("a unit of that name that is masked or somebody else's", () =>
    expect(reasons(persist, {}, { keeping: { obstacle: null, unit: "foreign" } })).toEqual([
      "persist!: The board's systemd has a unit devbind.service that is masked or somebody else's.",
    ]));

  it("says what is left for a board without systemd", () =>
    expect(planned(persist, {}, { keeping: { obstacle: "systemd", unit: "wrong" } }).refusals[0]?.todo).toBe(
      "Write the binding into the board's own init script, and leave `persist` out.",
    ));
});

describe("permission", () => {
  it("to keep a guarded device is the one to bind it", () => {
    const guarded = { ...ours, kept: null, guard: "the network card eth0" };
    expect(reasons(persist, guarded)).toEqual(["device!: The device carries the network card eth0."]);
    expect(reasons({ ...persist, force: true }, guarded)).toEqual([]);
    expect(reasons({}, { ...guarded, kept }), "what is kept may go without").toEqual([]);
    expect(reasons(persist, { ...guarded, kept }), "and stays without").toEqual([]);
  });

  it("is another's for a device that is kept for it, also where no claim tells so yet", () => {
    const others = { kept: { ...kept, claimant: "org/other/dev/card" } };
    const words = "device!: The device is kept over a reboot for org/other/dev/card.";
    expect([reasons({}, others), reasons(persist, others)]).toEqual([[words], [words]]);
    expect(reasons({ force: true }, others)).toEqual([]);
  });
});

describe("drift", () => {
  const checked = async (device: Partial<Device>, of: Partial<Board> = keeping, news: Record<string, unknown> = {}) => {
    const observed = aLook({ ...ours, ...device }, of);
    const { inputs } = await check(outputs(persist), { ...wishes({ ...persist, ...news }), observed });
    return inputs.drift;
  };
  const cases: [device: Partial<Device>, of: Partial<Board>, words: string | undefined][] = [
    [{}, keeping, undefined],
    [{ kept: null }, keeping, "it is not kept over a reboot"],
    [{ kept: { ...kept, is: "broken" } }, keeping, "what keeps it over a reboot is broken"],
    [{ kept: { ...kept, claimant: "other" } }, keeping, "it is kept over a reboot for other"],
    [{ kept: { ...kept, driver: null } }, keeping, "kept over a reboot is the driver none, not vfio-pci"],
    [{ kept: { ...kept, override: "stub" } }, keeping, "kept over a reboot is the override stub, not vfio-pci"],
    [{ kept: { ...kept, is: "whole" } }, keeping, "what keeps it over a reboot tells of another device or of other modules"],
    [{}, { keeping: { obstacle: null, unit: "wrong" } }, "the unit that brings it back at boot is missing, disabled or changed"],
    [{ driver: "e1000e", kept: null }, keeping, "driver is e1000e, not vfio-pci; it is not kept over a reboot"],
    [{ driver: "e1000e" }, keeping, "driver is e1000e, not vfio-pci"], // what a udev rule alone leaves: override set, old driver bound
    [{}, {}, undefined],
  ];
  it.each(cases)("%j on %j is told as: %s", async (device, of, words) => expect(await checked(device, of)).toBe(words));

  it("is not what only the new inputs ask for", async () => {
    const other = { kept: { ...kept, is: "whole" as const } };
    expect(await checked(other, keeping, { moduleParameters: { ids: "1:2" } })).toBeUndefined();
    expect(await checked({ kept: { ...kept, is: "whole" } }, {}, { persist: false })).toBeUndefined();
  });

  it("is a file of ours that stayed though persist is false", () =>
    expect(keptDifferences(aBinding(), wishOf(aBinding(), aDevice(ours), false), aBoard(), aDevice(ours))).toEqual([
      "it is kept over a reboot, and persist is false",
    ]));

  it("is no change where the state is of a version without persist", async () => {
    const { inputs } = await check(outputs(), { ...wishes(), observed: aLook({ ...bound, ...claimed }) });
    expect([inputs.drift, (await diff("id", outputs(), inputs)).changes]).toEqual([undefined, false]);
  });

  it("and no drift: persist itself is an update, in both directions", async () => {
    expect((await diff("id", outputs(), wishes(persist))).changes).toBe(true);
    expect((await diff("id", outputs(persist), wishes({ persist: false }))).changes).toBe(true);
    expect((await diff("id", outputs(), wishes({ persist: false }))).changes).toBe(false);
  });
});

const outcome = { problem: "-", kernel: null, path: null, holder: [], left: null, undoing: null, after: null };
const seen = (device: Partial<Device> = {}, of: Partial<Board> = keeping) => ({ board: aBoard(of), devices: [aDevice(device)] });
const answered = (device: Partial<Device> = {}, is: "done" | "refused" = "done", problem = "-") => ({
  outcome: { ...outcome, is, problem },
  observation: seen(device),
});
const sent = (call = 0) => apply.mock.calls[call]?.[1];

describe("an update", () => {
  it("writes only the files where persist comes or goes, and nothing where all is right", async () => {
    look.mockResolvedValueOnce(seen({ ...ours, kept: null }));
    apply.mockResolvedValue(answered(ours));
    await update("id", outputs(), wishes(persist));
    expect(look.mock.calls[0]?.[1]).toMatchObject([{ asksKept: true }]);
    expect(sent()).toMatchObject({ steps: [], devices: [{ claim: "keep", keep: { word: "take", seen: null } }] });
    look.mockResolvedValueOnce(seen(ours, {}));
    await update("id", outputs(persist), wishes());
    expect(sent(1)).toMatchObject({ steps: [], devices: [{ keep: { word: "drop", seen: claimant } }] });
    look.mockResolvedValueOnce(seen(ours));
    await update("id", outputs(persist), wishes(persist));
    expect(apply).toHaveBeenCalledTimes(2);
  });

  it("names who else gives the device a driver at boot", async () => {
    const coOwners = ["/etc/driverctl.d/pci-0000:00:02.0", "/etc/udev/rules.d/10-a.rules"];
    look.mockResolvedValueOnce(seen({ ...ours, coOwners }));
    await update("id", outputs(persist), wishes(persist));
    const words =
      "At boot 0000:00:02.0 is given a driver by /etc/driverctl.d/pci-0000:00:02.0, /etc/udev/rules.d/10-a.rules too, and the last one wins. Take it out there, or leave `persist` out.";
    expect(warn.mock.calls).toEqual([[`On root@10.0.0.21:22: ${words}`]]);
    expect(coOwnerWords(aBinding(), aDevice({ coOwners }))).toBeUndefined();
  });

  it("tells of a board that had no room for the file", async () => {
    look.mockResolvedValue(seen());
    apply.mockResolvedValue(answered({}, "refused", "persist"));
    await expect(create(wishes(persist))).rejects.toThrow(
      "root@10.0.0.21:22 cannot keep the binding of 0000:00:02.0 over a reboot: its /etc/devbind has no room, or can't be written. Nothing was changed. Make room in the file system of /etc, or leave `persist` out.",
    );
  });
});

describe("a delete", () => {
  it("takes the file away with what it gives back", async () => {
    look.mockResolvedValue(seen(ours, {}));
    apply.mockResolvedValue(answered());
    await remove("id", outputs(persist));
    expect(sent()).toMatchObject({ devices: [{ claim: "drop", keep: { word: "drop", seen: claimant } }] });
    expect(sent()?.steps.length).toBeGreaterThan(0);
  });

  it.each<[title: string, device: Partial<Device>]>([
    ["that a boot has left with another driver", { kept }],
    ["that somebody else has claimed since", { ...bound, kept, claim: { claimant: "other", driver: null, override: null } }],
  ])("takes only the file away from a device %s", async (_, device) => {
    look.mockResolvedValue(seen(device, {}));
    apply.mockResolvedValue(answered(device));
    await remove("id", outputs(persist));
    expect(sent()).toMatchObject({ force: true, steps: [], devices: [{ claim: "keep", keep: { word: "drop", seen: claimant } }] });
  });

  it("takes it away also for a device that is gone, and for none on another board", async () => {
    look.mockResolvedValue(seen({ isPresent: false }, {}));
    apply.mockResolvedValue(answered());
    await remove("id", outputs(persist));
    expect(sent()).toMatchObject({ claimant, devices: [], steps: [], left: [{ bus: "pci", device: "0000:00:02.0" }] });
    look.mockResolvedValue(seen({ isPresent: false }, { boardId: "another" }));
    await remove("id", outputs(persist));
    expect(apply).toHaveBeenCalledTimes(1);
  });
});
