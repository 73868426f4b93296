import { constants } from "node:os";
import { describe, expect } from "vitest";
import { addCard, toVfio } from "./card";
import { stepsFor } from "./requests";
import { promise, useBoard } from "./setup";
import { dash } from "./shells";
import { put } from "./tree";

const made = useBoard();
const { EBUSY, EINVAL } = constants.errno;

describe("an apply, in dash", () => {
  promise(dash, "names the first device that did not come back, not the last one tried", async () => {
    const first = addCard(made.board.kernel, { refuses: { e1000e: EBUSY } });
    const second = addCard(made.board.kernel, { name: "0000:00:04.0", refuses: { "vfio-pci": EINVAL } });
    const { outcome } = await made.board.apply(dash, { wishes: [toVfio(first).wishes, toVfio(second).wishes].flat() });
    expect(outcome).toMatchObject({ is: "stuck", left: "pci%2C0000:00:03.0", undoing: "bind" });
    expect(second).toMatchObject({ driver: "e1000e", override: null });
  });

  promise(dash, "goes back to planning when a device is gone, rebound or overridden since", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel);
    const seen = { driver: "e1000e", override: null };
    for (const now of [{ driver: null }, { override: "other" }]) {
      Object.assign(card, seen, now);
      expect((await board.apply(dash, toVfio(card, { seen }))).outcome).toEqual({ is: "moved", device: "0" });
    }
    board.kernel.removeDevice(card);
    expect((await board.apply(dash, toVfio(card, { seen }))).outcome).toEqual({ is: "moved", device: "0" });
    expect(board.kernel.writes).toEqual([]);
  });

  promise(dash, "loads the module before anything else, so that what it brings can be written to", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel);
    board.write("bin/modprobe", `#!/bin/sh\nread -r _ <${board.root}/sys/module-loader\n`, 0o755);
    const brings = () => {
      board.kernel.addDriver("pci", "late");
      return "loaded\n";
    };
    put(board.kernel.tree, "module-loader", { kind: "file", read: brings });
    const wishes = [{ device: card, driver: "late", override: "late" }];
    const steps = [{ device: 0, word: "module" as const, value: "late" }, ...stepsFor(wishes)];
    expect((await board.apply(dash, { wishes, steps })).outcome).toEqual({ is: "done" });
    expect(card.driver).toBe("late");
  });

  promise(dash, "runs a transaction once, however often it arrives", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel);
    const request = { id: "once", wishes: [{ device: { ...card }, driver: "vfio-pci", override: "vfio-pci" }] };
    for (const _ of [1, 2, 3]) expect((await board.apply(dash, request)).outcome).toEqual({ is: "done" });
    expect(board.kernel.writes).toHaveLength(3);
    expect(await board.outcome(dash, "once")).toEqual({ is: "done" });
    expect(await board.outcome(dash, "never")).toEqual({ is: "unknown" });
  });
});
