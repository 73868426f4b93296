import { describe, expect, it } from "vitest";
import { Attacks } from "./hostile";
import { boardLine, deviceLine, printing, saying } from "./hostile-answers";
import type { Hostility } from "./hostile-server";

/** Boards that speak SSH as they should, and lie in what the command prints. */
const attacks = new Attacks();

const many = 4_000_000;
const tooMuch = /^root@\S+ sent more than \d+ bytes in answer to one command\. The answer was thrown away and the command was cut off\./;
const notAnswered = /^The shell on \S+ ended with exit code 0 before the script had answered/;
const notUnderstood = (why: string) => new RegExp(`^The answer of \\S+ cannot be understood: ${why}\\. Nothing of it was believed\\.`);

describe.concurrent("a board that prints too much", () => {
  it.for<[string, Hostility]>([
    ["garbage", printing(() => Buffer.from(Array.from({ length: many }, (_, index) => (index * 7919) % 251)).toString("latin1"))],
    ["one line, a gigabyte and more", printing(() => "", { after: "endless" })],
    ["newlines", printing(() => "\n".repeat(many))],
    ["errors without end", printing(() => "", { stderr: "x".repeat(many) })],
    ["lines under the nonce", printing((nonce) => `${nonce} x\n`.repeat(many / 27))],
    ["words in a line", saying(boardLine(), deviceLine(), `x ${"a ".repeat(many / 2)}`)],
    ["names in a list", saying(boardLine(), deviceLine({ members: "a;b,".repeat(many / 4) }))],
    ["encoded bytes in a name", saying(boardLine(), deviceLine({ driver: "%1B".repeat(many / 3) }))],
  ])("is cut off: %s", async ([, hostility], { signal }) => {
    await attacks.failsWith("protocol", tooMuch, { work: "look", hostility, signal });
  });

  it("is cut off too where it carries out a transaction, or is asked for its outcome", async ({ signal }) => {
    const hostility = printing(() => "", { after: "endless" });
    await attacks.failsWith("protocol", tooMuch, { work: "apply", hostility, signal });
    await attacks.failsWith("protocol", tooMuch, { work: "outcome", hostility, signal });
  });

  it("is not believed either where less would do", async ({ signal }) => {
    const lines = Array.from({ length: 8000 }, () => "x y=z");
    await attacks.failsWith("protocol", notUnderstood("it has more than \\d+ lines"), {
      work: "look",
      hostility: saying(boardLine(), ...lines),
      signal,
    });
    const long = deviceLine({ similar: "a,".repeat(100_000) });
    await attacks.failsWith("protocol", notUnderstood("it has a line of \\d+ characters"), {
      work: "look",
      hostility: saying(boardLine(), long),
      signal,
    });
    const name = deviceLine({ driver: "x".repeat(20_000) });
    await attacks.failsWith("protocol", notUnderstood('its line "device" has no right driver'), {
      work: "look",
      hostility: saying(boardLine(), name),
      signal,
    });
  });
});

describe.concurrent("a board that forges answers", () => {
  const foreign = "f".repeat(24);
  const right = [boardLine(), deviceLine(), "end 2"];

  it.for<[string, RegExp, Hostility]>([
    ["a wrong nonce", notAnswered, printing(() => right.map((line) => `${foreign} ${line}\n`).join(""))],
    ["a nonce that is not at the start of a line", notAnswered, printing((nonce) => right.map((line) => `: ${nonce} ${line}\n`).join(""))],
    ["an end under a wrong nonce", notAnswered, printing((nonce) => `${nonce} ${boardLine()}\n${foreign} end 1\n`)],
    [
      "an end that counts wrong",
      notUnderstood("it told of end 7 after 2 lines"),
      printing((nonce) =>
        right
          .map((line) => `${nonce} ${line}\n`)
          .join("")
          .replace("end 2", "end 7"),
      ),
    ],
    [
      "a count of 16,000 digits",
      notUnderstood("it told of end 9{56} after 0 lines"),
      printing((nonce) => `${nonce} end ${"9".repeat(16_000)}\n`),
    ],
    ["nothing but an end", notUnderstood('its line "\\(none\\)" has no right \\w*'), saying()],
    [
      "another device than was asked for",
      notUnderstood('its line "\\(none\\)" has no right \\w*'),
      saying(boardLine(), deviceLine({ index: "1" })),
    ],
    [
      "a journal that there isn't",
      notUnderstood('its line "device" has no right journal'),
      saying(boardLine(), deviceLine({ journal: "\u001b[31mmine" })),
    ],
    ["words without values", notUnderstood('its line "board" has no right boot'), saying("board __proto__=x constructor= =", deviceLine())],
  ])("is not believed: %s", async ([, says, hostility], { signal }) => {
    await attacks.failsWith("protocol", says, { work: "look", hostility, signal });
  });

  it("is not believed when it says an earlier answer again", async ({ signal }) => {
    const said: string[] = [];
    const hostility = printing((nonce) => {
      said.push(right.map((line) => `${nonce} ${line}\n`).join(""));
      return said[0] ?? "";
    });
    expect(await attacks.answers({ work: "look", hostility, signal })).toMatchObject({ board: { hostName: "h" } });
    await attacks.failsWith("protocol", notAnswered, { work: "look", hostility, signal });
  });

  it("is not believed when it tells of another transaction, or of an outcome that there isn't", async ({ signal }) => {
    const other = `outcome is=done of=${"f".repeat(24)}`;
    const says = notUnderstood('its line "outcome" has no right of');
    await attacks.failsWith("protocol", says, { work: "apply", hostility: saying(boardLine(), other, deviceLine()), signal });
    await attacks.failsWith("protocol", says, { work: "outcome", hostility: saying(boardLine(), other), signal });
    const perfect = saying(boardLine(), "outcome is=perfect of=0123456789abcdef01234567");
    await attacks.failsWith("protocol", notUnderstood('its line "outcome" has no right is'), {
      work: "outcome",
      hostility: perfect,
      signal,
    });
  });

  it("that tells of a held file is quoted without what a terminal would obey", async ({ signal }) => {
    const says = /^The kernel of \S+ does not answer: reading \?{1,200} hangs/;
    const held = printing((nonce) => `${nonce} held ${"%1B".repeat(5000)}\n`);
    await attacks.failsWith("stuck", says, { work: "look", hostility: held, signal });
    await attacks.failsWith("protocol", notAnswered, { work: "look", hostility: printing(() => `${foreign} held /sys/x\n`), signal });
  });
});
