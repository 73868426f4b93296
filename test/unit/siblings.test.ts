import { describe, expect, it } from "vitest";
import { applyItems } from "../../provider/board/board";
import { observation } from "../../provider/board/observation";
import { type AnswerLine, parseAnswer } from "../../provider/board/protocol";
import { askSiblingItems, siblingLines, siblingsMaximum } from "../../provider/board/siblings";
import { DevbindError } from "../../provider/errors";
import { lookItem, seenAlong } from "../../provider/lifecycle/request";
import { connectionSchema } from "../../provider/schema";
import { aBinding, aDevice, connection } from "./made";

const board: AnswerLine = {
  word: "board",
  fields: {
    ...{ boot: "x", machine: "x", uuid: "x", serial: "x", kernel: "x", host: "x", state: "x" },
    ...{ condition: "quiet", uid: "0", writable: "yes" },
  },
};
const facts = Object.fromEntries(
  "journal override modalias compatible group members node dependents holders registered bindable loadable similar guard claimant claimDriver claimOverride"
    .split(" ")
    .map((key) => [key, "-"]),
);
const found = { ...facts, present: "yes", driver: "e1000e", unbindable: "yes", path: "/devices/x" };
const own = (index: number, more: Record<string, string> = {}): AnswerLine => ({
  word: "device",
  fields: { ...found, bus: "yes", index: String(index), ...more },
});
const sibling = (name: string, more: Record<string, string> = {}): AnswerLine => ({
  word: "sibling",
  fields: { ...found, of: "0", bus: "pci", name, ...more },
});

const whole = lookItem(aBinding({ wholeIommuGroup: true, wholeSlot: true, persist: true }));
const alone = lookItem(aBinding({ device: "0000:00:03.0" }));
const read = (...lines: AnswerLine[]) => observation(connectionSchema.parse(connection), [whole, alone], [board, ...lines]).devices;

describe("the request", () => {
  it("asks for the siblings of each device by their kinds", () => {
    expect(askSiblingItems([alone, whole, lookItem(aBinding({ wholeSlot: true }))])).toEqual([
      ["siblings", "1", "group"],
      ["siblings", "1", "slot"],
      ["siblings", "2", "slot"],
    ]);
  });

  const transaction = { id: "a1", claimant: "me", timeoutSeconds: 30, force: false, confirmSeconds: null, afterRebind: [], steps: [] };
  const device = {
    ...{ bus: "pci", device: "0000:00:02.0", driver: "vfio-pci", module: "vfio-pci", claim: "take" as const },
    seen: { driver: null, override: null, hasOverride: true },
    ...{ wish: { driver: "vfio-pci", override: "vfio-pci" }, past: { driver: null, override: null } },
  };
  const asked = (along: ReturnType<typeof seenAlong>) =>
    applyItems({ ...transaction, devices: [device, { ...device, along }] }).filter(([word]) => word === "siblings");

  it("of a transaction names those that the plan saw, in the first item of their device, also where there are none", () => {
    expect(asked({ kinds: ["group", "slot"], names: ["0000:00:02.1", "a b"] })).toEqual([
      ["siblings", "1", "group", "0000:00:02.1", "a%20b"],
      ["siblings", "1", "slot"],
    ]);
    expect(asked({ kinds: ["slot"], names: [] })).toEqual([["siblings", "1", "slot"]]);
    expect(asked(undefined)).toEqual([]);
  });

  it("holds to siblings only where they were asked for, of a device that is there", () => {
    const siblings = [aDevice({ name: "0000:00:02.1" })];
    const slot = aBinding({ wholeSlot: true });
    expect(seenAlong(slot, aDevice({ siblings }))).toEqual({ kinds: ["slot"], names: ["0000:00:02.1"] });
    expect(seenAlong(slot, aDevice({ siblings, isPresent: false }))).toBeUndefined();
    expect(seenAlong(slot, aDevice())).toBeUndefined();
    expect(seenAlong(aBinding(), aDevice({ siblings }))).toBeUndefined();
  });

  it("may be answered by so many lines more for each device that takes others along, and no more", () => {
    expect(siblingLines(askSiblingItems([whole, alone]))).toBe(siblingsMaximum);
    expect(siblingLines(askSiblingItems([whole, whole]))).toBe(2 * siblingsMaximum);
    expect(siblingLines([["device", "pci", "a", "-", "-"]])).toBe(0);
    const nonce = "0123456789abcdef01234567";
    const lines = Array.from({ length: 3 }, () => `${nonce} sibling of=0\n`).join("");
    expect(() => parseAnswer(`${lines}${nonce} end 3\n`, nonce, "b", 2)).toThrow("it has more than 2 lines");
  });
});

