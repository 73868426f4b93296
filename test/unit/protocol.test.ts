import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  decode,
  encode,
  field,
  isComplete,
  list,
  parseAnswer,
  protocolVersion,
  readLine,
  requestLine,
  text,
  yes,
  yesOrNothing,
} from "../../provider/board/protocol";
import { DevbindError } from "../../provider/errors";

const nonce = "0123456789abcdef01234567";
const answer = (...lines: string[]) => lines.map((line) => `${nonce} ${line}\n`).join("");
const parse = (stdout: string) => parseAnswer(stdout, nonce, "10.0.0.21", 100);

function failure(act: () => unknown): DevbindError {
  try {
    act();
  } catch (error) {
    if (error instanceof DevbindError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a value of the wire", () => {
  it("comes back as it was, whatever Unicode it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 60 }), (value) => {
        const word = encode(value);
        expect(word).toMatch(/^[A-Za-z0-9._:@+/%-]+$/);
        expect(decode(word)).toBe(value);
      }),
      { numRuns: 5000 },
    );
  });

  const table: [value: string | null, word: string][] = [
    [null, "-"],
    ["", "-"],
    ["-", "%2D"],
    ["-any", "%2Dany"],
    ["a-b", "a-b"],
    ["Fixed MDIO bus.0", "Fixed%20MDIO%20bus.0"],
    ["a,b;c=d", "a%2Cb%3Bc%3Dd"],
    ["100%", "100%25"],
    ["%41", "%2541"],
    ["$(reboot)`'\"\\", "%24%28reboot%29%60%27%22%5C"],
    ["\n\r\t\0", "%0A%0D%09%00"],
    ["ü€", "%C3%BC%E2%82%AC"],
    ["AZaz09._:@+/-", "AZaz09._:@+/-"],
  ];
  it.each(table)("%j is written %s", (value, word) => {
    expect(encode(value)).toBe(word);
    expect(decode(word)).toBe(value === "" ? null : value);
  });

  it("that is no UTF-8, or no encoding, is read as well as can be", () => {
    expect(decode("%FF%41")).toBe("\ufffdA");
    expect(decode("%zz%4%")).toBe("%zz%4%");
  });
});

describe("the request", () => {
  it("is one line that says version, nonce, operation, count, items, and the end", () => {
    expect(
      requestLine(nonce, "look", [
        ["device", "pci", "0000:00:02.0", "vfio-pci", "-"],
        ["device", "a", "b", "-", "-"],
      ]),
    ).toBe(`devbind 1 ${nonce} look 2 device,pci,0000:00:02.0,vfio-pci,- device,a,b,-,- end-${nonce}\n`);
    expect(protocolVersion).toBe(1);
  });

  it("never holds a byte that a shell could read as its own", () => {
    const allowed = /^[A-Za-z0-9._:@+/%, -]+\n$/;
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code);
      if (allowed.test(`${character}\n`)) expect(requestLine(nonce, "look", [[character]])).toMatch(allowed);
      else expect(() => requestLine(nonce, "look", [[`a${character}`]])).toThrow("a byte that a shell could read as its own");
    }
  });
});

