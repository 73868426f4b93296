/** The names most like the wanted one, worded to be put into a sentence: ` (there are "a", "b" and 7 more)`; empty for no names. */
export function similar(wanted: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const nearest = [...names].sort((one, other) => distance(wanted, one) - distance(wanted, other)).slice(0, 3);
  const more = names.length - nearest.length;
  return ` (there ${names.length === 1 ? "is" : "are"} ${nearest.map((name) => `"${name}"`).join(", ")}${more > 0 ? ` and ${more} more` : ""})`;
}

/** How many letters must change to make one name the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      next.push(Math.min((row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, (row[column] ?? 0) + (letter === otherLetter ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
