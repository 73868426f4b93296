import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { addCard, toVfio } from "./card";
import { killNow, until, writerOf } from "./processes";
import { promise, useBoard } from "./setup";
import { dash } from "./shells";

const made = useBoard();

/** Puts lines into a file of the state folder that only a later version knows, before its last line. */
function addLines(name: string): void {
  const path = join(made.board.state, name);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const last = lines.pop();
  writeFileSync(path, [...lines, "later pci,0000:00:03.0,x", "later", last, ""].join("\n"));
}

describe("what a later version writes besides is passed over", () => {
  promise(dash, "in a claim", async () => {
    const card = addCard(made.board.kernel);
    await made.board.apply(dash, toVfio(card, { claim: "take" }));
    addLines("claim.pci,0000:00:03.0");
    const [device] = (await made.board.look(dash, { bus: card.bus, name: card.name })).devices;
    expect(device).toMatchObject({ claimDriver: "e1000e", claimIds: "-" });
    const back = { wishes: [{ device: card, driver: "e1000e", override: null, claim: "drop" as const }] };
    expect((await made.board.apply(dash, back)).outcome).toEqual({ is: "done" });
  });

  promise(dash, "in a journal", async () => {
    const card = addCard(made.board.kernel);
    const running = made.board.startApply(dash, { id: "k1", ...toVfio(card) });
    made.board.kernel.trap.after = (_, { pid }, count) => {
      if (count === 3) killNow(running.pid, writerOf(pid, running.pid), pid);
    };
    await running.done;
    made.board.kernel.trap = {};
    await until("the writes are answered", () => made.board.kernel.writes.every(({ errno }) => errno >= 0));
    addLines("journal.k1");
    await made.board.apply(dash, { wishes: [{ device: { ...card, driver: "nobody's" } }], steps: [] });
    expect([card.driver, card.override]).toEqual(["e1000e", null]);
    expect(made.board.stateFiles().filter((name) => !name.startsWith("outcome."))).toEqual([]);
  });
});