describe("an answer", () => {
  it("is read line by line, each of words and fields", () => {
    expect(parse(answer("board boot=b condition=quiet", "device index=0 driver=-", "end 2"))).toEqual([
      { word: "board", fields: { boot: "b", condition: "quiet" } },
      { word: "device", fields: { index: "0", driver: "-" } },
    ]);
  });

  const noisy: [title: string, stdout: string][] = [
    ["a banner before it", `Welcome to board-7!\n\n${answer("board a=1", "end 1")}`],
    ["words after it", `${answer("board a=1", "end 1")}logout\n`],
    ["noise between its lines", answer("board a=1").concat("kernel: oops\n", answer("end 1"))],
    ["carriage returns", answer("board a=1", "end 1").replaceAll("\n", "\r\n")],
    ["lines of another nonce", `${"f".repeat(24)} device index=0\n${answer("board a=1", "end 1")}${"f".repeat(24)} end 9\n`],
    ["its nonce inside a line of noise", `x${nonce} device index=0\n${answer("board a=1", "end 1")}`],
    ["no last newline", answer("board a=1", "end 1").trimEnd()],
  ];
  it.each(noisy)("is read through %s", (_, stdout) => expect(parse(stdout)).toEqual([{ word: "board", fields: { a: "1" } }]));

  const why = (words: string) => `The answer of 10.0.0.21 cannot be understood: ${words}.`;
  const wrong: [title: string, stdout: string, failed: string][] = [
    ["that is empty", "", why("it told of nothing after 0 lines")],
    ["of noise only", "sh: devbind: not found\n", why("it told of nothing after 0 lines")],
    ["that is cut", answer("board a=1", "device index=0"), why("it told of device index=0 after 1 lines")],
    ["that is cut in its end", `${answer("board a=1")}${nonce} en`, why("it told of en after 1 lines")],
    ["that counts too many", answer("board a=1", "end 2"), why("it told of end 2 after 1 lines")],
    ["that counts too few", answer("board a=1", "board a=2", "end 1"), why("it told of end 1 after 2 lines")],
    ["that goes on after its end", answer("board a=1", "end 1", "device index=0"), why("it told of device index=0 after 2 lines")],
    ["of another request", answer("board a=1", "end 1").replaceAll(nonce, "f".repeat(24)), why("it told of nothing after 0 lines")],
  ];
  it.each(wrong)("%s is not believed", (_, stdout, failed) => {
    const error = failure(() => parse(stdout));
    expect(error.kind).toBe("protocol");
    expect(error.words).toEqual({
      failed,
      now: "Nothing of it was believed.",
      todo: "Look at the board by hand; its shell or its login script may be broken.",
    });
  });

  it("that the kernel holds names the file", () => {
    const error = failure(() => parse(answer("board a=1", "held /devices/a%20b%0A/driver")));
    expect(error.kind).toBe("stuck");
    expect(error.message).toBe(
      "The kernel of 10.0.0.21 does not answer: reading /devices/a b?/driver hangs, so something holds that device. The look itself wrote nothing. " +
        "Find out who holds the device (a VM that uses it, a driver's probe), or reboot the board.",
    );
  });

  it("of garbage never ends in anything but an error of ours", () => {
    const junk = fc.string({ unit: "binary", maxLength: 40 });
    const word = fc.constantFrom(
      "end 0",
      "end 1",
      "end 2",
      "held -",
      "held %",
      "board",
      "board a",
      "board =",
      "device __proto__=1 a=%",
      "end",
      "end 1 2",
      "",
    );
    const line = fc.oneof(
      junk,
      word.map((said) => `${nonce} ${said}`),
      junk.map((said) => `${nonce} ${said}`),
    );
    const schema = z.object({ a: field, b: list, c: yes });
    const ends = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), fc.boolean(), fc.constantFrom("\n", "\r\n", "\r"), (lines, isCounted, end) => {
        const own = lines.flatMap((one) => one.split("\n")).filter((one) => one.startsWith(`${nonce} `));
        const stdout = [...lines, ...(isCounted ? [`${nonce} end ${own.length}`] : [])].map((one) => one + end).join("");
        isComplete(stdout, nonce);
        try {
          const read = parse(stdout);
          ends.read++;
          for (const one of read) readLine(one, schema, "b");
        } catch (error) {
          expect(error).toBeInstanceOf(DevbindError);
          ends.refused++;
        }
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(ends.read, ends.refused)).toBeGreaterThan(50);
  });
});

describe("a line's fields", () => {
  it("are read as what they stand for", () => {
    const schema = z.object({ a: field, b: text, c: list, d: yes, e: yesOrNothing, f: list });
    const fields = { a: "-", b: "-", c: "x%2Cy,-,z", d: "no", e: "-", f: "-" };
    expect(readLine({ word: "device", fields }, schema, "b")).toEqual({ a: null, b: "", c: ["x,y", "", "z"], d: false, e: null, f: [] });
  });

  it("that are missing or wrong make the answer one that cannot be understood", () => {
    const schema = z.object({ driver: field, seen: yes });
    const said = (line: Parameters<typeof readLine>[0]) => failure(() => readLine(line, schema, "b")).words.failed;
    expect(said({ word: "device", fields: { seen: "yes" } })).toBe(
      'The answer of b cannot be understood: its line "device" has no right driver.',
    );
    expect(said({ word: "device", fields: { driver: "x", seen: "perhaps" } })).toContain('its line "device" has no right seen');
    expect(said(undefined)).toContain('its line "(none)" has no right');
  });
});
