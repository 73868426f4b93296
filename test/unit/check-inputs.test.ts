import { describe, expect, it } from "vitest";
import { check } from "../../provider/lifecycle/check";
import { unknownValue } from "../../provider/schema";
import { aLook, connection, wishes } from "./made";

const failures = (changed: Record<string, unknown>) => check({}, wishes(changed)).failures;

const invalid: [title: string, changed: Record<string, unknown>, failure: { property: string; reason: string }][] = [
  ["a missing bus", { bus: undefined }, { property: "bus", reason: "bus is missing" }],
  ["a null bus", { bus: null }, { property: "bus", reason: "bus is missing" }],
  ["a number for a bus", { bus: 4 }, { property: "bus", reason: "bus must be a text" }],
  ["a missing connection", { connection: undefined }, { property: "connection", reason: "connection is missing" }],
  ["a text for a connection", { connection: "board" }, { property: "connection", reason: "connection must be a connection" }],
  [
    "a port out of range",
    { connection: { ...connection, port: 70000 } },
    { property: "connection.port", reason: "connection.port must be from 1 to 65535" },
  ],
  [
    "a proxy's missing host",
    { connection: { ...connection, proxy: {} } },
    { property: "connection.proxy.host", reason: "connection.proxy.host is missing" },
  ],
  ["a wrong strategy", { strategy: "force" }, { property: "strategy", reason: 'strategy must be "auto", "override", "bind" or "new-id"' }],
  ["a key that nobody knows", { drivr: "x" }, { property: "inputs", reason: 'inputs does not know "drivr"' }],
];

describe("check names the input that is wrong:", () => {
  it.each(invalid)("%s", (_, changed, failure) => expect(failures(changed)).toEqual([failure]));

  it("every one of several", () => {
    const found = failures({ bus: "a/b", timeoutSeconds: 1, connection: { ...connection, port: 0 } });
    expect(found.map(({ property }) => property)).toEqual(["connection.port", "bus", "timeoutSeconds"]);
  });

  it("also where the look is unknown", () => expect(failures({ bus: "", observed: unknownValue })).toHaveLength(1));
});

describe("check lets pass", () => {
  it("what the program has refused already, so that all resources are shown", () => {
    const news = wishes({ bus: "a/b", observed: { lookedAt: "", invalid: true } });
    expect(check({}, news)).toEqual({ inputs: wishes({ bus: "a/b" }), failures: [], reported: undefined });
  });

  const unknowns: [title: string, changed: Record<string, unknown>][] = [
    ["driver", { driver: unknownValue }],
    ["device", { device: unknownValue }],
    ["connection as one bare text", { connection: unknownValue }],
    ["proxy as one bare text", { connection: { ...connection, proxy: unknownValue } }],
    ["port", { connection: { ...connection, port: unknownValue } }],
    ["host and key", { connection: { host: unknownValue, privateKey: unknownValue } }],
    ["triggers as one bare text", { triggers: unknownValue }],
    ["trigger", { triggers: ["a", unknownValue] }],
    ["choice", { onDelete: unknownValue, strategy: unknownValue }],
    ["number and yes or no", { timeoutSeconds: unknownValue, force: unknownValue }],
  ];
  it.each(unknowns)("an unknown %s", (_, changed) => {
    const news = wishes({ ...changed, observed: unknownValue });
    expect(check({}, news)).toEqual({ inputs: wishes(changed), failures: [], reported: undefined });
  });

  it("unknown inputs, while what is known beside them is still checked", () => {
    const found = failures({ driver: unknownValue, connection: { host: unknownValue, port: 0 } });
    expect(found.map(({ property }) => property)).toEqual(["connection.port"]);
  });

  it("an observation that it does not understand, as if nobody had looked", () => {
    const news = wishes({ observed: { ...aLook(), board: "something else" } });
    expect(check(wishes(), news)).toEqual({ inputs: wishes(), failures: [], reported: undefined });
  });
});
