import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providerText } from "../../provider/resource";
import { aLook, bound, claimant, outputs, wishes } from "./made";
import { inProgram, type Packed, pack } from "./packed";

let packed: Packed;
beforeAll(() => {
  packed = pack();
});
afterAll(() => packed?.remove());

const methods = ["call", "check", "create", "delete", "diff", "read", "update"];
const listed = "answer(Object.keys(provider).sort());";

const folders: [title: string, folder: (packed: Packed) => string][] = [
  ["a project with the packed and unpacked tarball", ({ project }) => project],
  ["its folder `main: sub`", ({ project }) => join(project, "sub")],
  ["a folder further down", ({ project }) => join(project, "sub/deep")],
  ["examples/first", ({ copy }) => join(copy, "examples/first")],
  ["the repository itself", ({ copy }) => copy],
];

describe("the text in every resource's state finds the runtime from", () => {
  it.each(folders)("%s", (_, folder) => {
    const { answer, error } = inProgram(folder(packed), providerText, listed);
    expect([answer, error]).toEqual([methods, ""]);
  });

  it("each project its own: the packed one, not the repository's", () => {
    const code = 'answer(require.resolve("pulumi-devbind/runtime"))';
    const found = inProgram(
      packed.project,
      providerText,
      code.replace("require.", 'require("module").createRequire(process.cwd() + "/_.js").'),
    );
    expect(found.answer).toBe(join(packed.project, "node_modules/pulumi-devbind/dist/runtime.js"));
  });
});

describe("where the package is missing", () => {
  it("the error says so, where, and what to do", () => {
    const { answer, error } = inProgram(packed.empty, providerText, listed);
    expect(answer).toBeUndefined();
    expect(error).toMatch(`pulumi-devbind is not installed in ${packed.empty}: run npm install there.`);
  });
});

describe("the packed runtime", () => {
  const run = (code: string) => inProgram(packed.project, providerText, code);

  it("checks and diffs a drift, and prints nothing", () => {
    const olds = JSON.stringify({ ...wishes(), boardId: "b0a4d1" });
    const news = JSON.stringify(wishes({ observed: aLook() }));
    const { answer, printed, error } = run(
      `const { inputs } = await provider.check(${olds}, ${news}); answer([inputs.drift, await provider.diff("id", ${JSON.stringify(outputs())}, inputs)]);`,
    );
    expect([printed, error]).toEqual(["", ""]);
    expect(answer).toEqual(["driver is e1000e, not vfio-pci", { changes: true, replaces: [], deleteBeforeReplace: false }]);
  });

  it("prints a drift that is only to be reported, and nothing else", () => {
    const report = { onDrift: "report" };
    const check = (device: object) =>
      run(`await provider.check(${JSON.stringify(wishes(report))}, ${JSON.stringify(wishes({ ...report, observed: aLook(device) }))});`);
    expect(check({})).toEqual({
      answer: undefined,
      printed: `${claimant}: drift, left alone as onDrift says: driver is e1000e, not vfio-pci\n`,
      error: "",
    });
    expect(check(bound).printed).toBe("");
  });

  it("prints nothing for inputs that are wrong: the engine shows the failures", () => {
    const { answer, printed } = run(`answer((await provider.check({}, ${JSON.stringify(wishes({ bus: "a/b" }))})).failures.length);`);
    expect([answer, printed]).toEqual([1, ""]);
  });

  it("refuses to create what check has let pass, and says what is wrong", () => {
    const { answer, error } = run(
      `await provider.create(${JSON.stringify(wishes({ bus: "a/b", connection: undefined }))}); answer("created");`,
    );
    expect(answer).toBeUndefined();
    expect(error).toMatch(
      /^The inputs of this binding are wrong: connection is missing; bus must be .* Nothing was sent to the board\. Correct the program\.$/,
    );
  });
});

describe("the tarball", () => {
  it("holds what is run, the board's script and the types", () => {
    for (const file of [
      "dist/index.js",
      "dist/runtime.js",
      "dist/board/devbind.sh",
      "dist/board/at-boot.sh",
      "dist/board/devbind.service",
      "dist/index.d.ts",
      "dist/runtime.d.ts",
      "package.json",
    ])
      expect(packed.files).toContain(file);
  });

  it("holds no tests, no sources, and nothing of anybody's state", () => {
    expect(packed.files.filter((file) => !/^dist\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file))).toEqual([]);
    expect(packed.files.filter((file) => /test|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  it.each(["devbind.sh", "at-boot.sh", "devbind.service"])("carries the board's %s as it is in the repository", (name) => {
    const text = readFileSync(join(packed.project, "node_modules/pulumi-devbind/dist/board", name), "utf8");
    expect(text).toBe(readFileSync(join(packed.copy, "provider/board", name), "utf8"));
  });

  it("names files that are there", () => {
    const installed = join(packed.project, "node_modules/pulumi-devbind");
    const { main, types, exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    for (const file of [main, types, ...Object.values(exports["."]), ...Object.values(exports["./runtime"])])
      expect([file, existsSync(join(installed, String(file)))]).toEqual([file, true]);
  });
});
