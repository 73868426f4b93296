import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chosenBoards, readLab } from "../../provider/lab-file/file";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "devbind-lab-"));
  mkdirSync(join(folder, "sub"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string | Uint8Array) {
  writeFileSync(join(folder, "lab.yaml"), text);
  return readLab(join(folder, "lab.yaml"), "lab.yaml");
}

const board = "boards:\n  a:\n    connection: { host: a }\n";
const i2c = "{ bus: platform, device: 13860000.i2c, driver: vfio-platform }";

describe("the layers of a board", () => {
  it("are laid on each other field by field: defaults, profiles in their order, the board's own words", () => {
    const { boards, problems } = read(`
defaults:
  connection: { user: lab, port: 22, knownHosts: /k }
  timeoutSeconds: 60
  bindings:
    keys: { bus: platform, device: gpio-keys, driver: null }
profiles:
  arndale:
    confirmSeconds: 20
    connection: { port: 2222 }
    bindings:
      i2c: ${i2c}
      uart: { bus: platform, device: uart, driver: a }
  kept: { bindings: { i2c: { persist: true }, uart: { driver: b, moduleParameters: { x: "1" } } } }
boards:
  one:
    profiles: [arndale, kept]
    tags: [arm, i2c]
    connection: { host: 10.0.0.1 }
    timeoutSeconds: null
    bindings:
      keys: null
      i2c: { driver: ~ }
      uart: { moduleParameters: { y: "2" } }
  two:
    connection: { host: 10.0.0.2 }
`);
    expect(problems).toEqual([]);
    expect(boards).toEqual([
      {
        name: "one",
        tags: ["arm", "i2c"],
        inputs: {
          confirmSeconds: 20,
          connection: { host: "10.0.0.1", user: "lab", port: 2222, knownHosts: "/k" },
          bindings: {
            i2c: { bus: "platform", device: "13860000.i2c", driver: null, persist: true },
            uart: { bus: "platform", device: "uart", driver: "b", moduleParameters: { y: "2" } },
          },
        },
      },
      {
        name: "two",
        tags: [],
        inputs: {
          timeoutSeconds: 60,
          connection: { host: "10.0.0.2", user: "lab", port: 22, knownHosts: "/k" },
          bindings: { keys: { bus: "platform", device: "gpio-keys", driver: null } },
        },
      },
    ]);
  });

  it("may come from an anchor of YAML too, and a board may have no bindings", () => {
    const { boards, problems } = read(`boards:\n  a: { connection: &way { host: a, user: u } }\n  b: { connection: *way, bindings: {} }\n`);
    expect(problems).toEqual(["lab.yaml:2:33: boards.b.connection.host is the address of boards.a too."]);
    expect(boards).toEqual([]);
    const fine = read(
      `boards:\n  a: { connection: { host: a, jumps: &way [{ host: gate }] } }\n  b: { connection: { host: b, jumps: *way } }\n`,
    );
    expect(fine.boards.map(({ inputs }) => inputs.connection.jumps)).toEqual([[{ host: "gate" }], [{ host: "gate" }]]);
    expect(fine.boards[0]?.inputs.bindings).toEqual({});
  });

  it("keep secrets as references, and take paths from the file's own folder to the project's", () => {
    writeFileSync(
      join(folder, "sub/lab.yaml"),
      `defaults: { connection: { privateKeyPath: keys/lab, knownHosts: [known_hosts, ~/k, /etc/k], password: { config: labPassword } } }\n${board}`,
    );
    const { boards } = readLab(join(folder, "sub/lab.yaml"));
    const near = (name: string) => join(relative(process.cwd(), folder), "sub", name);
    expect(boards[0]?.inputs.connection).toEqual({
      ...{ host: "a", password: { config: "labPassword" } },
      ...{ privateKeyPath: near("keys/lab"), knownHosts: [near("known_hosts"), "~/k", "/etc/k"] },
    });
  });
});

describe("every problem is told with its line and path", () => {
  const secret = "must be { config: NAME } or { env: NAME }: no secret stands in a lab file";
  const anEntry = (fields: string) => `${board}    bindings:\n      x: { ${fields} }\n`;
  it.each<[title: string, text: string, problems: string[]]>([
    ["an empty file", "", ["lab.yaml:1:1: boards is missing."]],
    ["a list", "- a\n", ["lab.yaml:1:1: boards is missing."]],
    ["a key that nobody knows", `${board}    bindngs: {}\n`, ['lab.yaml:4:14: boards.a does not know "bindngs".']],
    ["a key of the file itself", `${board}board: {}\n`, ['lab.yaml:4:8: the file does not know "board".']],
    ["a board without a host", "boards:\n  a:\n    connection: { port: 22 }\n", ["lab.yaml:3:17: boards.a.connection.host is missing."]],
    ["a board of nothing", "boards:\n  a:\n", ["lab.yaml:2:3: boards.a.connection is missing."]],
    [
      "a board's name",
      "boards:\n  -a: { connection: { host: a } }\n",
      ['lab.yaml:2:7: boards.-a must be a board\'s name: 1 to 63 letters, digits and "._-", starting with a letter or digit.'],
    ],
    [
      "a binding's name",
      anEntry("bus: pci, device: a, driver: a").replace("x:", '"x y":'),
      [
        'lab.yaml:5:14: boards.a.bindings.x y must be a name of 1 to 100 letters, digits and "._:@-", not starting with a dot, colon, @ or dash.',
      ],
    ],
    [
      "a missing driver",
      anEntry("bus: pci, device: a"),
      ["lab.yaml:5:10: boards.a.bindings.x.driver is missing; null keeps the device without a driver."],
    ],
    ["a secret", board.replace("host: a", "host: a, password: hunter2"), [`lab.yaml:3:38: boards.a.connection.password ${secret}.`]],
    [
      "a jump's secret",
      board.replace("host: a", "host: a, jumps: [{ host: b, privateKey: K }]"),
      [`lab.yaml:3:59: boards.a.connection.jumps[0].privateKey ${secret}.`],
    ],
    [
      "a number that is none",
      anEntry("bus: pci, device: 12e0000, driver: a"),
      [
        'lab.yaml:5:30: boards.a.bindings.x.device must be the device\'s name or a selector; YAML reads 12e0000 as the number 12: write "12e0000" in quotes.',
      ],
    ],
    [
      "two selectors",
      anEntry("bus: pci, device: { pciId: 8086:10d3, modalias: a }, driver: a"),
      [
        "lab.yaml:5:30: boards.a.bindings.x.device must have exactly one of deviceTreePath, compatible, address, pciId, usbId, modalias, networkInterface, not pciId and modalias.",
      ],
    ],
    [
      "a selector of another bus",
      anEntry('bus: pci, device: { address: "12e0000" }, driver: a'),
      ['lab.yaml:5:41: boards.a.bindings.x.device.address is only for the bus "platform" or "amba".'],
    ],
    [
      "a profile that is none",
      `${board}    profiles: [a, b]\nprofiles: { b: {} }\n`,
      ["lab.yaml:4:16: boards.a.profiles[0] is no profile of this file: a."],
    ],
    [
      "an entry that takes nothing away",
      anEntry("").replace("{  }", "null"),
      ["lab.yaml:5:10: boards.a.bindings.x takes nothing away: no profile of the board has a binding of this name."],
    ],
    [
      "one address twice",
      `${board}  b: { connection: { host: a, port: 22 } }\n`,
      ["lab.yaml:4:28: boards.b.connection.host is the address of boards.a too."],
    ],
    [
      "what a profile lacks, once",
      `profiles:\n  p:\n    bindings:\n      x: { bus: pci, device: a }\n${board}    profiles: [p]\n  b: { profiles: [p], connection: { host: b } }\n`,
      ["lab.yaml:4:10: boards.a.bindings.x.driver is missing; null keeps the device without a driver."],
    ],
    [
      "a profile that no board uses",
      `profiles: { p: { timeoutSeconds: 1 } }\n${board}`,
      ["lab.yaml:1:34: profiles.p.timeoutSeconds must be at least 2 seconds."],
    ],
    [
      "several",
      `defaults: { tags: [] }\n${board}    tags: arm\n    persist: true\n`,
      [
        'lab.yaml:1:19: defaults does not know "tags".',
        "lab.yaml:5:11: boards.a.tags must be a list of tags.",
        'lab.yaml:6:14: boards.a does not know "persist".',
      ],
    ],
    ["a key twice", `${board}${board}`, ["lab.yaml:4:1: this key stands here already."]],
    ["a tab", "boards:\n\ta: {}\n", ["lab.yaml:2:1: a tab can't indent in YAML: use spaces."]],
    ["two documents", `${board}---\n${board}`, ["lab.yaml:4:1: a second document starts here: one file is one lab."]],
    ["a tag of YAML", board.replace("host: a", "host: !!js/function a"), ["lab.yaml:3:25: tags like this are not taken."]],
    ["an anchor that is none", board.replace("host: a", "host: *a"), ["lab.yaml:3:25: no anchor of this name stands above."]],
    ["an anchor in itself", "boards: &b\n  a: *b\n", ["lab.yaml:2:3: more values, or deeper ones, than a lab has."]],
    [
      "half a quote",
      board.replace("host: a", 'host: "a'),
      [
        'lab.yaml:4:1: Missing closing "quote.',
        "lab.yaml:4:1: Flow map in block collection must be sufficiently indented and end with a }.",
      ],
    ],
  ])("%s", (_, text, problems) => {
    const lab = read(text);
    expect(lab.boards).toEqual([]);
    expect(lab.problems).toEqual(problems);
  });

  it("anchors that name each other end soon, as a problem", () => {
    const levels = [...Array(12).keys()].map((level) => `l${level + 1}: &l${level + 1} [${Array(12).fill(`*l${level}`).join(", ")}]`);
    const { problems } = read(`l0: &l0 [x]\n${levels.join("\n")}\n${board}`);
    expect(problems).toEqual([expect.stringContaining("more values, or deeper ones, than a lab has")]);
  });

  it("a file that is absent, too large or no text is a problem of its own", () => {
    expect(readLab(join(folder, "none.yaml"), "none.yaml").problems).toEqual(["none.yaml: there is no such file."]);
    expect(readLab(folder, "folder").problems).toEqual([expect.stringMatching(/^folder: can't be read: EISDIR.*\.$/)]);
    expect(read(`#${"x".repeat(1024 * 1024)}\n${board}`).problems).toEqual(["lab.yaml: is larger than 1 MiB."]);
    expect(read(Uint8Array.from([0xff, 0xfe, 0x61])).problems).toEqual(["lab.yaml: is not UTF-8."]);
  });

  it("a mark of the byte order at the start is none", () => {
    expect(read(`\ufeff${board}`)).toMatchObject({ problems: [], boards: [{ name: "a" }] });
  });

  it("no key reaches an object's own machinery", () => {
    expect(read("boards:\n  __proto__: { connection: { host: a } }\n").problems).toEqual(["lab.yaml:2:3: this key is not taken."]);
    expect({}).not.toHaveProperty("connection");
  });
});

describe("boards are chosen", () => {
  const lab = () =>
    read(`boards:\n${["a", "b", "c"].map((name) => `  ${name}: { connection: { host: ${name} }, tags: [t, ${name}] }`).join("\n")}\n`)
      .boards;
  it.each<[names: string[], tags: string[], chosen: string[], unknown: string[]]>([
    [[], [], ["a", "b", "c"], []],
    [["b", "a"], [], ["a", "b"], []],
    [[], ["t", "b"], ["b"], []],
    [["a"], ["b"], [], []],
    [["a", "x"], [], ["a"], ["x"]],
  ])("by the names %j and the tags %j: %j", (names, tags, chosen, unknown) => {
    const found = chosenBoards(lab(), names, tags);
    expect([found.chosen.map(({ name }) => name), found.unknown]).toEqual([chosen, unknown]);
  });
});
