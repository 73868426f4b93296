import { constants } from "node:os";
import { expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import { addCard, toVfio } from "./card";
import { inEveryShell, promise, useBoard } from "./setup";

const made = useBoard();
const { EAGAIN, EINVAL } = constants.errno;

/** The probe is deferred this often, as while a supplier is away. */
function defer(path: string, times: number): void {
  let left = times;
  made.board.kernel.trap.before = (written) => {
    if (!written.endsWith(path) || left === 0) return undefined;
    left -= 1;
    return EAGAIN;
  };
}

const written = () => made.board.kernel.writes.filter(({ errno }) => errno === 0).map(({ path }) => path.split("/").slice(-2).join("/"));

inEveryShell((shell) => {
  promise(shell, "binds again what was deferred until its supplier has come", async () => {
    const card = addCard(made.board.kernel);
    made.board.hurry();
    defer("vfio-pci/bind", 5);
    expect((await made.board.apply(shell, toVfio(card))).outcome).toEqual({ is: "done" });
    expect(card).toMatchObject({ driver: "vfio-pci", override: "vfio-pci" });
  });

  promise(shell, "undoes what stays deferred, and says so", async () => {
    const card = addCard(made.board.kernel);
    made.board.hurry();
    defer("vfio-pci/bind", Number.POSITIVE_INFINITY);
    const { outcome } = await made.board.apply(shell, { ...toVfio(card), timeoutSeconds: shell.name === "busybox ash" ? 6 : 60 });
    expect(outcome).toMatchObject({ is: "undone", problem: "write", word: "bind" });
    expect(decode(outcome.kernel ?? "-")).toMatch(/Resource temporarily unavailable$/);
    expect(card).toMatchObject({ driver: "e1000e", override: null });
  });

  promise(
    shell,
    "lets a deferred device wait for one that is bound after it, and writes an override that follows its bind last",
    async () => {
      const { board } = made;
      const [card, supplier] = [addCard(board.kernel), addCard(board.kernel, { name: "0000:00:04.0" })];
      board.hurry();
      board.kernel.trap.before = (path, write) =>
        path.endsWith("vfio-pci/bind") && write.text.startsWith(card.name) && supplier.driver !== "vfio-pci" ? EAGAIN : undefined;
      const wishes = [...(toVfio(card).wishes ?? []), ...(toVfio(supplier).wishes ?? [])].map((wish) => ({ ...wish, override: "late" }));
      const override = (device: number, value: string) => ({ device, word: "override" as const, value });
      const move = (word: "unbind" | "bind", value: string) => [0, 1].map((device) => ({ device, word, value }));
      const steps = [
        ...[override(0, "vfio-pci"), override(1, "vfio-pci")],
        ...[...move("unbind", "e1000e"), ...move("bind", "vfio-pci")],
        ...[override(0, "late"), override(1, "late")],
      ];
      expect((await board.apply(shell, { wishes, steps })).outcome).toEqual({ is: "done" });
      for (const device of [card, supplier]) expect(device).toMatchObject({ driver: "vfio-pci", override: "late" });
      expect(written().slice(-2)).toEqual(["0000:00:03.0/driver_override", "0000:00:04.0/driver_override"]);
    },
  );

  promise(shell, "undoes also a device that needs another one, which comes back after it", async () => {
    const { board } = made;
    const [supplier, card] = [addCard(board.kernel), addCard(board.kernel, { name: "0000:00:04.0", refuses: { "vfio-pci": EINVAL } })];
    board.kernel.trap.before = (path, write) =>
      path.endsWith("e1000e/bind") && write.text.startsWith(card.name) && supplier.driver !== "e1000e" ? EAGAIN : undefined;
    const wishes = [...toVfio(supplier).wishes, ...toVfio(card).wishes];
    expect((await board.apply(shell, { wishes })).outcome).toMatchObject({ is: "undone", problem: "write", word: "bind" });
    for (const device of [supplier, card]) expect(device).toMatchObject({ driver: "e1000e", override: null });
  });

  promise(shell, "undoes a bind whose driver lets go of the device right after", async () => {
    const card = addCard(made.board.kernel);
    made.board.hurry();
    made.board.kernel.trap.after = (path) => {
      if (path.endsWith("vfio-pci/bind")) setTimeout(() => (card.driver = null), 20);
    };
    expect((await made.board.apply(shell, toVfio(card))).outcome).toMatchObject({ is: "undone", problem: "left" });
    expect(card).toMatchObject({ driver: "e1000e", override: null });
  });
});
