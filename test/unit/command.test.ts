import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transpileModule } from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writtenConnection } from "../../provider/cli/connect";
import { exitOf, exits, mayBeOff, UsageError, worst } from "../../provider/cli/exit";
import { exported } from "../../provider/cli/export";
import { type Exported, labText, programText } from "../../provider/cli/export-text";
import { obstacleOf } from "../../provider/cli/list";
import { planFor } from "../../provider/cli/plan";
import { run } from "../../provider/cli/program";
import { chosenClaims } from "../../provider/cli/release";
import { hasColours, jsonText, Screen } from "../../provider/cli/screen";
import { secretsIn } from "../../provider/cli/secrets";
import { tableLines } from "../../provider/cli/table";
import { DevbindError, type ErrorKind } from "../../provider/errors";
import type { Inventory, ListedDevice } from "../../provider/inventory";
import { readLab } from "../../provider/lab-file/file";
import { aBinding, aBoard, aDevice, bound, claimant } from "./made";

/** A stream that keeps what is written to it. */
class Kept {
  text = "";
  constructor(
    readonly isTTY = false,
    readonly columns = 80,
  ) {}
  write(text: string): void {
    this.text += text;
  }
}

async function said(words: string[], env: Record<string, string> = {}) {
  const [out, err] = [new Kept(), new Kept()];
  const code = await run(words, { out, err, env });
  return { code, out: out.text, err: err.text };
}

const commands = ["list", "export", "check", "plan", "release", "schema"];

describe("help", () => {
  it.each([[], ...commands.map((command) => [command])])(
    "of devbind %s ends with 0, has examples, and its options fit into 80 columns on a terminal",
    async (...command) => {
      const out = new Kept(true);
      const code = await run([...command, "--help"], { out, err: new Kept(), env: { NO_COLOR: "1" } });
      expect(code).toBe(0);
      expect(out.text).toMatch(/Examples?:\n/);
      for (const name of command.length === 0 ? commands : []) expect(out.text).toMatch(new RegExp(`^ {2}${name}\\b`, "m"));
      const [usage = "", examples = ""] = out.text.split(/Examples?:\n/);
      expect(usage.split("\n").filter((line) => line.length > 80)).toEqual([]);
      expect(examples.split("\n").filter((line) => line.length > 135)).toEqual([]);
    },
  );

  it("says every exit code that there is", async () => {
    const { out } = await said(["--help"]);
    const told = [...out.matchAll(/^ +(\d+) {2}\S/gm)].map(([, code]) => Number(code));
    expect(told).toEqual(Object.values(exits).sort((one, other) => one - other));
  });
});

describe("a command line that can't be right ends with 64, and says why", () => {
  it.each([
    [["lst"], "unknown command 'lst'"],
    [["list", "--bux", "pci"], "unknown option '--bux'"],
    [["list", "--host", "a b"], "--host a b is not [user@]host[:port]"],
    [["list", "--host", "-oProxyCommand=x"], "is not [user@]host[:port]"],
    [["list", "--host", "a:99999"], "--port must be from 1 to 65535."],
    [["list", "--host", "a", "--become", "sodu"], '--become must be "sudo", "doas" or "su".'],
    [["list", "--host", "a", "--lab", "lab.yaml"], "--host and --lab exclude each other."],
    [["list", "--host", "a", "b"], "Boards are named for a lab file only"],
    [["list", "--host", "a", "--ask-password"], "There is no terminal to ask at: Password must come by the environment."],
    [["export"], "required option '--host <board>' not specified"],
    [["export", "--host", "a", "--format", "xml"], "--format xml is neither lab nor typescript."],
    [["export", "--host", "a", "--by", "colour"], "--by colour is none of"],
    [["release", "--host", "a", "--yes"], "--yes needs to know what to release"],
    [["release"], "Name one board"],
  ])("%j", async (words, why) => {
    const { code, out, err } = await said(words, { DEVBIND_PASSWORD: "x" });
    expect([code, out, err]).toEqual([64, "", expect.stringContaining(why)]);
  });
});

