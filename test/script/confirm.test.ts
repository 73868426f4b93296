import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import { addCard, toVfio } from "./card";
import { killNow, until } from "./processes";
import type { Transaction } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import type { Shell } from "./shells";

const made = useBoard();

/** A rebind that waits so long for a login; a command adds the device's driver to the file "after". */
function waiting(confirmSeconds: number): Transaction {
  const { board } = made;
  const card = addCard(board.kernel);
  const [driver, after] = [join(board.root, "sys/bus/pci/devices", card.name, "driver"), join(board.root, "after")];
  const afterRebind = ["sh", "-c", `readlink "$1" | sed 's|.*/||' >>"$2"`, "sh", driver, after];
  return { id: "w1", ...toVfio(card, { claim: "take" }), confirmSeconds, afterRebind };
}

const after = () => readFileSync(join(made.board.root, "after"), "utf8").trim().split("\n");
const isEnded = async (shell: Shell) => !["unconfirmed", "running"].includes((await made.board.outcome(shell, "w1")).is ?? "");
const leftFiles = () => made.board.stateFiles().filter((name) => !name.startsWith("outcome"));

inEveryShell((shell) => {
  promise(shell, "a change that waits is done when a new login confirms it, and the command runs once", async () => {
    const transaction = waiting(60);
    const { outcome, isComplete } = await made.board.startApply(shell, transaction).answered;
    expect({ outcome, isComplete }).toEqual({ outcome: { is: "unconfirmed" }, isComplete: true });
    expect((await made.board.look(shell, { bus: "pci", name: "0000:00:03.0" })).devices[0]?.journal).toBe("running");
    expect(await made.board.confirm(shell, "w1")).toEqual({ is: "done" });
    await until("the writer has ended", () => leftFiles().join() === "claim.pci,0000:00:03.0");
    expect(transaction.wishes[0]?.device).toMatchObject({ driver: "vfio-pci", override: "vfio-pci" });
    expect(after()).toEqual(["vfio-pci"]);
  });

  promise(shell, "a change that nobody confirms is undone by the board itself, and the command runs again", async () => {
    made.board.hurry();
    const transaction = waiting(2);
    expect((await made.board.startApply(shell, transaction).answered).outcome).toEqual({ is: "unconfirmed" });
    await until("the board has undone it", () => isEnded(shell));
    expect(await made.board.confirm(shell, "w1"), "a login that comes too late").toMatchObject({ is: "undone", problem: "unconfirmed" });
    expect(transaction.wishes[0]?.device).toMatchObject({ driver: "e1000e", override: null });
    expect(after()).toEqual(["vfio-pci", "e1000e"]);
    await until("nothing is left of it", () => leftFiles().length === 0);
  });

  promise(shell, "a change whose writer is killed while it waits is undone by the script that watches it", async () => {
    made.board.hurry();
    const transaction = waiting(600);
    expect((await made.board.startApply(shell, transaction).answered).outcome).toEqual({ is: "unconfirmed" });
    const journal = readFileSync(join(made.board.state, "journal.w1"), "utf8");
    killNow(Number(/^writer (\d+)/m.exec(journal)?.[1]));
    await until("the board has undone it", async () => (await made.board.outcome(shell, "w1")).is === "undone");
    expect(transaction.wishes[0]?.device).toMatchObject({ driver: "e1000e", override: null });
    expect(after()).toEqual(["vfio-pci", "e1000e"]);
    await until("nothing is left of it", () => leftFiles().length === 0);
  });

  promise(shell, "a command that fails is a reason to undo, and its last words are told; so are those after the undo", async () => {
    const transaction = { ...waiting(60), afterRebind: ["sh", "-c", "echo first; echo no lease >&2; exit 7"] };
    const { outcome } = await made.board.apply(shell, transaction);
    expect(outcome).toMatchObject({ is: "undone", problem: "after" });
    for (const words of [outcome.kernel, outcome.after]) expect(decode(words ?? "-")).toBe('exit code 7, "no lease"');
    expect(transaction.wishes[0]?.device).toMatchObject({ driver: "e1000e", override: null });
  });

  promise(shell, "a login that confirms what is not there, or ended already, changes nothing and is told so", async () => {
    expect(await made.board.confirm(shell, "w1")).toEqual({ is: "unknown" });
    const transaction = { ...waiting(60), confirmSeconds: undefined };
    await made.board.apply(shell, transaction);
    expect(await made.board.confirm(shell, "w1")).toEqual({ is: "done" });
  });
});
