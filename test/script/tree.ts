/** A tree of made files, as a file system shows it. What a node holds is asked for at every access. */
export type Node = Folder | Link | File;

export interface Folder {
  kind: "folder";
  entries: Map<string, Node>;
}

export interface Link {
  kind: "link";
  /** Where it leads, from its own folder; undefined: there is no such link now. */
  target: () => string | undefined;
}

/** A write as a file gets it. */
export interface Write {
  text: string;
  pid: number;
}

export interface File {
  kind: "file";
  read: () => string | Buffer | Promise<string>;
  /** Takes a write and answers with an errno, 0 for success; without it a write is EACCES, as on a file of mode 0444. */
  write?: (write: Write) => number | Promise<number>;
}

export function folder(): Folder {
  return { kind: "folder", entries: new Map() };
}

/** The folder at a path below `top`, made with all above it where it is missing. */
export function folderAt(top: Folder, path: string): Folder {
  let here = top;
  for (const part of path.split("/").filter((name) => name !== "")) {
    let next = here.entries.get(part);
    if (next === undefined) {
      next = folder();
      here.entries.set(part, next);
    }
    if (next.kind !== "folder") throw new Error(`${path}: ${part} is no folder`);
    here = next;
  }
  return here;
}

/** Puts a node at a path below `top`. */
export function put(top: Folder, path: string, node: Node): void {
  const at = path.lastIndexOf("/");
  folderAt(top, path.slice(0, Math.max(at, 0))).entries.set(path.slice(at + 1), node);
}

/** Whether the node is there now. */
export function exists(node: Node | undefined): node is Node {
  return node !== undefined && (node.kind !== "link" || node.target() !== undefined);
}
