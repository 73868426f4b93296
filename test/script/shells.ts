import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";

/** A box of tools in one program, and which of ours it has. */
export interface Toolbox {
  path: string;
  tools: string[];
}

/** A shell as boards have it: how it is called, and the tools of its own that go first on PATH. */
export interface Shell {
  name: string;
  command: string[];
  toolbox?: Toolbox;
  /** The words that say what is missing, where it is. */
  missing?: string;
}

/** The external tools that devbind.sh calls. /bin/echo is called by its path, so it is the machine's own. */
const tools = ["cat", "find", "grep", "head", "id", "ln", "ls", "mkdir", "mv", "readlink", "rm", "sed", "sleep", "tail", "tr", "printf"];

function find(program: string): string | undefined {
  for (const folder of ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {}
  }
  return undefined;
}

function toolboxOf(path: string, list: string[]): Toolbox {
  const has = execFileSync(path, list, { encoding: "utf8" }).split(/\s+/);
  return { path, tools: tools.filter((tool) => has.includes(tool)) };
}

/** Makes a folder of links to a box's tools below `root`, unless it is there. */
export function toolFolder(root: string, { path, tools }: Toolbox): string {
  const folder = join(root, "tools", basename(path));
  if (mkdirSync(folder, { recursive: true }) !== undefined) for (const tool of tools) symlinkSync(path, join(folder, tool));
  return folder;
}

function plain(name: string): Shell {
  const path = find(name);
  return path ? { name, command: [path] } : { name, command: [name], missing: `${name} is missing: apt-get install ${name}` };
}

function busybox(): Shell {
  const path = find("busybox");
  const name = "busybox ash";
  if (!path) return { name, command: ["busybox", "ash"], missing: "busybox is missing: apt-get install busybox-static" };
  return { name, command: [path, "ash"], toolbox: toolboxOf(path, ["--list"]) };
}

/** Debian's toybox has no shell of its own: its tools are used by mksh, as Android puts the two together. */
function toybox(): Shell {
  const path = find("toybox");
  const shell = find("mksh");
  const name = "mksh with toybox";
  if (!path || !shell) return { name, command: ["mksh"], missing: "toybox or mksh is missing: apt-get install toybox mksh" };
  return { name, command: [shell], toolbox: toolboxOf(path, []) };
}

/** All shells that a board may have; with CI=true a missing one is an error, else its tests say what brings it. */
export const shells: Shell[] = [plain("dash"), busybox(), plain("bash"), plain("mksh"), toybox()];

export const dash = shells[0] as Shell;
