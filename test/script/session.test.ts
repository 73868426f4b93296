import { readdirSync, readlinkSync } from "node:fs";
import { expect } from "vitest";
import type { Answer } from "./answer";
import type { Device } from "./kernel";
import type { Running } from "./made-board";
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
function pause(at: number): { goOn: () => void; isThere: () => boolean; pid: () => number } {
  let goOn = () => {};
  let pid = 0;
  const ready = new Promise<undefined>((resolve) => (goOn = () => resolve(undefined)));
  made.board.kernel.trap.before = (_, write, count) => {
    if (count !== at) return undefined;
    pid = write.pid;
    return ready;
  };
  return { goOn, isThere: () => pid !== 0, pid: () => pid };
}

/** What is done to a script, and to its writer, which is in its second write. */
type Harm = (running: Running, writer: number) => void;

/** Does harm, and holds that the transaction is done all the same; gives what the script said, if it could. */
async function endsAllTheSame(shell: Shell, harm: Harm): Promise<Answer> {
  const { board } = made;
  const device = addDevice();
  const write = pause(2);
  const running = board.startApply(shell, toB(device));
  await until("the second write", write.isThere);
  harm(running, write.pid());
  expect(await board.outcome(shell, "link"), "while it is under way").toEqual({ is: "running" });
  write.goOn();
  await until("the outcome", async () => (await board.outcome(shell, "link")).is === "done");
  expect(device).toMatchObject({ driver: "b", override: "b" });
  const answer = await running.done;
  await until("everybody has ended", () => !isAlive(running.pid) && !board.stateFiles().some((name) => /^(asked|lock|broke)/.test(name)));
  expect(board.stateFiles()).toEqual(["claim.platform,dev0", "outcome.link"]);
  return answer;
}

const streamOf = (pid: number, fd: number) => readlinkSync(`/proc/${pid}/fd/${fd}`);

inEveryShell((shell) => {
  promise(shell, "a transaction ends, and is answered, when its session hangs up", async () => {
    const hangUp: Harm = ({ pid }, writer) => {
      for (const each of [pid, writer]) process.kill(each, "SIGHUP");
    };
    expect(await endsAllTheSame(shell, hangUp)).toMatchObject({ isComplete: true, outcome: { is: "done" } });
  });

  promise(shell, "a writer is not ended by a signal that asks it to", async () => {
    await endsAllTheSame(shell, (_, writer) => {
      for (const signal of ["SIGTERM", "SIGINT", "SIGPIPE"]) process.kill(writer, signal);
    });
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

  promise(shell, "nothing is written where the writer would end with its session, since its group cannot be left", async () => {
    const { board } = made;
    const device = addDevice();
    for (const group of ["0::/system.slice/system-sshd.slice/sshd@7.service", "12:cpu:/\n1:name=systemd:/user.slice/session-3.scope"]) {
      board.write("proc/self/cgroup", `${group}\n`);
      expect((await board.apply(shell, { ...toB(device), id: undefined })).outcome).toEqual({ is: "refused", problem: "session" });
    }
    expect(board.kernel.writes).toEqual([]);
    board.write("proc/self/cgroup", "1:name=systemd:/\n0::/\n");
    expect((await board.apply(shell, toB(device))).outcome).toEqual({ is: "done" });
  });
});
