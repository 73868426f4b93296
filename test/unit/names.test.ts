import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, requestLine } from "../../provider/board/protocol";
import { bindingSchema, connectionFields, kernelName, unknownValue, validate } from "../../provider/schema";
import { wishes } from "./made";

const letters =
  'must be letters, digits, spaces and "._:,@+=!%-", without "..", not starting with a space, dot or dash, nor ending with a space';
const tooLong = "must not be longer than 255 bytes";

const bad: [title: string, name: string, message: string][] = [
  ["nothing", "", "must not be empty"],
  ["256 bytes", "a".repeat(256), tooLong],
  ["256 bytes in 128 letters", "é".repeat(128), tooLong],
  ["a slash", "a/b", letters],
  ["a folder above", "..", letters],
  ["a folder above inside", "a..b", letters],
  ["a dot", ".", letters],
  ["a leading dot", ".hidden", letters],
  ["NUL", "a\0b", letters],
  ["a newline", "a\nb", letters],
  ["a last newline", "a\n", letters],
  ["a carriage return", "a\r", letters],
  ["a tab", "a\tb", letters],
  ["a leading dash", "-rf", letters],
  ["a leading space", " a", letters],
  ["a last space", "a ", letters],
  ["a letter of another alphabet", "usb-é", letters],
  ["half a letter", "\ud800", letters],
  ["escape", "\u001b[2J", letters],
  ["delete", "a\u007f", letters],
  ["what the kernel reads back for no override", "(null)", letters],
  ...[..."\"'`$\\;&|<>()[]{}*?#~^"].map((character): [string, string, string] => [`a shell's ${character}`, `a${character}b`, letters]),
];

const good = [
  "Fixed MDIO bus.0",
  "0000:00:02.0",
  "1-1:1.0",
  "PNP0C0C:00",
  "i8042",
  "a".repeat(255),
  "a003c00.virtio_mmio",
  "vmbus_0_14",
  "soc@0!bus@30800000",
  "virtio0.rpmsg_chrdev.-1.0",
  "optee-ta-d96a5b40-c3e5-21e3-8794-1002a5d5c61b",
  "05901221-D566-11D1-B2F0-00A0C9062910-1",
  "snd_soc_core",
  "none",
];

const isShort = (name: string) => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);

describe.each(["bus", "device", "driver", "module"])("a name of a %s that holds", (property) => {
  it.each(bad.filter(([, name]) => property !== "driver" || name !== "(null)"))("%s is refused", (_, name, message) => {
    const found = validate(wishes({ [property]: name })).problems;
    expect(new Set(found.map((problem) => problem.property))).toEqual(new Set([property]));
    expect(found.map((problem) => problem.message)).toContain(message);
  });

  it.each(good.map((name) => [isShort(name), name]))("%s is taken", (_, name) => {
    const { problems, binding } = validate(wishes({ [property]: name }));
    expect(problems).toEqual([]);
    expect(binding).toMatchObject({ [property]: name });
  });
});

describe("a driver (null)", () => {
  it("is told what null means", () => {
    const messages = validate(wishes({ driver: "(null)" })).problems.map(({ message }) => message);
    expect(messages).toEqual(["is no driver's name; null keeps the device without a driver"]);
  });
});

describe("whatever a name is,", () => {
  const almostName = fc.string({ unit: fc.constantFrom(..."ab09 ._:,@+=!%-/$\n\0é"), maxLength: 12 });

  it("what is accepted travels in a request without anything that a shell reads as its own", () => {
    let accepted = 0;
    fc.assert(
      fc.property(almostName, (name) => {
        if (!kernelName.safeParse(name).success) return;
        accepted++;
        const line = requestLine("0".repeat(24), "look", [["device", encode(name), "-", "-", "-"]]);
        expect(line.split(" ")).toHaveLength(7);
        expect(decode(line.split(" ")[5]?.split(",")[1] ?? "")).toBe(name);
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it("what is accepted is one folder's own name", () => {
    fc.assert(
      fc.property(almostName, (name) => {
        if (!kernelName.safeParse(name).success) return;
        expect(name).not.toMatch(/[/\0\n]|^\.|^-|\.\./);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("whatever the inputs are,", () => {
  const value = fc.oneof(fc.jsonValue(), fc.constant(unknownValue), fc.constant(undefined));
  const keyed = (keys: string[]) =>
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), value, { maxKeys: 8, noNullPrototype: true });
  const connections = fc.oneof(value, keyed(Object.keys(connectionFields)));
  const anything = fc
    .tuple(keyed(Object.keys(bindingSchema.shape)), fc.option(connections, { nil: undefined }))
    .map(([inputs, connection]) => (connection === undefined ? inputs : { ...inputs, connection }));

  it("validate never throws, and every problem names a property and says something", () => {
    fc.assert(
      fc.property(anything, (inputs) => {
        const { problems, binding } = validate(inputs);
        for (const { property, message } of problems) {
          expect(property).not.toBe("");
          expect(message).not.toBe("");
        }
        if (binding) expect(problems).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it("it takes nothing silently: there is a problem, a binding, or something unknown", () => {
    fc.assert(
      fc.property(anything, (inputs) => {
        const { problems, binding } = validate(inputs, () => false);
        expect(problems.length > 0).toBe(binding === undefined);
      }),
      { numRuns: 2000 },
    );
  });
});
