import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

const projectFiles = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];

/** The folder that holds the project file: the nearest from the working directory upwards, else the working directory itself. */
export function projectFolder(): string {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (projectFiles.some((name) => existsSync(join(folder, name)))) return folder;
    if (dirname(folder) === folder) return process.cwd();
  }
}

/** A path as the user wrote it, made absolute: `~/` is the home, a relative one starts at the project's folder. */
export function resolvePath(path: string): string {
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return resolve(projectFolder(), path);
}

/** An IPv6 address without the brackets that a user may have written. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
