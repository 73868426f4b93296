import { describe, expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import { isAlive, killNow, until, writerOf } from "./processes";
import type { Transaction } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";

const made = useBoard();

function addDevice(name: string): Device {
  const { kernel } = made.board;
  for (const driver of ["a", "b"]) kernel.addDriver("platform", driver);
  return kernel.addDevice({ bus: "platform", name, driver: "a", override: null, matches: ["a", "b"] });
}

const toB = (device: Device): Transaction => ({
  timeoutSeconds: 600,
  wishes: [{ device, seen: { driver: "a", override: null }, driver: "b", override: "b", claim: "take" }],
});

/** The time that is given where the kernel will hold a write: 2 seconds, or 40 hurried ones. */
const short = (shell: Shell) => ({ timeoutSeconds: shell.name === "busybox ash" ? 2 : 40 });

/** Makes the first write to a file whose path ends so hang until it is let go; says who is in it. */
function holdWrite(end: string): { letGo: () => void; isHeld: () => boolean; pid: () => number } {
  let letGo = () => {};
  let pid = 0;
  const released = new Promise<undefined>((resolve) => (letGo = () => resolve(undefined)));
  made.board.kernel.trap.before = (path, write) => {
    if (pid !== 0 || !path.endsWith(end)) return undefined;
    pid = write.pid;
    return released;
  };
  return { letGo, isHeld: () => pid !== 0, pid: () => pid };
}

/** What others find while a device is held: a free lock, a board that can be changed, and that device refused. */
async function othersGoOn(shell: Shell, held: Device): Promise<void> {
  const { board } = made;
  const look = await board.look(shell, { bus: "platform", name: held.name });
  expect(look.board.condition).toBe("quiet");
  expect(look.devices[0]).toMatchObject({ journal: "stuck", override: "-unknown", claimant: "-" });
  const other = addDevice("free.1");
  expect((await board.apply(shell, toB(other))).outcome).toEqual({ is: "done" });
  const refused = await board.apply(shell, { ...toB(held), wishes: [{ device: held, override: "a" }] });
  expect(refused.outcome).toEqual({ is: "refused", problem: "journal", device: "0" });
}

inEveryShell((shell) => {
  for (const [end, driver] of [
    ["/unbind", "a"],
    ["/bind", "b"],
  ] as const) {
    promise(
      shell,
      `says stuck in time when the kernel holds the write to ${end.slice(1)}, frees the lock, and undoes when it lets go`,
      async () => {
        const { board } = made;
        board.hurry();
        const device = addDevice("held.0");
        const write = holdWrite(`drivers/${driver}${end}`);
        const asked = Date.now();
        const { outcome, isComplete, devices } = await board.apply(shell, { id: "s1", ...toB(device), ...short(shell) });
        const seconds = (Date.now() - asked) / 1000;
        expect(write.isHeld()).toBe(true);
        expect(isComplete).toBe(true);
        expect(outcome).toMatchObject({ is: "stuck", problem: "held", word: end.slice(1) });
        expect(decode(outcome.path ?? "-")).toBe(`/sys/bus/platform/drivers/${driver}${end}`);
        expect(devices[0]?.journal).toBe("stuck");
        expect(seconds / 2, "of the time that was given").toBeLessThan(4);
        expect(await board.outcome(shell, "s1")).toMatchObject({ is: "stuck", problem: "held", word: end.slice(1) });
        await othersGoOn(shell, device);
        write.letGo();
        await until("the undo is finished", async () => (await board.outcome(shell, "s1")).is === "undone");
        expect(device).toMatchObject({ driver: "a", override: null });
        await until("the writer has ended", () => !isAlive(write.pid()));
        expect(board.stateFiles().filter((name) => name.startsWith("stuck") || name.startsWith("held"))).toEqual([]);
        expect((await board.apply(shell, toB(device))).outcome).toEqual({ is: "done" });
      },
    );
  }
});

describe("a writer that is held", () => {
  promise(dash, "and is killed meanwhile leaves its journal to the next apply on that device", async () => {
    const { board } = made;
    board.hurry();
    const device = addDevice("held.0");
    const write = holdWrite("/bind");
    const running = board.startApply(dash, { id: "s2", ...toB(device), ...short(dash) });
    await until("the write hangs", write.isHeld);
    const writer = writerOf(write.pid(), running.pid);
    expect((await running.done).outcome.is).toBe("stuck");
    killNow(writer, write.pid());
    write.letGo();
    await until("the writer is gone", () => !isAlive(writer ?? 0));
    board.kernel.trap = {};
    const next = await board.apply(dash, { wishes: [{ device: { ...device }, driver: "a" }] });
    expect(next.outcome.recovered).toBe("s2");
    expect(device).toMatchObject({ driver: "a", override: null });
    expect(await board.outcome(dash, "s2")).toMatchObject({ is: "undone", problem: "killed" });
  });

  promise(dash, "in a read, before it wrote anything, leaves the lock to others and writes nothing afterwards", async () => {
    const { board } = made;
    board.hurry();
    const device = addDevice("held.0");
    let letGo = (_: string) => {};
    board.kernel.addSlowFile("devices/platform/held.0/driver_override", new Promise((resolve) => (letGo = resolve)));
    const running = board.startApply(dash, { id: "s3", ...toB(device), ...short(dash) });
    await until("others can go on", async () => (await board.outcome(dash, "s3")).is === "busy");
    expect((await board.apply(dash, toB(addDevice("free.1")))).outcome).toEqual({ is: "done" });
    board.kernel.writes = [];
    letGo("(null)\n");
    expect((await running.done).outcome.is).toBe("busy");
    await until("the writer has ended", () => !board.stateFiles().some((name) => name.startsWith("asked")));
    expect(board.kernel.writes).toEqual([]);
    expect(device.driver).toBe("a");
  });

  promise(dash, "while it undoes what was refused, is stuck as well, and is finished later", async () => {
    const { board } = made;
    board.hurry();
    const device = addDevice("held.0");
    device.refuses = { b: 22 };
    const write = holdWrite("drivers/a/bind");
    const { outcome } = await board.apply(dash, { id: "s4", ...toB(device), ...short(dash) });
    expect(outcome).toMatchObject({ is: "stuck", problem: "held", word: "bind" });
    write.letGo();
    await until("the undo is finished", async () => (await board.outcome(dash, "s4")).is === "undone");
    expect(device).toMatchObject({ driver: "a", override: null });
  });

  promise(dash, "and was killed before leaves an undo that is held too: answered in time, and finished later", async () => {
    const { board } = made;
    board.hurry();
    const device = addDevice("held.0");
    const write = holdWrite("drivers/a/bind");
    const running = board.startApply(dash, { id: "s5", ...toB(device), ...short(dash) });
    board.kernel.trap.after = (path, { pid }) => {
      if (path.endsWith("a/unbind")) killNow(writerOf(pid, running.pid));
    };
    expect((await running.done).outcome).toMatchObject({ is: "stuck", problem: "held", word: "bind" });
    expect((await board.look(dash, { bus: "platform", name: "held.0" })).board.condition).toBe("quiet");
    write.letGo();
    await until("the undo is finished", async () => (await board.outcome(dash, "s5")).is === "undone");
    await until("nothing is left of it", () => board.stateFiles().join() === "outcome.s5");
    expect(device).toMatchObject({ driver: "a", override: null });
  });
});
