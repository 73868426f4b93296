/**
 * Whether the pattern matches the whole text: `*` is any text and `?` any one letter. A leaf. No regular expression is made, since
 * pattern and text may be a file's or a board's.
 */
export function wildcardMatches(pattern: string, text: string): boolean {
  let inPattern = 0;
  let star = -1;
  let resume = 0;
  for (let inText = 0; inText < text.length; ) {
    if (pattern[inPattern] === "*") {
      star = inPattern++;
      resume = inText;
    } else if (pattern[inPattern] === "?" || pattern[inPattern] === text[inText]) {
      inPattern++;
      inText++;
    } else if (star >= 0) {
      inPattern = star + 1;
      inText = ++resume;
    } else return false;
  }
  while (pattern[inPattern] === "*") inPattern++;
  return inPattern === pattern.length;
}
