import { describe, expect, it } from "vitest";
import { claimantOf } from "../../provider/plan/guards";
import { similar } from "../../provider/plan/select";

describe("a claimant", () => {
  it("is the resource, or the name that claimAs gives", () => {
    expect(claimantOf({ claimant: "o/p/s/n" })).toBe("o/p/s/n");
    expect(claimantOf({ claimant: "o/p/s/n", claimAs: "lab" })).toBe("lab");
  });
});

describe("similar names", () => {
  it.each([
    ["nothing for no names", "e1000", [], ""],
    ["the one there is", "e1000", ["e1000e"], ' (there is "e1000e")'],
    [
      "the nearest three, nearest first, and counts the rest",
      "spidev",
      ["uart", "spidev2", "spi", "mmc", "spider"],
      ' (there are "spidev2", "spider", "spi" and 2 more)',
    ],
    ["all of three", "a", ["c", "b", "a"], ' (there are "a", "c", "b")'],
  ])("say %s", (_, wanted, names, words) => expect(similar(wanted, names)).toBe(words));

  it("leave the given list in its order", () => {
    const names = ["zz", "aa"];
    similar("aa", names);
    expect(names).toEqual(["zz", "aa"]);
  });
});
