import type { Result } from "../helpers/pulumi/engine";

/** Pulumi's own lines, of those that matter to the story. */

/** The type's long first part is left out, so that a line fits a terminal. */
const linesOf = ({ stdout }: Result) => stdout.split("\n").map((line) => line.trimEnd().replace("pulumi-nodejs:dynamic/devbind:", "…"));

/** The last line about each of our resources: "~  …DeviceBinding card updated (3s) [diff: +drift]". */
export function stepLines(result: Result): string[] {
  const ended = linesOf(result).filter((line) => /(?:DeviceBinding|BoardBindings) \S+ (created|updated|deleted|replaced)\b/.test(line));
  return ended.map((line) => line.trim());
}

/** The stack's outputs as the CLI prints them. */
export function outputLines(result: Result): string[] {
  const lines = linesOf(result);
  const start = lines.lastIndexOf("Outputs:");
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith("    "));
  return rest.slice(0, end < 0 ? undefined : end).map((line) => line.trim());
}

/** The lines of `--diff` that say what would change, from the resource's own line on. */
export function diffLines(result: Result): string[] {
  const lines = linesOf(result).filter((line) => /^\s*[~+-]\s/.test(line));
  return lines.map((line) => line.replace(/^ {4}/, ""));
}

/** "2 unchanged", "~ 1 updated, 1 unchanged": what the CLI counts at the end; the stack itself is one of them. */
export function summaryLine(result: Result): string {
  const lines = linesOf(result);
  const start = lines.lastIndexOf("Resources:");
  const counted = start < 0 ? [] : lines.slice(start + 1, start + 4).filter((line) => line.startsWith("    "));
  return counted.map((line) => line.trim()).join(", ") || "Pulumi counted nothing";
}
