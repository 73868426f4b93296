import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const provider = join(__dirname, "../../provider");
const files = readdirSync(provider, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((path) => ({ path, source: readFileSync(join(provider, path), "utf8") }));

const leaves = ["schema", "selector", "errors", "transaction", "wildcard", "inventory"];

/** A room, the rooms that it may import from and the packages: each only what lies further down. "node:" is Node's own. */
const rooms: Record<string, { rooms: string[]; packages: string[] }> = {
  index: { rooms: ["device-binding", "board-bindings", "lab", "get-devices", "inventory", "resource", "look"], packages: [] },
  "device-binding": { rooms: ["resource", "look", "judge", ...leaves], packages: ["@pulumi/pulumi"] },
  "board-bindings": { rooms: ["resource", "look", "judge", ...leaves], packages: ["@pulumi/pulumi"] },
  lab: { rooms: ["board-bindings", "lab-file", "judge", "ssh", ...leaves], packages: ["@pulumi/pulumi"] },
  "get-devices": { rooms: ["resource", "judge", "board", ...leaves], packages: ["@pulumi/pulumi"] },
  // The command never loads Pulumi's SDK: it answers at once.
  cli: {
    rooms: ["lab-file", "lifecycle", "plan", "board", "ssh", ...leaves],
    packages: ["commander", "cli-table3", "picocolors", "yaml", "zod", "node:"],
  },
  "lab-file": { rooms: ["ssh", ...leaves], packages: ["yaml", "zod", "node:"] },
  resource: { rooms: ["look", "ssh", ...leaves], packages: ["@pulumi/pulumi", "@pulumi/command"] },
  judge: { rooms: ["plan", ...leaves], packages: ["@pulumi/pulumi"] },
  look: { rooms: ["lifecycle", "plan", "board", "ssh", ...leaves], packages: ["@pulumi/pulumi"] },
  runtime: { rooms: ["call", "lifecycle", ...leaves], packages: ["node:"] },
  call: { rooms: ["lifecycle", ...leaves], packages: ["zod", "node:"] },
  lifecycle: { rooms: ["plan", "board", "ssh", ...leaves], packages: ["node:"] },
  plan: { rooms: leaves, packages: [] },
  board: { rooms: ["ssh", ...leaves], packages: ["zod", "node:"] },
  ssh: { rooms: leaves, packages: ["ssh2", "ssh2/lib/protocol/handlers.js", "ssh-config", "node:"] },
  schema: { rooms: ["selector"], packages: ["zod"] },
  selector: { rooms: [], packages: ["zod"] },
  wildcard: { rooms: [], packages: [] },
  errors: { rooms: ["schema"], packages: [] },
  transaction: { rooms: ["schema", "selector"], packages: [] },
  inventory: { rooms: ["schema", "selector", "wildcard"], packages: ["zod"] },
};

/** The room a file lies in: its folder, or its own name at the top. */
const roomOf = (path: string): string => path.split("/")[0]?.replace(/\.ts$/, "") ?? "";

const importsOf = (source: string): string[] =>
  [...source.matchAll(/(?:^(?:import|export)\b[^;"]*?from\s*|\bimport\(\s*|^import\s*)"([^"]+)"/gm)].map(([, from]) => from ?? "");

/** Every import of a file that leads out of its room: to another room, or to a package. */
function leaving(path: string, source: string): { rooms: string[]; packages: string[] } {
  const imports = importsOf(source);
  const near = imports
    .filter((from) => from.startsWith("."))
    .map((from) => roomOf(relative(provider, join(provider, dirname(path), from))));
  const packages = imports.filter((from) => !from.startsWith(".")).map((from) => from.replace(/^node:.*/, "node:"));
  return { rooms: near.filter((room) => room !== roomOf(path)), packages };
}

describe("the arrows between the rooms", () => {
  it("start at rooms that the table knows", () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.map(({ path }) => roomOf(path)).filter((room) => !(room in rooms))).toEqual([]);
  });

  it.each(files.map(({ path, source }) => [path, source]))("lead from %s only where the table says", (path, source) => {
    const found = leaving(path, source);
    const allowed = rooms[roomOf(path)];
    expect(found.rooms.filter((room) => !allowed?.rooms.includes(room))).toEqual([]);
    expect(found.packages.filter((name) => !allowed?.packages.includes(name))).toEqual([]);
  });

  it("are all seen: each file's imports are as many as its import statements", () => {
    for (const { path, source } of files) {
      const statements = source.match(/^import\b|^export\b[^\n]*\bfrom\b/gm) ?? [];
      expect([path, importsOf(source).length]).toEqual([path, statements.length]);
    }
  });

  it("lead one way only: nothing in the table comes back to where it started", () => {
    const reach = (room: string, path: string[]): string[] => {
      if (path.includes(room)) throw new Error(`a circle: ${[...path, room].join(" → ")}`);
      return [room, ...(rooms[room]?.rooms ?? []).flatMap((next) => reach(next, [...path, room]))];
    };
    for (const room of Object.keys(rooms)) expect(reach(room, [])).toContain(room);
  });
});

describe("devbind.sh is the only file that knows a path of sysfs:", () => {
  it.each(files.map(({ path, source }) => [path, source]))("%s names none", (_, source) => expect(source).not.toContain("/sys"));
});
