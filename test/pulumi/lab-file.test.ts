import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { Stack } from "../helpers/pulumi/engine";
import { devbind, hostOptions } from "../ssh/devbind";
import { card, claims, clock, events, otherCard, rebindByHand, run, seen, witness } from "./eyes";
import { connectionTo, inputsOf, onePass, outputsOf, told, useLab } from "./lab";

const lab = useLab(["e5".repeat(16)]);
const asFound = ["e1000e", "(null)", "e1000e", "(null)", "rtc-pl031", "(null)"];
const all = () => seen(lab.board(), card, otherCard, clock);
const open = () => lab.open(join(__dirname, "lab-program"));

/** A lab file of one board, whose key is a secret of the stack's config, and whose known hosts lie beside it. */
async function writeLab(stack: Stack, bindings: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<void> {
  const { host, port, knownHostsLine } = lab.board();
  const connection = { host, port, privateKey: { config: "labKey" }, knownHosts: "known", dialErrorLimit: 1 };
  await writeFile(join(stack.folder, "known"), `${knownHostsLine}\n`);
  await writeFile(
    join(stack.folder, "lab.yaml"),
    stringify({
      defaults: { timeoutSeconds: 20 },
      profiles: { arm: { bindings } },
      boards: { a: { profiles: ["arm"], connection, ...more } },
    }),
  );
}
const onVfio = ([bus, device]: readonly [string, string]) => ({ bus, device, driver: "vfio-pci" });
const withoutDriver = { bus: clock[0], device: clock[1], driver: null };

describe("a lab file", () => {
  let stack: Stack;
  /** The command in the project's folder, as a person would run it there. */
  const command = (...words: string[]) => devbind(words, { cwd: stack.folder, env: stack.env });

  test("is brought up with a secret of the stack's config, which the state never has in the open, and an unchanged up writes nothing", async () => {
    stack = await open();
    await stack.setConfig("labKey", lab.board().privateKey, { secret: true });
    await writeLab(stack, { card: onVfio(card), clock: withoutDriver });
    await stack.up(onePass());
    expect(await all()).toEqual(["vfio-pci", "vfio-pci", "e1000e", "(null)", "", "(null)"]);
    const state = await stack.state();
    expect(JSON.stringify(state)).not.toContain("PRIVATE KEY");
    expect(outputsOf(state, "bench-a")).toMatchObject({ devices: { card: { currentDriver: "vfio-pci" }, clock: { currentDriver: null } } });
    const before = await witness(lab.board());
    expect(told(await stack.up())).toContain("bench-a: same");
    expect(await witness(lab.board())).toBe(before);
  });

  test("is checked by the command with the same secret, and with the words that a preview has for drift", async () => {
    await stack.command(["stack", "select", stack.name]);
    expect(await command("check")).toMatchObject({ code: 0, err: "" });
    await rebindByHand(lab.board(), clock, "rtc-pl031");
    const checked = await command("check");
    expect([checked.code, checked.out]).toEqual([1, expect.stringContaining("\n  clock: driver is rtc-pl031, not none")]);
    const planned = await command("plan", "--as", `organization/devbind-lab/${stack.name}/bench`);
    expect(planned.out).toMatch(/: 1 write\n +1 {2}unbind 9010000\.pl031 rtc-pl031\n$/);
    const preview = await stack.preview({ extraArguments: ["--diff"] });
    expect(preview.stdout).toContain("driver is rtc-pl031, not none");
    await stack.up(onePass());
    expect((await command("check", "--quiet")).code).toBe(0);
  });

  test("that can't be right is told by its lines in the preview; nothing is given back, and nothing written", async () => {
    const before = await witness(lab.board());
    await writeLab(stack, { card: { ...onVfio(card), drivr: "x" } });
    const preview = await stack.preview({ expectFailure: true });
    expect(preview.stdout + preview.stderr).toMatch(/lab\.yaml:10:16: profiles\.arm\.bindings\.card does not know "drivr"\./);
    await stack.up({ expectFailure: true });
    await stack.up(onePass({ expectFailure: true }));
    expect(await witness(lab.board())).toBe(before);
    expect(inputsOf(await stack.state(), "bench-a")).toHaveProperty("bindings");
  });

  test("from which a board goes gives its devices back", async () => {
    await writeLab(stack, {}, { profiles: null });
    await stack.up(onePass());
    expect([await all(), await claims(lab.board())]).toEqual([asFound, ""]);
    await stack.destroy();
  });
});

test("a board that somebody bound by hand is adopted by export and up, without a write to any device, and stays so after destroy", async () => {
  await run(lab.board(), "modprobe vfio-pci && echo vfio-pci >/sys/bus/pci/devices/0000:00:01.0/driver_override");
  await run(
    lab.board(),
    "cd /sys/bus/pci && echo 0000:00:01.0 >devices/0000:00:01.0/driver/unbind && echo 0000:00:01.0 >drivers/vfio-pci/bind",
  );
  await run(lab.board(), "echo 9010000.pl031 >/sys/bus/amba/devices/9010000.pl031/driver/unbind");
  const byHand = await all();
  const stack = await open();
  await writeFile(join(stack.folder, "known"), `${lab.board().knownHostsLine}\n`);
  const host = hostOptions(lab.board(), join(stack.folder, "known"));
  const exported = await devbind(["export", ...host, "--name", "a", "pci/0000:00:01.0", "9010000.pl031"], { cwd: stack.folder });
  await writeFile(join(stack.folder, "lab.yaml"), exported.out);
  const before = await events(lab.board());
  await stack.up();
  expect(await events(lab.board()), "the kernel was told nothing").toBe(before);
  expect(await all()).toEqual(byHand);
  expect((await claims(lab.board())).split("\n")).toHaveLength(2);
  expect(told(await stack.up())).toContain("bench-a: same");
  await stack.destroy();
  expect([await events(lab.board()), await all(), await claims(lab.board())]).toEqual([before, byHand, ""]);
  await rebindByHand(lab.board(), card, "e1000e");
  await rebindByHand(lab.board(), clock, "rtc-pl031");
});

test("every e1000e of a board goes to vfio-pci in three lines, and an unchanged up finds them again where they are", async () => {
  const stack = await open();
  await rm(join(stack.folder, "lab.yaml"), { force: true });
  await writeFile(join(stack.folder, "wish.json"), JSON.stringify({ connection: connectionTo(lab.board()) }));
  await stack.up();
  expect(await seen(lab.board(), card, otherCard)).toEqual(["vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci"]);
  expect(await stack.outputs()).toMatchObject({
    kernel: await run(lab.board(), "uname -r"),
    cards: { "0000:00:02.0": { currentDriver: "vfio-pci" } },
  });
  const before = await witness(lab.board());
  expect(told(await stack.up())).toContain("cards: same");
  expect(await witness(lab.board())).toBe(before);
  await stack.destroy();
  expect([await all(), await claims(lab.board())]).toEqual([asFound, ""]);
});

test("getDevices ends the program with words, and no board is changed, for an input that can't be right and for a board that is off", async () => {
  const stack = await open();
  const before = await witness(lab.board());
  const said = async (wish: Record<string, unknown>) => {
    await writeFile(join(stack.folder, "wish.json"), JSON.stringify({ connection: connectionTo(lab.board()), ...wish }));
    return (await stack.preview({ expectFailure: true })).stdout;
  };
  expect(await said({ filter: { pciId: "8086" } })).toContain(
    "getDevices: pciId must be vendor and device as four hexadecimal digits each",
  );
  expect(await said({ filter: { buss: "pci" } })).toContain('getDevices: inputs does not know "buss". Nothing was sent to the board.');
  const off = { ...connectionTo(lab.board()), port: 1 };
  expect(await said({ connection: off })).toMatch(
    /Cannot reach root@127\.0\.0\.1:1.*ECONNREFUSED.* has no devices to give, so the program ends here\./,
  );
  expect(await witness(lab.board())).toBe(before);
});
