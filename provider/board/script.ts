import { readFileSync } from "node:fs";
import { join } from "node:path";

let text: string | undefined;

/** What a board gets where a binding is kept over a reboot, byte for byte: it may already lie there. */
const kept = ["at-boot.sh", "devbind.service"];

/**
 * The text of `devbind.sh`, without its comments: they are for readers, and the board's shell would only skip them; and the files
 * that it may put on a board, which a function gives it. All is one group, which a shell reads to its end before it runs any of it: of
 * a text that ends inside a function's name, that shell would run the command or function of that name (`find` of `find_nodes`). It ends with a
 * newline, ready for the line that calls it.
 */
export function boardScript(): string {
  if (text !== undefined) return text;
  const lines = fileOf("devbind.sh")
    .split("\n")
    .filter((line) => !/^\s*(#.*)?$/.test(line));
  text = ["{", ...lines, ...ownTexts(), "}", ""].join("\n");
  return text;
}

/** The function `own_text`: it leaves in `text` what the file `$1` holds, without its last newline. */
function ownTexts(): string[] {
  const cases = kept.map((name) => `${name}) text='${fileOf(name).trimEnd().replaceAll("'", "'\\''")}' ;;`);
  return ["own_text() {", "case $1 in", ...cases, "esac", "}"];
}

const fileOf = (name: string): string => readFileSync(join(__dirname, name), "utf8");
