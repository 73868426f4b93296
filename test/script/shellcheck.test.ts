import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { boardScript } from "../../provider/board/script";
import { promise } from "./setup";
import { shells } from "./shells";

const room = join(__dirname, "../../provider/board");
const files = ["devbind.sh", "at-boot.sh"];
const isMissing = spawnSync("shellcheck", ["--version"]).error !== undefined;
const isCi = Boolean(process.env.CI) && process.env.CI !== "false";

it.skipIf(isMissing && !isCi).each(files)("%s is clean to shellcheck (without it: apt-get install shellcheck)", (name) => {
  const { stdout, status, error } = spawnSync("shellcheck", [join(room, name)], { encoding: "utf8" });
  expect(error, "shellcheck is missing: apt-get install shellcheck").toBeUndefined();
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
});

for (const shell of shells) {
  promise(shell, `devbind.sh is read by ${shell.name} without a complaint, and does nothing by itself`, () => {
    const [program = "sh", ...words] = [...shell.command, "-s"];
    const { stdout, stderr, status } = spawnSync(program, words, { input: boardScript(), encoding: "utf8" });
    expect({ stdout, stderr, status }).toEqual({ stdout: "", stderr: "", status: 0 });
  });
}

it("the text that is sent holds no here-document, which some shells keep in a file", () => {
  expect(boardScript()).not.toMatch(/<<-?\s*['"\w]/);
});
