import { describe, expect, it } from "vitest";
import { isComplete } from "../../provider/board/protocol";

const nonce = "0123456789abcdef01234567";
const answer = (...lines: string[]) => lines.map((line) => `${nonce} ${line}\n`).join("");

describe("an answer is complete", () => {
  it.each([
    ["end 3", answer("end 3"), true],
    ["end 3 with a carriage return", `${nonce} end 3\r\n`, true],
    ["what is held", answer("held /a/b"), true],
    ["end after other lines", `hello\n${answer("board a=1", "end 1")}`, true],
    ["end before some noise", `${answer("end 0")}logout\n`, true],
    ["end without its newline", `${nonce} end 3`, false],
    ["end without a count", answer("end"), false],
    ["end with more than a count", answer("end 3 x"), false],
    ["end of another request", answer("end 3").replaceAll(nonce, "f".repeat(24)), false],
    ["end in the middle of a line", `x${answer("end 3")}`, false],
    ["nothing", "", false],
    ["other lines", answer("board a=1"), false],
  ])("by its whole last line: %s", (_, stdout, expected) => expect(isComplete(stdout, nonce)).toBe(expected));

  it("only when every byte is there", () => {
    const whole = answer("board a=1", "device index=0", "end 2");
    for (let length = 0; length < whole.length; length++) expect(isComplete(whole.slice(0, length), nonce)).toBe(false);
    expect(isComplete(whole, nonce)).toBe(true);
  });
});