it("the exit code of an error tells what to do: look at the input, at the network, or at the board", () => {
  const kinds: ErrorKind[] = ["invalid", "unreachable", "untrusted", "denied", "protocol", "refused", "busy", "undone", "stuck"];
  const words = { failed: "", now: "", todo: "" };
  const found = Object.fromEntries(kinds.map((kind) => [kind, exitOf(new DevbindError(kind, words))]));
  expect(found).toEqual({ invalid: 65, unreachable: 2, untrusted: 2, denied: 2, protocol: 2, refused: 1, busy: 1, undone: 1, stuck: 1 });
  expect([exitOf(new Error("x")), exitOf(new UsageError("x"))]).toEqual([70, 64]);
  expect([worst([0, 1, 2, 0]), worst([0, 1]), worst([0]), worst([])]).toEqual([2, 1, 0, 0]);
  expect(kinds.filter((kind) => mayBeOff(new DevbindError(kind, words)))).toEqual(["unreachable", "protocol"]);
});

describe("--host", () => {
  it.each([
    ["a", { host: "a" }],
    ["root@10.0.0.21", { host: "10.0.0.21", user: "root" }],
    ["u@board.lab:2222", { host: "board.lab", user: "u", port: 2222 }],
    ["[fe80::1%eth0]:22", { host: "fe80::1%eth0", port: 22 }],
  ])("%s is %j", (host, written) => expect(writtenConnection({ host })).toEqual(written));
});

describe("the screen", () => {
  it("has colours on a terminal, in a pipe only where FORCE_COLOR says so, and never where NO_COLOR does", () => {
    const [terminal, pipe] = [new Kept(true), new Kept()];
    expect([hasColours(terminal, {}), hasColours(pipe, {}), hasColours(terminal, { TERM: "dumb" })]).toEqual([true, false, false]);
    expect([hasColours(pipe, { FORCE_COLOR: "1" }), hasColours(terminal, { FORCE_COLOR: "0" })]).toEqual([true, false]);
    expect([hasColours(terminal, { NO_COLOR: "1" }), hasColours(pipe, { NO_COLOR: "1", FORCE_COLOR: "1" })]).toEqual([false, false]);
  });

  it("moves a line of progress on a terminal, takes it away before an answer, and says nothing of it in a pipe", () => {
    const [out, terminal, pipe] = [new Kept(true), new Kept(true), new Kept()];
    const screen = new Screen(out, terminal, {});
    screen.progress("1 of 2 boards answered");
    expect(terminal.text).toContain("1 of 2 boards answered");
    screen.line("an answer");
    expect(terminal.text.endsWith("\r\u001b[K")).toBe(true);
    screen.quiet();
    expect(out.text).toBe("an answer\n");
    new Screen(new Kept(), pipe, {}).progress("words");
    expect(pipe.text).toBe("");
  });

  it("lets nothing through that a board sent and a terminal would obey", () => {
    const out = new Kept();
    const screen = new Screen(out, new Kept(), { FORCE_COLOR: "1" });
    screen.line(screen.paint.red("a\u001b]0;title\u0007b\u001b[2Jc\rd\u009b1me\u202ef\ng"));
    expect(out.text).toBe("\u001b[31ma ]0;title b [2Jc d 1me f g\u001b[39m\n");
    expect(jsonText({ a: "x\u001b[2J\u202e\ny" })).toBe('{\n  "a": "x\\u001b[2J\\u202e\\ny"\n}');
  });

  it("draws a table as wide as the terminal and no wider, cutting the last column, and cuts nothing in a pipe", () => {
    const row = (...texts: string[]) => texts.map((text) => ({ text }));
    const rows = [row("pci", "", "0000:00:01.0", "a long reason why it can't be taken"), row("usb", "", "1-1", "yes")];
    const head = row("BUS", "GROUP", "DEVICE", "FREE?");
    expect(tableLines(head, rows, 40)).toEqual([
      "BUS  DEVICE        FREE?",
      "pci  0000:00:01.0  a long reason why it…",
      "usb  1-1           yes",
    ]);
    expect(tableLines(head, rows, undefined)[1]).toBe("pci  0000:00:01.0  a long reason why it can't be taken");
  });
});

const listedDevice = (changed: Partial<ListedDevice> = {}): ListedDevice => ({
  ...{ bus: "pci", name: "0000:00:02.0", driver: "vfio-pci", hasOverride: true, override: "vfio-pci", modalias: null },
  ...{ compatible: [], deviceTreePath: null, pciId: "8086:10d3:8086:0000", usbId: null, iommuGroup: "3", networkInterfaces: [] },
  ...{ guard: null, claimant: null, sysfsPath: "/sys/devices/x", isKept: false },
  ...changed,
});
const inventory = (...devices: ListedDevice[]): Inventory => ({ board: aBoard(), devices, claims: [], journals: [] });
const about = (found: Inventory, asked: Partial<Parameters<typeof exported>[1]> = {}): Exported => ({
  ...exported(found, { words: [], ...asked }),
  ...{ address: "root@10.0.0.21:22", connection: { host: "10.0.0.21", user: "root" }, secrets: ["password"] },
});

