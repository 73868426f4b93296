import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Board, bootBoard, whyNoBoards } from "../boards/board";
import { cannotRun } from "../boards/can-run";
import { operator } from "../boards/debian";
import type { Result, Stack } from "../helpers/pulumi/engine";
import { startServer, type TestServer } from "../ssh/server";
import { onePass, useLab } from "./lab";
import { closely, stored } from "./secrets-eyes";
import { Marks } from "./secrets-marks";
import { coded } from "./secrets-ways";

const device = "0000:00:10.0";
/** Prints every command line and environment of the board's processes once, until it is told to stop. */
const watcher =
  'while (-e "/run/watching") { for (glob "/proc/[0-9]*/cmdline /proc/[0-9]*/environ") { local $/; open F, $_ or next; $text = <F>; close F; ' +
  '$text =~ tr/\\0/\\n/; print "$text\\n" unless $seen{$text}++ } select undef, undef, undef, 0.01 }';

describe("on a board where a user becomes root by sudo", async () => {
  const why = await whyNoBoards("debian");
  if (why !== undefined) return cannotRun(why);
  const lab = useLab([]);
  const marks = new Marks();
  const passwords = {
    operator: marks.text("operator's password"),
    jump: marks.text("the jump host's password"),
    wrong: marks.text("a wrong password"),
  };
  let board: Board;
  let jump: TestServer;
  let stack: Stack;

  beforeAll(async () => {
    board = await bootBoard("debian");
    jump = await startServer({ password: passwords.jump, forwards: true });
    const line = Buffer.from(`${operator.user}:${passwords.operator}`).toString("base64");
    await board.shell(`echo ${line} | base64 -d | chpasswd`);
    stack = await lab.open(join(__dirname, "secrets-program"));
  });
  afterAll(async () => {
    await Promise.all([board?.close(), jump?.close()]);
  });

  /** Watches the board meanwhile; what its processes showed, and the files in which a mark lies afterwards. */
  async function watched(operation: () => Promise<Result>): Promise<{ result: Result; shown: string; files: string }> {
    await board.shell(`touch /run/watching; setsid perl -e '${watcher}' >/run/watched 2>&1 </dev/null &`);
    const result = await operation().finally(() => board.shell("rm /run/watching; while pgrep -x perl >/dev/null; do sleep 0.1; done"));
    const shown = await board.shell("cat /run/watched");
    // The brackets keep the pattern from finding its own command.
    const files = await board.shell("grep -rlaE 'MAR[K][0-9a-f]{24}' /run /tmp /var /root /home /etc /dev/shm 2>/dev/null || true");
    return { result, shown, files };
  }

  const write = (become: string) => {
    const proxy = { host: "127.0.0.1", port: jump.port, hostKey: jump.hostKey, password: coded(passwords.jump) };
    const address = { host: board.host, port: board.port, hostKey: board.hostKey, user: operator.user, proxy };
    const connection = { ...address, password: coded(passwords.operator), become: "sudo", becomePassword: coded(become) };
    const card = { way: "plain", args: { connection, bus: "pci", device, driver: "vfio-pci" } };
    return writeFile(join(stack.folder, "bindings.json"), JSON.stringify({ card }));
  };
  const driver = () => board.shell(`basename $(readlink /sys/bus/pci/devices/${device}/driver)`);

  it("no password is in an argument, an environment or a file of the board while up binds a device, nor after it", async () => {
    await write(passwords.operator);
    const { shown, files } = await watched(() => closely(stack, marks, () => stack.up()));
    expect(await driver()).toBe("vfio-pci");
    expect(shown, "the watcher saw sudo ask").toMatch(/^sudo\n-S\n-p\ndevbind-/m);
    expect(shown, "and the environment of root's shell").toMatch(/^SUDO_USER=operator$/m);
    expect([marks.in(shown), files]).toEqual([[], ""]);
    expect(await stored(stack, marks)).toEqual({ inClear: [], sealed: ["operator's password", "the jump host's password"] });
  });

  it("nor a wrong one, which sudo refuses", async () => {
    await write(passwords.wrong);
    const failing = { ...onePass(), expectFailure: true };
    const { shown, files, result } = await watched(() => closely(stack, marks, () => stack.up(failing)));
    expect(result.messages.map(({ text }) => text).join("\n")).toContain("sudo did not take the password");
    expect([marks.in(shown), files]).toEqual([[], ""]);
  });

  it("nor in destroy", async () => {
    await write(passwords.operator);
    const { shown, files } = await watched(() => closely(stack, marks, () => stack.destroy()));
    expect(await driver()).toBe("e1000e");
    expect([marks.in(shown), files]).toEqual([[], ""]);
  });
});
