import { readFileSync } from "node:fs";
import { join } from "node:path";

let text: string | undefined;

/**
 * The text of `devbind.sh`, without its comments: they are for readers, and the board's shell would only skip them. It is one
 * group, which a shell reads to its end before it runs any of it: of a text that ends inside a function's name, that shell would run
 * the command of that name (`find` of `find_nodes`). It ends with a newline, ready for the line that calls it.
 */
export function boardScript(): string {
  if (text !== undefined) return text;
  const lines = readFileSync(join(__dirname, "devbind.sh"), "utf8")
    .split("\n")
    .filter((line) => !/^\s*(#.*)?$/.test(line));
  text = ["{", ...lines, "}", ""].join("\n");
  return text;
}
