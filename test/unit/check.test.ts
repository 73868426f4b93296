import { describe, expect, it } from "vitest";
import { check } from "../../provider/lifecycle/check";
import { unknownValue } from "../../provider/schema";
import { aLook, bound, wishes } from "./made";

const right = aLook(bound);
/** The recorded inputs of a resource that was created on this board. */
const olds = (changed: Record<string, unknown> = {}) => ({ ...wishes(), boardId: "b0a4d1", ...changed });
const drift = (observed: unknown, old: Record<string, unknown> = {}, now: Record<string, unknown> = {}) =>
  check(olds(old), wishes({ observed, ...now })).inputs.drift;

const drifts: [title: string, look: Parameters<typeof aLook>[0], wished: Record<string, unknown>, words: string | undefined][] = [
  ["nothing where all is right", bound, {}, undefined],
  ["nothing where the driver is right without override", { driver: "vfio-pci" }, {}, undefined],
  ["another driver", { driver: "virtio-pci", override: "virtio-pci" }, {}, "driver is virtio-pci, not vfio-pci"],
  ["the driver that it had at create", { driver: "e1000e" }, {}, "driver is e1000e, not vfio-pci"],
  ["a device that was unbound", { driver: null, override: "vfio-pci" }, {}, "driver is none, not vfio-pci"],
  ["a driver where none is wished", { driver: "e1000e" }, { driver: null }, "driver is e1000e, not none"],
  ["a foreign override under the right driver", { ...bound, override: "e1000e" }, {}, "override is e1000e, not vfio-pci"],
  ["an override that strategy override misses", { driver: "vfio-pci" }, { strategy: "override" }, "override is none, not vfio-pci"],
  ["a foreign override under strategy bind", { ...bound, override: "x" }, { strategy: "bind" }, "override is x, not none"],
  ["an override where no driver is wished", { driver: null, override: "x" }, { driver: null }, "override is x, not none"],
  ["only the driver where both differ", { driver: "e1000e", override: "e1000e" }, {}, "driver is e1000e, not vfio-pci"],
  ["nothing of overrides on a bus that has none", { driver: "vfio-pci", hasOverride: false }, { strategy: "override" }, undefined],
  ["a device that is gone", { isPresent: false, driver: null }, {}, "device 0000:00:02.0 is gone"],
  ["an interrupted transaction", { ...bound, journal: "interrupted" }, {}, "a transaction on it was interrupted"],
  ["a stuck transaction", { ...bound, journal: "stuck" }, {}, "a transaction on it is stuck"],
  ["nothing while a transaction runs", { ...bound, journal: "running" }, {}, undefined],
  [
    "all that is wrong",
    { driver: null, override: "vfio-pci", journal: "stuck" },
    {},
    "driver is none, not vfio-pci; a transaction on it is stuck",
  ],
];

