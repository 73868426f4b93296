import { describe, expect, it } from "vitest";
import { diff } from "../../provider/lifecycle/diff";
import { unknownValue } from "../../provider/schema";
import { aLook, bound, connection, outputs, wishes } from "./made";
import { type Kept, up } from "./engine-model";

type Changed = Record<string, unknown>;
const news = (changed: Changed = {}) => ({ ...wishes(), boardId: "b0a4d1", ...changed });
const nothing = { changes: false, replaces: [], deleteBeforeReplace: false };
const update = { changes: true, replaces: [], deleteBeforeReplace: false };
const replace = (...replaces: string[]) => ({ changes: true, replaces, deleteBeforeReplace: true });

const defaults: [title: string, changed: Changed][] = [
  ["nothing at all", {}],
  ["the port", { connection: { ...connection, port: 22 } }],
  ["user and dials", { connection: { ...connection, user: "root", dialErrorLimit: 10, perDialTimeout: 15 } }],
  ["how host keys are checked", { connection: { ...connection, hostKeyChecking: "strict" } }],
  ["every option", { strategy: "auto", triggers: [], onDelete: "restore", onDrift: "repair", force: false, timeoutSeconds: 30 }],
  ["options of later versions", { wholeIommuGroup: false, persist: false, whenUnreachable: "error", deleteUnreachable: false }],
  ["nulls", { module: null, claimAs: null, connection: { ...connection, password: null } }],
];

const updates: [title: string, changed: Changed][] = [
  ["another driver", { driver: "pci-stub" }],
  ["no driver", { driver: null }],
  ["other credentials", { connection: { ...connection, privateKey: "ANOTHER" } }],
  ["another address of the same board", { connection: { ...connection, host: "10.0.0.22", port: 2222 } }],
  ["a proxy", { connection: { ...connection, proxy: { host: "gate" } } }],
  ["other options", { onDelete: "keep", timeoutSeconds: 60 }],
  ["another strategy", { strategy: "bind" }],
  ["a module", { module: "vfio_pci" }],
  ["triggers", { triggers: ["1"] }],
  ["onDrift", { onDrift: "report" }],
  ["another claimant", { claimAs: "lab" }],
  ["an unknown driver", { driver: unknownValue }],
  ["an unknown connection", { connection: unknownValue }],
  ["drift", { drift: "driver is e1000e, not vfio-pci" }],
  ["a board that gave no answer", { drift: "not known: no answer" }],
  ["an unknown look", { drift: unknownValue }],
];

const replaces: [title: string, changed: Changed, keys: string[]][] = [
  ["another device", { device: "0000:00:03.0" }, ["device"]],
  ["another bus", { bus: "platform" }, ["bus"]],
  ["another device on another bus", { bus: "platform", device: "a003c00.virtio_mmio" }, ["bus", "device"]],
  ["another board behind the address", { boardId: "another" }, ["boardId"]],
];

describe("diff", () => {
  it.each(defaults)("sees no change where a program writes out %s", (_, changed) => {
    expect(diff(outputs(), news(changed))).toEqual(nothing);
    expect(diff(outputs(changed), news())).toEqual(nothing);
  });

  it.each(updates)("updates and never replaces for %s", (_, changed) => expect(diff(outputs(), news(changed))).toEqual(update));

  it.each(replaces)("replaces, the old one first, for %s", (_, changed, keys) => {
    expect(diff(outputs(), news(changed))).toEqual(replace(...keys));
  });

  it("does not replace for what is not known yet", () => {
    const unknown = { device: unknownValue, bus: unknownValue, boardId: unknownValue };
    expect(diff(outputs(), news(unknown))).toEqual(update);
    expect(diff(outputs(), { ...news(), boardId: undefined })).toEqual(nothing);
  });

  it("updates where the live driver, after a refresh, is not the wished one", () => {
    expect(diff(outputs({ currentDriver: "e1000e" }), news())).toEqual(update);
  });

  it("leaves a live driver alone that is only to be reported", () => {
    const report = { onDrift: "report" };
    expect(diff(outputs({ ...report, currentDriver: "e1000e" }), news(report))).toEqual(nothing);
  });

  it("sees no change where claimAs names the claimant, which the outputs then have", () => {
    expect(diff(outputs({ claimAs: "lab", claimant: "lab" }), news({ claimAs: "lab" }))).toEqual(nothing);
  });

  it("takes no driver for no driver, however the engine writes it", () => {
    const free = { driver: null, currentDriver: null };
    expect(diff(outputs(free), news({ driver: null }))).toEqual(nothing);
    expect(diff(outputs(free), news({ driver: undefined }))).toEqual(nothing);
    expect(diff(outputs({ driver: undefined, currentDriver: undefined }), news({ driver: null }))).toEqual(nothing);
  });
});

/** On refresh the engine calls diff with the live state as olds and the recorded inputs as news. */
describe("diff, called by refresh with the live state first,", () => {
  it("sees no change where the board is as recorded", () => expect(diff(outputs(), news())).toEqual(nothing));

  it("sees no change because of a drift that was recorded when it was repaired", () => {
    const drift = "driver is e1000e, not vfio-pci";
    expect(diff(outputs({ drift }), news({ drift }))).toEqual(nothing);
  });

  it("shows a driver that changed behind Pulumi's back", () => {
    expect(diff(outputs({ currentDriver: "e1000e" }), news())).toEqual(update);
    expect(diff(outputs({ driver: null, currentDriver: "e1000e" }), news({ driver: null }))).toEqual(update);
  });

  it("shows a device that lost its driver", () => {
    expect(diff(outputs({ currentDriver: null }), news())).toEqual(update);
  });
});

describe("through one up after the other", () => {
  const created: Kept = { inputs: news(), outputs: outputs() };
  const live = { currentDriver: "vfio-pci" };
  const right = wishes({ observed: aLook(bound) });
  const moved = wishes({ observed: aLook({ driver: "e1000e" }) });
  const words = "driver is e1000e, not vfio-pci";

  it("a device that is right changes nothing", async () => expect((await up(created, right, live)).changes).toBe(false));

  it("a drift is repaired, and is seen again when it is back in the next up, and in the one after", async () => {
    const first = await up(created, moved, live);
    const second = await up(first.kept, moved, live);
    const third = await up(second.kept, moved, live);
    expect([first, second, third].map(({ changes, drift }) => [changes, drift])).toEqual([
      [true, words],
      [true, `again: ${words}`],
      [true, words],
    ]);
  });

  it("a drift that is back after an up that found all right is repaired too", async () => {
    const first = await up(created, moved, live);
    const quiet = await up(first.kept, right, live);
    expect([quiet.changes, quiet.drift]).toEqual([false, undefined]);
    const back = await up(quiet.kept, moved, live);
    expect(back.drift).toContain(words);
    expect(back.changes).toBe(true);
  });
});
