import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import { claimant } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";

const made = useBoard();
const other = "organization/other/dev/board";

function addCard(): Device {
  const { kernel } = made.board;
  kernel.addDriver("pci", "e1000e");
  kernel.addDriver("pci", "vfio-pci");
  return kernel.addDevice({ bus: "pci", name: "0000:00:03.0", driver: "e1000e", override: "e1000e", matches: ["e1000e"] });
}

const claim = () => readFileSync(join(made.board.state, "claim.pci,0000:00:03.0"), "utf8");

/** A create, as it claims the device with its past. */
async function create(shell: Shell, card: Device, id = "c1"): Promise<void> {
  const wish = { device: card, driver: "vfio-pci", override: "vfio-pci", claim: "take" as const };
  const { outcome } = await made.board.apply(shell, { id, wishes: [{ ...wish, past: { ...card } }] });
  expect(outcome).toEqual({ is: "done" });
}

inEveryShell((shell) => {
  promise(shell, "keeps claimant, previous driver and override with what was taken", async () => {
    const card = addCard();
    await create(shell, card);
    expect(claim()).toBe(`devbind-claim 1\nclaimant ${claimant}\ndriver e1000e\noverride e1000e\ntransaction c1\nend 4\n`);
    const [device] = (await made.board.look(shell, { bus: card.bus, name: card.name })).devices;
    expect(device).toMatchObject({ claimDriver: "e1000e", claimOverride: "e1000e", claimTransaction: "c1" });
    expect(decode(device?.claimant ?? "-")).toBe(claimant);
  });

  promise(shell, "refuses another claimant before the first write, unless forced, which takes it over", async () => {
    const card = addCard();
    await create(shell, card);
    made.board.kernel.writes = [];
    const wishes = [{ device: card, driver: "e1000e", override: null, claim: "take" as const }];
    expect((await made.board.apply(shell, { claimant: other, wishes })).outcome).toEqual({ is: "moved", device: "0" });
    expect(made.board.kernel.writes).toEqual([]);
    expect(claim()).toContain(claimant);
    expect((await made.board.apply(shell, { claimant: other, wishes, force: true })).outcome).toEqual({ is: "done" });
    expect(claim()).toContain(other);
  });

  promise(shell, "keeps a claim where told to, and lets go of one's own only", async () => {
    const card = addCard();
    await create(shell, card);
    const before = claim();
    expect((await made.board.apply(shell, { wishes: [{ device: card, driver: null, claim: "keep" }] })).outcome.is).toBe("done");
    expect(claim()).toBe(before);
    await made.board.apply(shell, { claimant: other, force: true, wishes: [{ device: card, override: null, claim: "drop" }] });
    expect(claim()).toBe(before);
    expect((await made.board.apply(shell, { wishes: [{ device: card, driver: "e1000e", claim: "drop" }] })).outcome.is).toBe("done");
    expect(made.board.stateFiles().filter((name) => name.startsWith("claim."))).toEqual([]);
  });

  promise(shell, "adopts a device that is right already without a write, with the past that is told", async () => {
    const card = addCard();
    const past = { driver: null, override: "two words" };
    const { outcome } = await made.board.apply(shell, { id: "a1", wishes: [{ device: card, driver: "e1000e", claim: "take", past }] });
    expect(outcome).toEqual({ is: "done" });
    expect(made.board.kernel.writes).toEqual([]);
    expect(claim()).toContain("driver -\noverride two%20words\ntransaction a1\n");
  });

  promise(shell, "claims nothing when the transaction is undone", async () => {
    const card = addCard();
    card.refuses = { "vfio-pci": 22 };
    const wish = { device: card, driver: "vfio-pci", override: "vfio-pci", claim: "take" as const };
    expect((await made.board.apply(shell, { wishes: [wish] })).outcome.is).toBe("undone");
    expect(made.board.stateFiles().filter((name) => name.startsWith("claim."))).toEqual([]);
  });
});

describe("a claim that was taken over", () => {
  promise(dash, "comes back, with its past, when the one who took it is killed before it is done", async () => {
    const { board } = made;
    const card = addCard();
    await create(dash, card);
    const before = claim();
    board.write("bin/mv", '#!/bin/sh\n/bin/mv "$@" || exit\ncase $2 in *claim.*) rm -f "$0"; kill -9 $PPID ;; esac\n', 0o755);
    const wishes = [{ device: card, driver: "e1000e", override: null, claim: "take" as const }];
    const { outcome } = await board.apply(dash, { claimant: other, wishes, force: true });
    expect(outcome).toMatchObject({ is: "undone", problem: "killed" });
    expect(card).toMatchObject({ driver: "vfio-pci", override: "vfio-pci" });
    expect(claim()).toBe(before);
    expect(board.stateFiles().filter((name) => name.startsWith("replaced"))).toEqual([]);
  });
});
