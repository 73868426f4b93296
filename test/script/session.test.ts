import { readdirSync, readlinkSync } from "node:fs";
import { expect } from "vitest";
import type { Device } from "./kernel";
import { isAlive, killNow, until } from "./processes";
import type { Transaction } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import type { Shell } from "./shells";

const made = useBoard();

function addDevice(): Device {
  const { kernel } = made.board;
  for (const driver of ["a", "b"]) kernel.addDriver("platform", driver);
  return kernel.addDevice({ bus: "platform", name: "dev0", driver: "a", override: null, matches: ["a", "b"] });
}

const toB = (device: Device): Transaction => ({ id: "link", wishes: [{ device, driver: "b", override: "b", claim: "take" }] });

/** The writes wait until it is time, so that something can happen in the midst of them. */
function pause(at: number): { goOn: () => void; isThere: () => boolean } {
  let goOn = () => {};
  let isThere = false;
  const ready = new Promise<undefined>((resolve) => (goOn = () => resolve(undefined)));
  made.board.kernel.trap.before = (_, __, count) => {
    if (count !== at) return undefined;
    isThere = true;
    return ready;
  };
  return { goOn, isThere: () => isThere };
}

/** Does something to a script that is in its second write, and holds that the transaction is done all the same. */
async function endsAllTheSame(shell: Shell, harm: (running: ReturnType<typeof made.board.startApply>) => void): Promise<void> {
  const { board } = made;
  const device = addDevice();
  const write = pause(2);
  const running = board.startApply(shell, toB(device));
  await until("the second write", write.isThere);
  harm(running);
  expect(await board.outcome(shell, "link"), "while it is under way").toEqual({ is: "running" });
  write.goOn();
  await until("the outcome", async () => (await board.outcome(shell, "link")).is === "done");
  expect(device).toMatchObject({ driver: "b", override: "b" });
  await running.done;
  await until("everybody has ended", () => !isAlive(running.pid) && !board.stateFiles().some((name) => /^(asked|lock|broke)/.test(name)));
  expect(board.stateFiles()).toEqual(["claim.platform,dev0", "outcome.link"]);
}

const streamOf = (pid: number, fd: number) => readlinkSync(`/proc/${pid}/fd/${fd}`);

inEveryShell((shell) => {
  promise(shell, "a transaction ends when its session hangs up", async () => {
    await endsAllTheSame(shell, ({ child }) => child.kill("SIGHUP"));
  });

  promise(shell, "a transaction ends when nobody reads its answer any more", async () => {
    await endsAllTheSame(shell, ({ child }) => {
      child.stdout.destroy();
      child.stderr.destroy();
    });
  });

  promise(shell, "a transaction ends when its script is killed, but not its writer", async () => {
    await endsAllTheSame(shell, ({ pid }) => killNow(pid));
  });

  promise(shell, "the writer leaves the session's control group, and keeps none of the session's streams", async () => {
    const { board } = made;
    const moved: string[] = [];
    board.kernel.addSink("fs/cgroup/cgroup.procs", moved);
    const device = addDevice();
    const write = pause(1);
    const running = board.startApply(shell, toB(device));
    await until("the first write", write.isThere);
    const pid = Number(moved[0]);
    const session = [0, 1, 2].map((fd) => streamOf(running.pid, fd));
    const own = readdirSync(`/proc/${pid}/fd`).map((fd) => streamOf(pid, Number(fd)));
    expect(own.filter((stream) => stream !== "/dev/null" && session.includes(stream))).toEqual([]);
    write.goOn();
    await running.done;
    expect(moved).toEqual([`${pid}\n`]);
  });
});