describe("the answer", () => {
  it("gives each device those that are told of it, read as a device is", () => {
    const [first, second] = read(own(0), own(1), sibling("0000:00:02.1", { kept: "right", coOwners: "/etc/a" }), sibling("0000:00:03.0"));
    expect(first?.siblings?.map(({ name, bus, isPresent, driver, sysfsPath }) => [name, bus, isPresent, driver, sysfsPath])).toEqual([
      ["0000:00:02.1", "pci", true, "e1000e", "/devices/x"],
      ["0000:00:03.0", "pci", true, "e1000e", "/devices/x"],
    ]);
    expect(first?.siblings?.[0]).toMatchObject({ kept: { is: "right" }, coOwners: ["/etc/a"], newId: undefined, parameters: undefined });
    expect(second).not.toHaveProperty("siblings");
  });

  it("tells of a sibling how the parameters are that are asked for its device", () => {
    const item = lookItem(aBinding({ wholeSlot: true, moduleParameters: { disable_idle_d3: "1" } }));
    const lines = [board, own(0), sibling("0000:00:02.1", { parameters: "vfio_pci;disable_idle_d3;unloaded;-" })];
    const [device] = observation(connectionSchema.parse(connection), [item], lines).devices;
    expect(device?.siblings?.[0]?.parameters).toEqual([{ module: "vfio_pci", name: "disable_idle_d3", is: "unloaded", value: null }]);
  });

  it("that tells of none gives none to a device that asked, and no word to one that did not", () => {
    const [first, second] = read(own(0), own(1));
    expect(first?.siblings).toEqual([]);
    expect(second).not.toHaveProperty("siblings");
  });

  const nobodys = (of: string) => `it tells of a sibling of the device ${of}, which has none that were asked for`;
  const wrong: [title: string, lines: AnswerLine[], why: string][] = [
    ["of a device that did not ask", [sibling("0000:00:03.1", { of: "1" })], nobodys("1")],
    ["of a device that there is not", [sibling("0000:00:03.1", { of: "2" })], nobodys("2")],
    ["of no number", [sibling("0000:00:03.1", { of: "-1" })], 'its line "sibling" has no right of'],
    ["of a number that is written otherwise", [sibling("0000:00:03.1", { of: "00" })], 'its line "sibling" has no right of'],
    ["of an odd number", [sibling("0000:00:03.1", { of: "__proto__" })], 'its line "sibling" has no right of'],
    ["that is the device", [sibling("0000:00:02.0")], "0000:00:02.0 cannot be a sibling of 0000:00:02.0 there"],
    ["that is told twice", [sibling("0000:00:02.1"), sibling("0000:00:02.1")], "0000:00:02.1 cannot be a sibling of 0000:00:02.0 there"],
    ["on another bus", [sibling("0000:00:02.1", { bus: "usb" })], "a sibling of 0000:00:02.0 is on another bus"],
    ["without a name", [sibling("-")], 'its line "sibling" has no right name'],
    ["whose name is a path", [sibling("../a")], 'its line "sibling" has no right name'],
    ["that is not there", [sibling("0000:00:02.1", { present: "no" })], 'its line "sibling" has no right present'],
    ["with half of its facts", [{ word: "sibling", fields: { of: "0", bus: "pci", name: "a", present: "yes" } }], "has no right driver"],
    [
      "beyond the most that there may be",
      Array.from({ length: siblingsMaximum + 1 }, (_, index) => sibling(`a${index}`)),
      `0000:00:02.0 has more than ${siblingsMaximum} siblings`,
    ],
  ];
  it.each(wrong)("with a sibling %s is not believed", (_, lines, why) => {
    const act = () => read(own(0), own(1), ...lines);
    expect(act).toThrow(DevbindError);
    expect(act).toThrow(why);
  });

  it("with a sibling of a device that is not there is not believed", () => {
    const absent: AnswerLine = { word: "device", fields: { index: "0", present: "no", bus: "yes", similar: "-" } };
    expect(read(absent, own(1))[0]).toMatchObject({ isPresent: false, siblings: [] });
    expect(() => read(absent, own(1), sibling("0000:00:02.1"))).toThrow(nobodys("0"));
  });
});