describe("drift says", () => {
  it.each(drifts)("%s", (_, look, wished, words) => expect(drift(aLook(look), wished, wished)).toBe(words));

  it("why an unreachable board is not known", () => {
    expect(drift({ lookedAt: "t", unreachable: "10.0.0.21 does not answer." })).toBe("not known: 10.0.0.21 does not answer.");
  });

  it("that it is unknown while the look is", () => expect(drift(unknownValue)).toBe(unknownValue));

  it("the same drift twice in a row as another one, and the third time plainly", () => {
    const found = aLook({ driver: "e1000e" });
    const words = "driver is e1000e, not vfio-pci";
    expect(drift(found)).toBe(words);
    expect(drift(found, { drift: words })).toBe(`again: ${words}`);
    expect(drift(found, { drift: `again: ${words}` })).toBe(words);
    expect(drift(found, { drift: "driver is none, not vfio-pci" })).toBe(words);
  });

  it("nothing more once the device is right again", () => expect(drift(right, { drift: "driver is none, not vfio-pci" })).toBeUndefined());

  it("what differs from the last wish, not from the one that is new", () => {
    expect(drift(right, {}, { driver: "pci-stub" })).toBeUndefined();
    expect(drift(aLook({ driver: "pci-stub", override: "pci-stub" }), {}, { driver: "pci-stub" })).toBe("driver is pci-stub, not vfio-pci");
  });

  const others: [title: string, observed: unknown, old: Record<string, unknown>, now: Record<string, unknown>][] = [
    ["where nobody looked", undefined, {}, {}],
    ["for a resource that is not there yet", aLook(), { device: undefined }, {}],
    ["of another device", aLook({ name: "0000:00:03.0" }), {}, { device: "0000:00:03.0" }],
    ["of another bus", aLook({ bus: "platform" }), {}, { bus: "platform" }],
    ["of another board behind the address", aLook({}, { boardId: "another" }), {}, {}],
    ["where the program has refused its inputs already", { lookedAt: "", invalid: true }, {}, {}],
    ["for state that no longer makes a wish", aLook(), { driver: "(null)" }, {}],
  ];
  it.each(others)("nothing %s", (_, observed, old, now) => expect(drift(observed, old, now)).toBeUndefined());
});

describe("ignoreChanges: observed", () => {
  it("hides drift: the engine takes the look away, since check records none, and a drift of before is not kept", () => {
    const recorded = check({}, wishes({ observed: aLook() })).inputs;
    expect(recorded).not.toHaveProperty("observed");
    const next = check({ ...recorded, drift: "driver is e1000e, not vfio-pci" }, wishes());
    expect(next.inputs).toMatchObject({ ...wishes(), boardId: "b0a4d1" });
    expect(next.inputs).not.toHaveProperty("drift");
    expect([next.failures, next.reported]).toEqual([[], undefined]);
  });
});

describe("onDrift: report", () => {
  const report = { onDrift: "report" };

  it("tells the drift and records none", () => {
    const answer = check(olds(report), wishes({ ...report, observed: aLook() }));
    expect(answer.reported).toBe("driver is e1000e, not vfio-pci");
    expect(answer.inputs).not.toHaveProperty("drift");
  });

  it("tells nothing where all is right", () => {
    expect(check(olds(report), wishes({ ...report, observed: right })).reported).toBeUndefined();
  });

  it.each([
    ["unknown", unknownValue],
    ["unreachable", { lookedAt: "t", unreachable: "no answer" }],
  ])("still records a look that is %s", (_, observed) => {
    const answer = check(olds(report), wishes({ ...report, observed }));
    expect(answer.reported).toBeUndefined();
    expect(answer.inputs).toHaveProperty("drift");
  });

  it("decides by what is written now, not before", () => {
    expect(check(olds(report), wishes({ observed: aLook() })).inputs.drift).toBe("driver is e1000e, not vfio-pci");
    expect(check(olds(), wishes({ ...report, observed: aLook() })).inputs).not.toHaveProperty("drift");
  });
});

describe("the inputs that are recorded", () => {
  it("are what was written, and the board that answered", () => {
    expect(check({}, wishes({ observed: aLook() })).inputs).toEqual({ ...wishes(), boardId: "b0a4d1" });
  });

  it("keep the board's id while it gives no answer", () => {
    const observed = { lookedAt: "t", unreachable: "no answer" };
    expect(check(olds(), wishes({ observed })).inputs.boardId).toBe("b0a4d1");
    expect(check(olds(), wishes({ observed: unknownValue })).inputs.boardId).toBe("b0a4d1");
    expect(check({}, wishes({ observed })).inputs).not.toHaveProperty("boardId");
  });

  it("name the board that is behind the address now", () => {
    expect(check(olds(), wishes({ observed: aLook({}, { boardId: "another" }) })).inputs.boardId).toBe("another");
  });

  it("hold no output", () => {
    expect(check({}, { ...wishes(), currentDriver: null, vfioPath: "x", bootId: unknownValue }).inputs).toEqual(wishes());
  });
});