describe("export", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "devbind-export-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const readBack = (text: string) => {
    writeFileSync(join(folder, "lab.yaml"), text);
    return readLab(join(folder, "lab.yaml"), "lab.yaml");
  };

  const odd = listedDevice({ bus: "platform", name: "12e0000", driver: null, override: null, pciId: null, claimant: "a/b/c/\u001b[31mx" });
  const found = inventory(
    listedDevice(),
    odd,
    listedDevice({ name: "0000:00:03.0", driver: "e1000e", override: null }),
    listedDevice({ name: "0000:00:04.0", driver: "e1000e", override: "pci-stub" }),
    listedDevice({ bus: "platform", name: "$(reboot)", override: "x" }),
  );

  it("writes what somebody has bound: an override, a vfio driver or a claim; a lab file reads it back as it was", () => {
    const { boards, problems } = readBack(labText(about(found)));
    expect(problems).toEqual([]);
    expect(boards).toEqual([
      {
        name: "board-7",
        tags: [],
        inputs: {
          connection: { host: "10.0.0.21", user: "root", password: { env: "DEVBIND_PASSWORD" } },
          bindings: {
            "0000:00:02.0": { bus: "pci", device: "0000:00:02.0", driver: "vfio-pci" },
            "12e0000": { bus: "platform", device: "12e0000", driver: null },
            "0000:00:04.0": { bus: "pci", device: "0000:00:04.0", driver: "e1000e" },
          },
        },
      },
    ]);
    const text = labText(about(found));
    expect(text).not.toContain("\u001b");
    expect(text).toContain("# claimed by a/b/c/x: another stack takes it over with claimFrom, naming it");
    expect(text).toContain("# its override is pci-stub: bringing this up writes another one");
    expect(text).toContain("# platform/$(reboot) has a name that no file can hold: left out.");
  });

  it("writes a program that says the same, and is TypeScript", () => {
    const text = programText(about(found));
    const { diagnostics } = transpileModule(text, { reportDiagnostics: true });
    expect(diagnostics).toEqual([]);
    expect(text).toContain('"12e0000": { bus: "platform", device: "12e0000", driver: null },');
    expect(text).toContain('password: config.requireSecret("password"),');
    expect(text).toContain('new BoardBindings("board-7", {');
  });

  it("writes a selector only where it means no other device of the bus", () => {
    const twins = inventory(
      listedDevice(),
      listedDevice({ name: "0000:00:03.0" }),
      listedDevice({ name: "0000:00:04.0", pciId: "1:2:3:4" }),
    );
    const devices = exported(twins, { words: [], by: "pciId" }).bindings.map(({ device }) => device);
    expect(devices).toEqual(["0000:00:02.0", "0000:00:03.0", { pciId: "1:2" }]);
  });

  it("takes the devices that are named, a bus, or all; a word that is none, or several, is refused", () => {
    const names = (asked: Partial<Parameters<typeof exported>[1]>) => about(found, asked).bindings.map(({ device }) => device);
    expect(names({ words: ["pci/0000:00:03.0"] })).toEqual(["0000:00:03.0"]);
    expect(names({ bus: ["platform"] })).toEqual(["12e0000"]);
    expect(names({ all: true })).toHaveLength(4);
    expect(() => names({ words: ["x"] })).toThrow("There is nothing at x here");
    const same = inventory(listedDevice(), listedDevice({ bus: "usb" }));
    expect(() => exported(same, { words: ["0000:00:02.0"] })).toThrow(
      "is several: pci/0000:00:02.0, usb/0000:00:02.0. Write the bus before it.",
    );
    expect(exported(same, { words: [], all: true }).bindings.map(({ entry }) => entry)).toEqual(["pci-0000:00:02.0", "usb-0000:00:02.0"]);
  });
});

