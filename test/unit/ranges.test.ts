import { describe, expect, it } from "vitest";
import { type Problem, unknownValue, validate } from "../../provider/schema";
import { connection, wishes } from "./made";

const problems = (changed: Record<string, unknown>): Problem[] => validate(wishes(changed)).problems;
const connected = (changed: Record<string, unknown>) => problems({ connection: { ...connection, ...changed } });

describe("a value out of range is refused:", () => {
  const ranges: [name: string, value: unknown, message: string][] = [
    ["port", 0, "must be from 1 to 65535"],
    ["port", 65536, "must be from 1 to 65535"],
    ["port", -1, "must be from 1 to 65535"],
    ["port", 22.5, "must be a whole number from 1 to 65535"],
    ["port", "22", "must be a whole number from 1 to 65535"],
    ["dialErrorLimit", -2, "must be -1 (no limit) or more"],
    ["dialErrorLimit", 1.5, "must be a whole number"],
    ["perDialTimeout", -1, "must be at least 0 seconds"],
    ["host", "", "must not be empty"],
    ["host", "board;reboot", "must be an address or a host name"],
    ["host", "a b", "must be an address or a host name"],
    ["user", "", "must not be empty"],
    ["hostKeyChecking", "no", 'must be "strict", "accept-new" or "off"'],
    ["knownHosts", 4, "must be a path or a list of paths"],
    ["proxy", "gate", "must be a connection"],
  ];
  it.each(ranges)("connection.%s: %j", (name, value, message) => {
    expect(connected({ [name]: value })[0]).toEqual({ property: `connection.${name}`, message });
  });

  const others: [name: string, value: unknown, message: string][] = [
    ["timeoutSeconds", 1, "must be at least 2 seconds"],
    ["timeoutSeconds", 3601, "must be at most 3600 seconds"],
    ["timeoutSeconds", 2.5, "must be a whole number of seconds"],
    ["claimAs", "", "must not be empty"],
    ["claimAs", "a".repeat(256), "must not be longer than 255 characters"],
    ["force", "yes", "must be true or false"],
    ["triggers", "a", "must be a list"],
    ["onDelete", "nothing", 'must be "restore", "unbind", "probe" or "keep"'],
    ["onDrift", "ignore", 'must be "repair" or "report"'],
    ["whenUnreachable", "wait", 'must be "error" or "skip"'],
    ["module", true, "must be a module's name, or false for none"],
    ["device", 12, "must be the device's name or a selector"],
  ];
  it.each(others)("%s: %j", (name, value, message) => expect(problems({ [name]: value })).toEqual([{ property: name, message }]));
});

describe("a key that nobody knows is named", () => {
  it("beside all others of its place", () => {
    expect(problems({ drivr: 1, "a b": 2, connection: { ...connection, prot: 22 } })).toEqual([
      { property: "connection", message: 'does not know "prot"' },
      { property: "inputs", message: 'does not know "drivr", "a b"' },
    ]);
  });

  it("also in a proxy, and where its value is unknown", () => {
    const message = 'does not know "prot"';
    expect(connected({ proxy: { host: "gate", prot: unknownValue } })).toEqual([{ property: "connection.proxy", message }]);
  });
});
