import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { withFreePort } from "../boards/ports";
import { addressOf, createTogether, deleteTogether } from "./binding";
import { onBoard } from "./bench";
import { devbind, hostOptions } from "../ssh/devbind";
import { type DeviceName, moveByHand, stateOf } from "./eyes";

const card: DeviceName = ["pci", "0000:00:01.0"];
const otherCard: DeviceName = ["pci", "0000:00:02.0"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const claimant = "org/lab/dev/bench-a";
const onVfio = ([bus, device]: DeviceName) => ({ bus, device, driver: "vfio-pci" });
const withoutDriver = { bus: "platform", device: "a003c00.virtio_mmio", driver: null };
const bindings = { card: onVfio(card), other: onVfio(otherCard), generator: withoutDriver };

onBoard("arm64", "the devbind command", (bench) => {
  let folder = "";
  let host: string[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "devbind-command-"));
    writeFileSync(join(folder, "known"), `${bench.board.knownHostsLine}\n`);
    host = hostOptions(bench.board, join(folder, "known"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Writes a lab file of one board; what is relative in it starts at its folder, and not where the command runs. */
  function writeLab(
    wishes: Record<string, unknown>,
    board: Record<string, unknown> = {},
    connection: Record<string, unknown> = {},
  ): string {
    const { host: address, port, privateKeyPath } = bench.board;
    const a = { connection: { host: address, port, privateKeyPath, knownHosts: "known", ...connection }, bindings: wishes, ...board };
    writeFileSync(join(folder, "lab.yaml"), stringify({ boards: { a } }));
    return join(folder, "lab.yaml");
  }
  const asBindings = (wishes: object) => Object.values(wishes).map((wish) => bench.binding({ ...wish, claimant }));

  test("list shows a board's devices, what they are and why one can't be taken, in plain lines in a pipe", async () => {
    const { code, out, err } = await devbind(["list", ...host]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^root@127\.0\.0\.1:\d+: arm64, Linux 6\.\S+, \d+ devices, 0 claims\n/);
    expect(out).toMatch(/^pci +0000:00:01\.0 +e1000e .* eth\d 8086:10d3:8086:0000 +yes$/m);
    expect(out).toMatch(/^platform +a003e00\.virtio_mmio .* no: carries the network card eth0, which carries this SSH session/m);
    expect(out).not.toMatch(/^clocksource/m);
    expect(out).toMatch(/\d+ devices on buses without drivers left out; --bus shows them\.\n$/);
    expect(out).not.toContain("\u001b");
    expect((await devbind(["list", ...host, "--bus", "clocksource"])).out).toMatch(/^clocksource +clocksource0/m);
    const coloured = await devbind(["list", ...host, "--bus", "pci"], { env: { FORCE_COLOR: "1" } });
    expect(coloured.out).toContain("\u001b[32myes");
    expect((await devbind(["list", ...host], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).out).not.toContain("\u001b");
    expect(await bench.writes(), "a list writes nothing").toEqual([]);
  });

  test("list --json tells all of every device, as the board's own sysfs has it", async () => {
    const { devices } = JSON.parse((await devbind(["list", ...host, "--json"])).out);
    const names = await bench.board.shell('cd /sys/bus; for d in */devices/*; do echo $(dirname $(dirname "$d")) "$(basename "$d")"; done');
    expect(devices.map(({ bus, name }: Record<string, string>) => `${bus} ${name}`).sort()).toEqual(names.split("\n").sort());
    const drivers = await bench.board.shell("cd /sys/bus; for l in */devices/*/driver; do echo $l $(basename $(readlink $l)); done");
    const told = devices.filter(({ driver }: { driver: unknown }) => driver !== null);
    expect(told.map(({ bus, name, driver }: Record<string, string>) => `${bus}/devices/${name}/driver ${driver}`).sort()).toEqual(
      drivers.split("\n").sort(),
    );
    const one = devices.find(({ name }: { name: string }) => name === "0000:00:01.0");
    expect(one.modalias).toBe(await bench.board.shell("cat /sys/bus/pci/devices/0000:00:01.0/modalias"));
    expect(one.iommuGroup).toBe(await bench.board.shell("basename $(readlink /sys/bus/pci/devices/0000:00:01.0/iommu_group)"));
    const free = JSON.parse((await devbind(["list", ...host, "--json", "--driver", "e1000e", "--free"])).out);
    expect(free.devices.map(({ name }: { name: string }) => name)).toEqual(["0000:00:01.0", "0000:00:02.0"]);
  });

  test("plan tells exactly the writes of the update that follows, in their order, and writes nothing itself", async () => {
    const lab = writeLab(bindings);
    const { code, out } = await devbind(["plan", "--lab", lab, "--as", "org/lab/dev/bench", "--json"]);
    expect(code).toBe(0);
    const [planned] = JSON.parse(out).boards;
    expect(await bench.writes(), "a plan writes nothing").toEqual([]);
    const made = asBindings(bindings);
    await createTogether(made);
    const told = planned.writes.filter(({ word }: { word: string }) => word !== "module");
    const asKernel = ({ word, device, value }: Record<string, string>) => (word === "override" ? `override ${value}` : `${word} ${device}`);
    expect(await bench.writes()).toEqual(told.map(asKernel));
    expect(planned.claims.sort()).toEqual(["0000:00:01.0", "0000:00:02.0", "a003c00.virtio_mmio"]);
    const after = await devbind(["plan", "--lab", lab, "--as", "org/lab/dev/bench"]);
    expect(after.out).toBe(`a (${addressOf(bench.board)}): nothing to write\n`);
    await deleteTogether(made);
  });

  test("plan says what an update would refuse, with exit code 1, and no writes", async () => {
    const lab = writeLab({ card: onVfio(card), own: { bus: "platform", device: "a003e00.virtio_mmio", driver: null } });
    const { code, out } = await devbind(["plan", "--lab", lab]);
    expect(code).toBe(1);
    expect(out).toContain("refused: own: device: The device carries the network card eth0, which carries this SSH session");
    expect(out).not.toContain("unbind");
  });

  test("check ends with 0 where the lab file holds, 1 with the preview's words where it does not, 2 where nobody answers", async () => {
    const lab = writeLab(bindings);
    const made = asBindings(bindings);
    await createTogether(made);
    expect(await devbind(["check", "--lab", lab])).toEqual({ code: 0, out: `a (${addressOf(bench.board)}): holds  3 bindings\n`, err: "" });
    expect(await devbind(["check", "--quiet", "--lab", lab])).toEqual({ code: 0, out: "", err: "" });
    await moveByHand(bench.board, card, "e1000e");
    const drifted = await devbind(["check", "--quiet", "--lab", lab]);
    expect(drifted.code).toBe(1);
    expect(drifted.out).toMatch(/^a \(.*\): drift\n {2}card: driver is e1000e, not vfio-pci/);
    const json = JSON.parse((await devbind(["check", "--json", "--lab", lab])).out);
    expect(json).toMatchObject({
      holds: false,
      boards: [{ board: "a", is: "drift", drift: { card: expect.stringContaining("driver is e1000e") } }],
    });
    await moveByHand(bench.board, card, "vfio-pci", "vfio-pci");
    expect((await devbind(["check", "--lab", lab])).code).toBe(0);
    await deleteTogether(made);
    expect((await devbind(["check", "--lab", lab])).code).toBe(1);
    const off = { port: await withFreePort(async (port) => port), dialErrorLimit: 0 };
    const nobody = await devbind(["check", "--lab", writeLab(bindings, {}, off)]);
    expect(nobody.code).toBe(2);
    expect(nobody.out).toMatch(/unreachable {2}Cannot reach .* ECONNREFUSED/);
    const left = await devbind(["check", "--lab", writeLab(bindings, { whenUnreachable: "skip" }, off)]);
    expect([left.code, left.out]).toEqual([0, expect.stringContaining(": skipped  Cannot reach")]);
    expect((await devbind(["check", "a", "--lab", writeLab(bindings, { whenUnreachable: "skip" }, off)])).code, "asked for by name").toBe(
      2,
    );
  });

  test("export of a board that somebody bound by hand holds at once, and plans no write", async () => {
    await bench.board.shell("modprobe vfio-pci");
    await moveByHand(bench.board, card, "vfio-pci", "vfio-pci");
    const exported = await devbind(["export", ...host]);
    expect([exported.code, exported.err]).toEqual([0, "1 device exported.\n"]);
    writeFileSync(join(folder, "exported.yaml"), exported.out);
    const lab = ["--lab", join(folder, "exported.yaml")];
    expect((await devbind(["check", ...lab])).code).toBe(0);
    expect((await devbind(["plan", ...lab])).out).toMatch(/: nothing to write \(but for 1 claim in its memory\)\n$/);
    expect(exported.out).toMatch(/bindings:\n +0000:00:01\.0:\n +bus: pci\n +device: 0000:00:01\.0\n +driver: vfio-pci\n/);
    const program = await devbind([
      "export",
      ...host,
      "--format",
      "typescript",
      "--by",
      "deviceTreePath",
      "9010000.pl031",
      "pci/0000:00:01.0",
    ]);
    expect(program.out).toContain('"9010000.pl031": { bus: "amba", device: { deviceTreePath: "/pl031@9010000" }, driver: "rtc-pl031" }');
    expect(program.out).toContain('"0000:00:01.0": { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" }');
    await moveByHand(bench.board, card, "e1000e");
    await bench.board.shell("modprobe -r vfio-pci");
  });

  test("release drops the claims of somebody who is gone, leaves the devices as they are, and asks before", async () => {
    const made = asBindings({ card: onVfio(card), generator: withoutDriver });
    await createTogether(made);
    await bench.writes();
    const asked = await devbind(["release", ...host, "--claimant", "org/lab/*"]);
    expect([asked.code, asked.err]).toEqual([64, expect.stringContaining("--yes releases without a question")]);
    expect(asked.out).toContain(`claim of ${claimant} on pci/0000:00:01.0: the device stays on vfio-pci`);
    const none = await devbind(["release", ...host, "--claimant", "other/*", "--yes"]);
    expect([none.code, none.out]).toEqual([0, expect.stringContaining("Nothing of that is here.")]);
    const done = await devbind(["release", ...host, "--claimant", "org/lab/*", "--yes"]);
    expect([done.code, done.out]).toEqual([0, expect.stringMatching(/\n2 claims released\.\n$/)]);
    expect(await bench.writes(), "no device is touched").toEqual([]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    expect(JSON.parse((await devbind(["list", ...host, "--json"])).out).claims).toEqual([]);
    await moveByHand(bench.board, card, "e1000e");
    await moveByHand(bench.board, generator, "virtio-mmio");
    await bench.board.shell("modprobe -r vfio-pci");
  });

  test("release has an interrupted transaction undone", async () => {
    const journal = "devbind-journal 1\\ntransaction dead1\\nclaimant gone\\nwriter 4194305.1.x\\n";
    await bench.board.shell(`echo ${card[1]} >/sys/bus/pci/devices/${card[1]}/driver/unbind; d=/run/devbind/$(cat /proc/sys/kernel/random/boot_id);
      mkdir -p -m 700 $d; printf '${journal}device pci,${card[1]},e1000e,-,-,-any\\nend 1\\n' >$d/journal.dead1`);
    const done = await devbind(["release", ...host, "--all", "--yes"]);
    expect(done.out).toContain("transaction dead1 of gone was interrupted: pci/0000:00:01.0 goes back to what was there before");
    expect([done.code, done.out]).toEqual([0, expect.stringMatching(/\n1 transaction undone\.\n$/)]);
    expect(await stateOf(bench.board, card)).toEqual({ driver: "e1000e", override: null });
  });

  test("ends with 64 for a command line that can't be, and 65 for a lab file that can't, before any board is asked", async () => {
    const { code, err } = await devbind(["list", "--host", "a b"]);
    expect([code, err]).toEqual([64, expect.stringContaining("is not [user@]host[:port]")]);
    const lab = writeLab({ card: { ...onVfio(card), drivr: "x" } });
    const wrong = await devbind(["check", "--lab", lab]);
    expect([wrong.code, wrong.out]).toEqual([65, ""]);
    expect(wrong.err).toMatch(/^devbind: .*lab\.yaml:\d+:\d+: boards\.a\.bindings\.card does not know "drivr"\.\n$/);
  });
});
