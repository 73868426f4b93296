import { readFileSync } from "node:fs";
import { join } from "node:path";

let text: string | undefined;

/**
 * The text of `devbind.sh`, without its comments: they are for readers, and the board's shell would only skip them. It ends
 * with a newline, ready for the line that calls it.
 */
export function boardScript(): string {
  text ??= readFileSync(join(__dirname, "devbind.sh"), "utf8")
    .split("\n")
    .filter((line) => !/^\s*(#.*)?$/.test(line))
    .join("\n")
    .concat("\n");
  return text;
}
