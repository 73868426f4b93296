import { describe, expect, it } from "vitest";
import { check } from "../../provider/lifecycle/check";
import { diff } from "../../provider/lifecycle/diff";
import { unknownValue } from "../../provider/schema";
import { type Kept, up } from "./engine-model";
import { aLook, bound, outputs, wishes } from "./made";

const byId = { device: { pciId: "8086:10d3" } };
const byAlias = { device: { modalias: "pci:v00008086*" } };
const found = { selector: { key: "pciId" as const, value: "8086:10d3" } };
const elsewhere = "0000:00:05.0";

/** The inputs that check leaves for a look at these wishes, given the recorded inputs. */
const checked = (wished: object, look: unknown, olds: object = {}) =>
  check({ ...wishes(), boardId: "b0a4d1", ...olds }, wishes({ ...wished, observed: look })).inputs;

describe("check leaves of a look by a selector", () => {
  it("the device that it means", () => expect(checked(byId, aLook(found)).deviceName).toBe("0000:00:02.0"));

  it.each<[title: string, wished: object, look: unknown]>([
    ["for a name", {}, aLook()],
    ["where it means none", byId, aLook({ ...found, isPresent: false, name: "x" })],
    ["where the look was by another selector, as with ignoreChanges on device", byAlias, aLook(found)],
    ["where nobody looked", byId, undefined],
    ["where the look is unknown", byId, unknownValue],
    ["where the board gave no answer", byId, { lookedAt: "t", unreachable: "off" }],
  ])("no device %s", (_, wished, look) => expect(checked(wished, look)).not.toHaveProperty("deviceName"));
});

const drifts: [title: string, olds: object, wished: object, look: unknown, words: string | undefined][] = [
  ["nothing where all is right", byId, byId, aLook({ ...found, ...bound }), undefined],
  [
    "the new place of a device that moved, and the driver there",
    { ...byId, deviceName: "0000:00:02.0" },
    byId,
    aLook({ ...found, name: elsewhere }),
    "device is 0000:00:05.0, not 0000:00:02.0; driver is e1000e, not vfio-pci",
  ],
  ["the driver alone where the old place is not known", byId, byId, aLook({ ...found, name: elsewhere }), "driver is e1000e, not vfio-pci"],
  ["that no device is meant any more", byId, byId, aLook({ ...found, isPresent: false }), 'no device has pciId "8086:10d3"'],
  [
    "that several are meant by now",
    byId,
    byId,
    aLook({ ...found, isPresent: false, matches: [bound, bound].map(() => ({ name: "a", driver: null })) }),
    '2 devices have pciId "8086:10d3"',
  ],
  ["the same device's, where a selector takes its name's place", {}, byId, aLook(found), "driver is e1000e, not vfio-pci"],
  ["nothing of another device, where a selector takes a name's place", {}, byId, aLook({ ...found, name: elsewhere }), undefined],
  [
    "the same device's, where its name takes a selector's place",
    { ...byId, deviceName: "0000:00:02.0" },
    {},
    aLook(),
    "driver is e1000e, not vfio-pci",
  ],
  ["nothing of what a new selector means", byId, byAlias, aLook({ ...found, selector: { key: "modalias", value: "x" } }), undefined],
  [
    "what is not as it was expected",
    { expect: { pciId: "1234:11e8" } },
    { expect: { pciId: "1234:11e8" } },
    aLook(bound),
    'pciId is "8086:10d3:8086:0000", not "1234:11e8"',
  ],
];

describe("drift says", () => {
  it.each(drifts)("%s", (_, olds, wished, look, words) => expect(checked(wished, look, olds).drift).toBe(words));
});

const nothing = { changes: false, replaces: [], deleteBeforeReplace: false };
const update = { changes: true, replaces: [], deleteBeforeReplace: false };
const replaced = { changes: true, replaces: ["device"], deleteBeforeReplace: true };
const report = { ...byId, onDrift: "report" };
const at = (deviceName: string) => ({ deviceName });

const rows: [title: string, olds: Record<string, unknown>, news: Record<string, unknown>, answer: object][] = [
  ["the same selector, the same device: nothing", byId, { ...byId, ...at("0000:00:02.0") }, nothing],
  ["the same selector in capitals: nothing", byId, { device: { pciId: "8086:10D3" } }, nothing],
  ["the same selector without a look: nothing", byId, byId, nothing],
  ["the same selector, another place: an update", byId, { ...byId, ...at(elsewhere) }, update],
  ["another place, where drift is only reported: nothing", report, { ...report, ...at(elsewhere) }, nothing],
  ["another selector for the same device: an update", byId, { ...byAlias, ...at("0000:00:02.0") }, update],
  ["another selector for another device: a replacement", byId, { ...byAlias, ...at(elsewhere) }, replaced],
  ["another selector, and no look: an update, which decides", byId, byAlias, update],
  ["a selector for the device that was named: an update", {}, { ...byId, ...at("0000:00:02.0") }, update],
  ["a selector for another device than was named: a replacement", {}, { ...byId, ...at(elsewhere) }, replaced],
  ["a selector in a name's place, and no look: an update, which decides", {}, byId, update],
  ["the name of the device that was selected: an update", byId, { device: "0000:00:02.0" }, update],
  ["the name of another device than was selected: a replacement", byId, { device: elsewhere }, replaced],
  ["a selector of which the value is unknown: an update", byId, { device: { pciId: unknownValue } }, update],
  ["a device that is unknown: an update", byId, { device: unknownValue }, update],
  ["another expectation: an update", {}, { expect: { pciId: "8086:10d3" } }, update],
];

describe("diff of", () => {
  it.each(rows)("%s", (_, olds, news, answer) => {
    expect(diff(outputs(olds), { ...wishes(news), boardId: "b0a4d1" })).toEqual(answer);
  });

  it("a device that moved, as refresh asks: changed", () => {
    const recorded = { ...wishes(byId), boardId: "b0a4d1", deviceName: "0000:00:02.0" };
    expect(diff(outputs({ ...byId, ...at(elsewhere) }), recorded)).toEqual(update);
  });
});

describe("through one up after the other", () => {
  it("a card that moved is one update, and then nothing", async () => {
    const created: Kept = { inputs: { ...wishes(byId), boardId: "b0a4d1", ...at("0000:00:02.0") }, outputs: outputs(byId) };
    const moved = await up(created, wishes({ ...byId, observed: aLook({ ...found, name: elsewhere }) }), {
      currentDriver: "vfio-pci",
      deviceName: elsewhere,
    });
    expect([moved.changes, moved.drift]).toEqual([true, "device is 0000:00:05.0, not 0000:00:02.0; driver is e1000e, not vfio-pci"]);
    const look = aLook({ ...found, ...bound, name: elsewhere });
    const quiet = await up(moved.kept, wishes({ ...byId, observed: look }), { currentDriver: "vfio-pci", deviceName: elsewhere });
    expect([quiet.changes, quiet.drift]).toEqual([false, undefined]);
  });
});
