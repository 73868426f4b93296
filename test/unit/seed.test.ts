import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Screen } from "../demo/screen";
import { rows } from "../seed/rows";
import { printTable, type Verdict } from "../seed/table";

const repository = join(__dirname, "../..");
const names = Object.keys(rows);

/** What the table prints for these verdicts, by line, and what it returns. */
function printed(verdicts: [string, Verdict][]) {
  let text = "";
  const isWhole = printTable(new Screen({ write: (part) => (text += part) }), rows, new Map(verdicts));
  return { isWhole, lines: text.trimEnd().split("\n") };
}
const held = (name: string): [string, Verdict] => [name, { holds: true, why: "as promised" }];

describe("npm run seed", () => {
  it("holds where every row that is listed was run and holds", () => {
    const { isWhole, lines } = printed(names.map(held));
    expect([isWhole, lines.at(-1)]).toEqual([true, "seed: 8 of 8 rows hold"]);
  });

  it.each(names)("fails where %s was not run, and where it does not hold, and says which and why", (name) => {
    const others = names.filter((other) => other !== name).map(held);
    const missing = printed(others);
    expect([missing.isWhole, missing.lines.at(-1)]).toEqual([false, "seed: 7 of 8 rows hold"]);
    expect(missing.lines.filter((line) => line.startsWith("✗") || line.endsWith("not run"))).toHaveLength(2);
    const wrong = printed([...others, [name, { holds: false, why: "the driver is another" }]]);
    expect([wrong.isWhole, wrong.lines.at(-1)]).toEqual([false, "seed: 7 of 8 rows hold"]);
    expect(wrong.lines.join("\n")).toContain("the driver is another");
  });

  it("has a kernel test for each row", () => {
    const folder = join(repository, "test/kernel");
    const tests = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));
    const text = tests.map((file) => readFileSync(join(folder, file), "utf8")).join("");
    expect(names.filter((name) => !text.includes(`play(bench, rows.${name})`))).toEqual([]);
  });

  it("has a line in the README for each way", () => {
    const readme = readFileSync(join(repository, "README.md"), "utf8");
    const ways = Object.values(rows).map(({ way }) => way);
    expect(ways.filter((way) => !readme.includes(`\n| ${way} | `))).toEqual([]);
  });
});
