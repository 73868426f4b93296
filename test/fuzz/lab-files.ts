import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "yaml";
import { readLab } from "../../provider/lab-file/file";
import { isLabInputs } from "../../provider/lab-file/schema";
import { expectNoSecret, expectPlain, hush } from "./expectations";
import { type Ground, property } from "./frame";
import { hostileText } from "./hostile";
import { mutated, type Tree } from "./mutation";

/** A right lab file, as data. */
const lab: Tree = {
  defaults: { connection: { user: "root", knownHosts: "known_hosts" }, timeoutSeconds: 60 },
  profiles: {
    arndale: { bindings: { i2c: { bus: "platform", device: "13860000.i2c", driver: "vfio-platform" } } },
    kept: { bindings: { i2c: { persist: true } }, whenUnreachable: "skip" },
  },
  boards: {
    one: { profiles: ["arndale", "kept"], tags: ["arm"], connection: { host: "10.0.0.1", password: { config: "labPassword" } } },
    two: { connection: { host: "10.0.0.2" }, bindings: { card: { bus: "pci", device: { pciId: "8086:10d3" }, driver: null } } },
  },
};

/** What stands in a file by mistake, or means harm. */
const inserted = fc.oneof(
  fc.constantFrom(
    "\t",
    "---\n",
    "&a ",
    "*a",
    "!!js/function ",
    "<<: ",
    "- ",
    "? ",
    ": ",
    "{",
    "]",
    '"',
    "'",
    "|",
    "#",
    "%YAML 9\n",
    "12e0",
  ),
  fc.constantFrom("__proto__: {}\n", `password: ${hush}\n`, "null", "~", "\ufeff", "\u0000", "\u001b[2J"),
  hostileText,
);

interface Case {
  tree: Tree;
  inserts: { at: number; text: string }[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  tree: mutated(fc.constant(lab), 3),
  inserts: fc.oneof(
    { weight: 2, arbitrary: fc.constant<{ at: number; text: string }[]>([]) },
    { weight: 3, arbitrary: fc.array(fc.record({ at: fc.nat({ max: 999 }), text: inserted }), { minLength: 1, maxLength: 3 }) },
  ),
});

const textOf = ({ tree, inserts }: Case): string =>
  inserts.reduce((text, { at, text: more }) => {
    const place = Math.floor((text.length * at) / 1000);
    return text.slice(0, place) + more + text.slice(place);
  }, stringify(tree));

/** One file after the other, each read from a folder. */
function openFolder(): Ground<Case> {
  const folder = mkdtempSync(join(tmpdir(), "devbind-fuzz-lab-"));
  const path = join(folder, "lab.yaml");
  const meets = (one: Case): string => {
    const text = textOf(one);
    writeFileSync(path, text);
    const { boards, problems } = readLab(path, "lab.yaml");
    for (const problem of problems) {
      expectPlain(problem, "a problem");
      if (!/^lab\.yaml:( |\d+:\d+: )\S/.test(problem) || !problem.endsWith("."))
        throw new Error(`a problem is not told with its line: ${problem}`);
      const line = Number(/^lab\.yaml:(\d+)/.exec(problem)?.[1] ?? 1);
      if (line > text.split(/\r\n|\r|\n/).length + 1) throw new Error(`a problem is told at a line that is not there: ${problem}`);
      // The parser quotes what it can't read, which may be a secret's neighbour but must not be its value.
      if (/ (password|privateKey)\b.* must be/.test(problem)) expectNoSecret(problem, "a problem");
    }
    if (problems.length > 0 && boards.length > 0) throw new Error("there are boards, and problems");
    if (boards.some(({ inputs }) => !isLabInputs(inputs))) throw new Error("a board is not what it should be");
    return problems.length > 0 ? "refused" : "read";
  };
  return { meets, close: () => rmSync(folder, { recursive: true, force: true }) };
}

export const ofLabFiles = property({
  name: "lab files: read whole, or every problem is told with a line that is there; never boards and problems at once",
  share: 6_000,
  ends: ["read", "refused"],
  cases,
  open: openFolder,
});
