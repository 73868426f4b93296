import { describe, expect, it } from "vitest";
import { check, diff } from "../../provider/runtime";
import { unknownValue } from "../../provider/schema";
import { bound } from "./made";
import { boardLook, boardOutputs, boardWishes, deviceOn, entry } from "./made-board";

type Properties = Record<string, unknown>;
const right = { left: deviceOn("left", bound), right: deviceOn("right", bound) };
const recorded = { ...boardWishes(), boardId: "b0a4d1" };

const checked = (news: Properties, olds: Properties = recorded) => check(olds, news);
const changes = async (olds: Properties, news: Properties) => (await diff("id", olds, news)).changes;

describe("check of a board", () => {
  it("leaves nothing of the look but the board's id where all is right", async () => {
    const { inputs, failures } = await checked({ ...boardWishes(), observed: boardLook(right) });
    expect([inputs, failures]).toEqual([recorded, []]);
  });

  it("tells the drift of each entry under its name, and of no other", async () => {
    const { inputs } = await checked({ ...boardWishes(), observed: boardLook({ ...right, right: deviceOn("right") }) });
    expect(inputs.drift).toEqual({ right: "driver is e1000e, not vfio-pci" });
  });

  it("tells a drift that came back in other words than the last one", async () => {
    const drifted = { ...boardWishes(), observed: boardLook({ ...right, right: deviceOn("right") }) };
    const first = await checked(drifted);
    expect((await checked(drifted, first.inputs)).inputs.drift).toEqual({ right: "again: driver is e1000e, not vfio-pci" });
    const quiet = await checked({ ...boardWishes(), observed: boardLook(right) }, first.inputs);
    expect(quiet.inputs).toMatchObject({ lastDrift: { right: "driver is e1000e, not vfio-pci" } });
    expect(quiet.inputs).not.toHaveProperty("drift");
  });

  it("tells once that the board gave no answer, and that a look is not known yet", async () => {
    const silent = { lookedAt: "t", unreachable: "No answer." };
    expect((await checked({ ...boardWishes(), observed: silent })).inputs.drift).toBe("not known: No answer.");
    expect((await checked({ ...boardWishes(), observed: unknownValue })).inputs.drift).toBe(unknownValue);
  });

  it("says that the board is left out where the program wants that, and not where no waiting helps", async () => {
    const wishes = { ...boardWishes(), whenUnreachable: "skip" };
    const { inputs } = await checked({ ...wishes, observed: { lookedAt: "t", unreachable: "No answer." } });
    expect([inputs.skipped, inputs.drift]).toEqual(["No answer.", undefined]);
    const certain = await checked({ ...wishes, observed: { lookedAt: "t", unreachable: "Wrong key.", isCertain: true } });
    expect([certain.inputs.skipped, certain.inputs.drift]).toEqual([undefined, "not known: Wrong key."]);
  });

  it("refuses by the entry's path what can't be right, and passes what is not known yet", async () => {
    const wrong = await checked(boardWishes({ left: { ...entry("left"), bus: "a/b" } }));
    expect(wrong.failures).toEqual([
      { property: "bindings.left.bus", reason: expect.stringMatching(/^bindings\.left\.bus must be letters/) },
    ]);
    const name = await checked(boardWishes({ "a b": entry("left") }));
    expect(name.failures).toEqual([{ property: "bindings.a b", reason: expect.stringContaining("must be a name of 1 to 100 letters") }]);
    for (const bindings of [unknownValue, { left: unknownValue }, { left: { ...entry("left"), driver: unknownValue } }])
      expect((await checked(boardWishes(bindings as Properties))).failures).toEqual([]);
  });

  it("keeps for each entry the device that its selector means", async () => {
    const selector = { key: "pciId", value: "8086:10d3" } as const;
    const wishes = boardWishes({ left: entry("left", { device: { pciId: "8086:10d3" } }) });
    const { inputs } = await checked({ ...wishes, observed: boardLook({ left: deviceOn("left", { ...bound, selector }) }) }, {});
    expect(inputs.deviceNames).toEqual({ left: "0000:00:02.0" });
  });
});

describe("diff of a board", () => {
  const news = { ...boardWishes(), boardId: "b0a4d1" };

  it("finds nothing to do where nothing was changed, also with defaults written out", async () => {
    expect(await changes(boardOutputs(), news)).toBe(false);
    expect(await changes(boardOutputs(), { ...news, timeoutSeconds: 30 })).toBe(false);
  });

  it.each<[string, Properties]>([
    ["an entry that is new", boardWishes({ left: entry("left"), right: entry("right"), more: entry("right", { device: "a" }) })],
    ["an entry that is gone", boardWishes({ left: entry("left") })],
    ["an entry with another driver", boardWishes({ left: entry("left"), right: entry("right", { driver: "pci-stub" }) })],
    ["an entry with another device", boardWishes({ left: entry("left"), right: entry("right", { device: "0000:00:04.0" }) })],
    ["an entry that has drifted", { ...news, drift: { left: "driver is none, not vfio-pci" } }],
    ["another connection", { ...news, connection: { host: "10.0.0.22" } }],
    ["bindings that are not known yet", { ...news, bindings: unknownValue }],
  ])("sees %s, as an update", async (_, wanted) => {
    expect(await diff("id", boardOutputs(), wanted)).toMatchObject({ changes: true, replaces: [] });
  });

  it("replaces only for another board, the old one first", async () => {
    expect(await diff("id", boardOutputs(), { ...news, boardId: "other" })).toEqual({
      changes: true,
      replaces: ["boardId"],
      deleteBeforeReplace: true,
    });
  });

  it("sees in a refresh, which asks with the live state, that a device has another driver", async () => {
    expect(await changes(boardOutputs({ left: {}, right: { currentDriver: "e1000e" } }), news)).toBe(true);
  });

  it("has something to do for a board that was left out only once it answers", async () => {
    const left = { ...boardOutputs({}), ...boardWishes(), skipped: "No answer." };
    expect(await changes(left, { ...news, skipped: "Still no answer." })).toBe(false);
    expect(await changes(left, news)).toBe(true);
  });
});
