import { readdirSync } from "node:fs";
import { join } from "node:path";

/** `*` any run, `?` any one character. Linear in both texts (no regular expression made from a file's content). */
export function wildcardMatches(pattern: string, name: string): boolean {
  let inPattern = 0;
  let star = -1;
  let resume = 0;
  for (let inName = 0; inName < name.length; ) {
    if (pattern[inPattern] === "*") {
      star = inPattern++;
      resume = inName;
    } else if (pattern[inPattern] === "?" || pattern[inPattern] === name[inName]) {
      inPattern++;
      inName++;
    } else if (star >= 0) {
      inPattern = star + 1;
      inName = ++resume;
    } else return false;
  }
  while (pattern[inPattern] === "*") inPattern++;
  return inPattern === pattern.length;
}

/** The files that an absolute path with wildcards means, in order, as glob(7): none where there is none; a leading dot must be written. */
export function filesLike(pattern: string): string[] {
  const [, ...parts] = pattern.split("/");
  return parts.reduce<string[]>((folders, part) => folders.flatMap((folder) => entriesLike(folder, part)), ["/"]);
}

function entriesLike(folder: string, part: string): string[] {
  if (!/[*?]/.test(part)) return [join(folder, part)];
  const isMeant = (name: string) => wildcardMatches(part, name) && name.startsWith(".") === part.startsWith(".");
  try {
    return readdirSync(folder)
      .filter(isMeant)
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
