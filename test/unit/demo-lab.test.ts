import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readLab } from "../../provider/lab-file/file";
import { Checks } from "../demo/checks";
import { Screen } from "../demo/screen";
import { boardNames, labBoards } from "../demo-lab/boards";
import { breaksFor } from "../demo-lab/breaks";
import { aimAt } from "../demo-lab/lab-file";
import { type PromiseName, promisesFor } from "../demo-lab/promises";

const example = join(__dirname, "../../examples/lab");
const seeds = Array.from({ length: 200 }, (_, seed) => seed);

describe("npm run demo:lab", () => {
  const breaks = breaksFor(boardNames, 38);
  const promises = promisesFor(boardNames, breaks);
  const promised = Object.keys(promises) as PromiseName[];

  it("holds where every promise was checked and held, and its last line says of how many", () => {
    const { isWhole, lastLine } = ended(promised);
    expect([isWhole, lastLine]).toEqual([true, `lab: ${promised.length} of ${promised.length} checks held`]);
  });

  it.each(promised)("fails where %s was not reached, and where it did not hold", (name) => {
    const others = promised.filter((other) => other !== name);
    const lastLine = `lab: ${others.length} of ${promised.length} checks held`;
    expect(ended(others)).toMatchObject({ isWhole: false, lastLine });
    expect(ended(others, name)).toMatchObject({ isWhole: false, lastLine });
  });

  it("promises for every board how it comes up, is bound, is repaired, is left alone and is given back", () => {
    for (const name of boardNames)
      for (const each of ["before", "bound", "repaired", "nothingWritten", "restored"] as const)
        expect(promised).toContain(`${name} ${each}`);
    expect(promised.filter((name) => name.endsWith(" broken"))).toHaveLength(3);
    expect(promised.filter((name) => name.endsWith(" leftAlone"))).toHaveLength(1);
  });

  it("breaks three of four boards, each in another way, and the same for the same seed", () => {
    for (const seed of seeds) {
      const found = breaksFor(boardNames, seed);
      expect([...found.values()].sort()).toEqual(["byHand", "off", "reset"]);
      expect([...breaksFor(boardNames, seed)]).toEqual([...found]);
    }
    for (const name of boardNames) {
      const ways = new Set(seeds.map((seed) => breaksFor(boardNames, seed).get(name)));
      expect(ways, name).toEqual(new Set(["byHand", "off", "reset", undefined]));
    }
  });

  /** Whether all held, and the last line, after these checks held and this one did not. */
  function ended(held: readonly PromiseName[], failed?: PromiseName) {
    let text = "";
    const checks = new Checks(new Screen({ write: (part) => (text += part) }), "lab", promises);
    for (const name of held) checks.check(name, true, "as promised");
    if (failed !== undefined) checks.check(failed, false, "otherwise");
    const isWhole = checks.end();
    return { isWhole, lastLine: text.trimEnd().split("\n").at(-1) };
  }
});

describe("examples/lab", () => {
  it("is a right lab file, and so is its edit", () => {
    for (const file of ["lab.yaml", "step-1/lab.yaml"]) {
      const { boards, problems } = readLab(join(example, file));
      expect(problems).toEqual([]);
      expect(boards.map(({ name }) => name)).toEqual([...boardNames]);
    }
  });

  it("wishes for each board what the demo's own eyes look for", () => {
    for (const { name, inputs } of readLab(join(example, "lab.yaml")).boards) {
      const wished = Object.values(inputs.bindings).map(({ bus, driver }) => [bus, driver]);
      const known = Object.entries(labBoards)
        .find(([board]) => board === name)?.[1]
        .devices.map(({ bus, wished }) => [bus, wished]);
      expect(wished.map(String).sort(), name).toEqual(known?.map(String).sort());
    }
  });

  it("gets the boards' addresses and keys, loses those that are not booted, and stays the same in all else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "devbind-lab-file-"));
    try {
      await cp(join(example, "lab.yaml"), join(folder, "lab.yaml"));
      const board = { host: "127.0.0.1", port: 2201, privateKeyPath: "/keys/user", knownHostsLine: "[127.0.0.1]:2201 ssh-ed25519 AAAA" };
      await aimAt(folder, new Map([["arm-1", board]]));
      const wanted = parse(await readFile(join(example, "lab.yaml"), "utf8"));
      wanted.defaults.connection.privateKeyPath = "/keys/user";
      wanted.boards = { "arm-1": { ...wanted.boards["arm-1"], connection: { host: "127.0.0.1", port: 2201 } } };
      expect(parse(await readFile(join(folder, "lab.yaml"), "utf8"))).toEqual(wanted);
      expect(await readFile(join(folder, "known_hosts"), "utf8")).toBe("[127.0.0.1]:2201 ssh-ed25519 AAAA\n");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
