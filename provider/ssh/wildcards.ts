import { readdirSync } from "node:fs";
import { join } from "node:path";
import { wildcardMatches } from "../wildcard";

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