describe("plan", () => {
  const seen = (device = aDevice(), other = aDevice({ name: "0000:00:03.0" })) => ({ board: aBoard(), devices: [device, other] });
  const wishes = { card: aBinding(), other: aBinding({ device: "0000:00:03.0" }) };

  it("tells every write in the order of the transaction, and the claims", () => {
    expect(planFor(wishes, seen(), true)).toEqual({
      writes: [
        { word: "override", device: "0000:00:02.0", value: "vfio-pci" },
        { word: "override", device: "0000:00:03.0", value: "vfio-pci" },
        { word: "unbind", device: "0000:00:03.0", value: "e1000e" },
        { word: "unbind", device: "0000:00:02.0", value: "e1000e" },
        { word: "bind", device: "0000:00:02.0", value: "vfio-pci" },
        { word: "bind", device: "0000:00:03.0", value: "vfio-pci" },
      ].map((write) => expect.objectContaining({ word: write.word, device: write.device })),
      claims: ["0000:00:02.0", "0000:00:03.0"],
      refusals: [],
      warnings: [],
    });
  });

  it("tells no write at all where one device is refused, and says which entry", () => {
    const planned = planFor(wishes, seen(aDevice(), aDevice({ name: "0000:00:03.0", guard: "the root disk" })), true);
    expect(planned.writes).toEqual([]);
    expect(planned.refusals).toEqual([expect.stringMatching(/^other: device: .*the root disk/)]);
  });

  it("takes a claim for one's own, with a warning, unless it is told whose it is", () => {
    const theirs = aDevice({ ...bound, claim: { claimant: "a/b/c/d", driver: "e1000e", override: null } });
    const ours = aDevice({ ...bound, claim: { claimant, driver: "e1000e", override: null } });
    expect(planFor({ card: aBinding() }, seen(theirs), true).refusals).toEqual([expect.stringContaining("a/b/c/d")]);
    const guessed = planFor({ card: aBinding() }, seen(theirs), false);
    expect([guessed.refusals, guessed.writes]).toEqual([[], []]);
    expect(guessed.warnings).toEqual([expect.stringContaining("It is claimed by a/b/c/d: an update refuses unless that is its own name")]);
    expect(planFor({ card: aBinding() }, seen(ours), true)).toEqual({ writes: [], claims: [], refusals: [], warnings: [] });
  });
});

it("release means the claims of a claimant by a pattern, on devices that are named, or all", () => {
  const claim = (device: string, of: string) => ({
    ...{ bus: "pci", device, isClaimed: true, claimant: of, previousDriver: null, previousOverride: null },
    ...{ transaction: null, isPresent: true, isKept: false },
  });
  const claims = [claim("a", "acme/lab/old/x"), claim("b", "acme/lab/new/x")];
  const chosen = (devices: string[], options: { claimant?: string }) =>
    chosenClaims({ ...inventory(), claims }, devices, options).map(({ device }) => device);
  expect(chosen([], {})).toEqual(["a", "b"]);
  expect(chosen([], { claimant: "acme/lab/old/*" })).toEqual(["a"]);
  expect(chosen(["pci/b"], {})).toEqual(["b"]);
  expect(chosen(["b"], { claimant: "acme/lab/old/*" })).toEqual([]);
  expect(() => chosen(["c"], {})).toThrow(UsageError);
});

it("list says why a device can't be taken: what stands on it, who claims it, what transaction is at it", () => {
  const journals = [{ transaction: "t", claimant: "c", is: "stuck" as const, devices: [{ bus: "pci", device: "0000:00:02.0" }] }];
  expect(obstacleOf(listedDevice(), { journals: [] })).toBeUndefined();
  expect(obstacleOf(listedDevice({ guard: "the root disk", claimant: "me" }), { journals })).toBe(
    "carries the root disk; claimed by me; a transaction on it is stuck",
  );
});

describe("secrets of a lab file", () => {
  const secretOf = secretsIn(tmpdir(), { LAB: "s", PATH: "/nonexistent" });
  it("come from the environment, or are an error that says which variable", () => {
    expect(secretOf({ env: "LAB" })).toBe("s");
    expect(() => secretOf({ env: "NONE" })).toThrow("The environment has no variable NONE, which the lab file names.");
  });
  it("of Pulumi's config need its CLI, and say so where there is none", () => {
    expect(() => secretOf({ config: "labPassword" })).toThrow(
      "names the secret labPassword of Pulumi's config, and the Pulumi CLI is not installed here.",
    );
  });
});
