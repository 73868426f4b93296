import { readFileSync } from "node:fs";
import { join } from "node:path";
import { constants } from "node:os";
import { describe, expect } from "vitest";
import { decode, encode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import { lookItems } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";
import { addEdu, addIdDrivers, byNewId, eduId, eduIds, eduRemoval, giveBack, idsOf } from "./twins";

const made = useBoard();
const { EINVAL } = constants.errno;

/** What was written, as "<file>: <line>". */
const written = () => made.board.kernel.writes.map(({ path, text }) => `${path.split("/").slice(-2).join("/")}: ${text.trimEnd()}`);

/** What the look tells of a device whose id was asked for. */
async function look(shell: Shell, { bus, name }: Device, driver = "stub") {
  const items = [...lookItems([{ bus, name, driver }]), ["id", "0"]];
  const [device] = (await made.board.ask(shell, "look", items).done).devices;
  return { id: decode(device?.id ?? ""), alike: device?.alike, takesIds: device?.takesIds, claimIds: device?.claimIds };
}

const claim = () => readFileSync(join(made.board.state, "claim.pci,0000:00:03.0"), "utf8");

inEveryShell((shell) => {
  promise(shell, "adds the id, takes the device from its driver, and on the way back takes the id away first", async () => {
    const { board } = made;
    addIdDrivers(board);
    const edu = addEdu(board);
    expect(await look(shell, edu)).toEqual({ id: eduId, alike: "-", takesIds: "both", claimIds: "-" });
    const { outcome, stderr } = await board.apply(shell, byNewId(edu, "stub"));
    expect([outcome, stderr]).toEqual([{ is: "done" }, ""]);
    expect(written()).toEqual([`stub/new_id: ${eduId}`, "old/unbind: 0000:00:03.0", "stub/bind: 0000:00:03.0"]);
    expect(edu.driver).toBe("stub");
    expect(claim()).toContain(`\nid pci,stub,${encode(eduId)}\nend 4\n`);
    expect((await look(shell, edu)).claimIds).toBe("stub");
    board.kernel.writes = [];
    expect((await board.apply(shell, giveBack(edu, "stub", "old"))).outcome).toEqual({ is: "done" });
    expect(written()).toEqual([`stub/remove_id: ${eduRemoval}`, "stub/unbind: 0000:00:03.0", "old/bind: 0000:00:03.0"]);
    expect([edu.driver, idsOf(board, "stub")]).toEqual(["old", []]);
  });

  promise(shell, "is done too where the id binds a free device at once, and leaves it free again on the way back", async () => {
    const { board } = made;
    addIdDrivers(board);
    const edu = addEdu(board, { driver: null, matches: [], override: null });
    expect((await board.apply(shell, byNewId(edu, "stub"))).outcome).toEqual({ is: "done" });
    expect(edu.driver).toBe("stub");
    expect((await board.apply(shell, giveBack(edu, "stub", null))).outcome).toEqual({ is: "done" });
    expect([edu.driver, idsOf(board, "stub")]).toEqual([null, []]);
  });

  promise(shell, "lists who else has the id, and who of them is free, and writes nothing where somebody came or left since", async () => {
    const { board } = made;
    addIdDrivers(board);
    const edu = addEdu(board);
    addEdu(board, { name: "0000:00:04.0" });
    const free = addEdu(board, { name: "0000:00:05.0", driver: null });
    addEdu(board, { name: "0000:00:06.0", ids: { ...eduIds, numbers: [0x1234, 0x11e8, 0x1af4, 0x1100, 0x00ff01] } });
    expect((await look(shell, edu)).alike).toBe("0000:00:04.0;old,0000:00:05.0;-");
    expect((await board.apply(shell, byNewId(edu, "stub", ["0000:00:04.0"]))).outcome).toEqual({ is: "moved", device: "0" });
    expect(board.kernel.writes).toEqual([]);
    const both = byNewId(edu, "stub", ["0000:00:04.0", "0000:00:05.0"]);
    expect((await board.apply(shell, both)).outcome).toEqual({ is: "done" });
    expect(free.driver).toBe("stub");
  });

  promise(shell, "takes the id back where the driver refuses the device, and what it claimed besides is free again", async () => {
    const { board } = made;
    addIdDrivers(board);
    const edu = addEdu(board, { refuses: { stub: EINVAL } });
    const free = addEdu(board, { name: "0000:00:05.0", driver: null });
    const { outcome } = await board.apply(shell, byNewId(edu, "stub", ["0000:00:05.0"]));
    expect(outcome).toMatchObject({ is: "undone", problem: "write", word: "bind" });
    expect([edu.driver, free.driver, idsOf(board, "stub")]).toEqual(["old", null, []]);
    expect(written()).toContain("stub/unbind: 0000:00:05.0");
    expect(board.stateFiles().filter((name) => name.startsWith("claim"))).toEqual([]);
  });

  promise(shell, "binds by an id that somebody else has added, and never takes that one away", async () => {
    for (const foreign of ["1234 11e8", "1234 11e8 1af4 1100", "1234 11e8 1af4 1100 00ff00 ffffff"]) {
      const { board } = made;
      board.reset();
      addIdDrivers(board);
      const edu = addEdu(board);
      board.kernel.idsOf("pci", "stub").add(foreign, () => false);
      expect((await board.apply(shell, byNewId(edu, "stub"))).outcome).toEqual({ is: "done" });
      expect([edu.driver, idsOf(board, "stub")]).toEqual(["stub", [foreign]]);
      expect((await board.apply(shell, giveBack(edu, "stub", "old"))).outcome).toEqual({ is: "done" });
      expect([edu.driver, idsOf(board, "stub")]).toEqual(["old", [foreign]]);
    }
  });

  promise(shell, "goes from one driver's id to another's, and keeps both as they were where that is refused", async () => {
    const { board } = made;
    addIdDrivers(board);
    const edu = addEdu(board);
    await board.apply(shell, byNewId(edu, "stub"));
    const onwards = byNewId(edu, "other");
    const steps = [{ device: 0, word: "remove-id" as const, value: "stub" }, ...(onwards.steps ?? [])];
    edu.refuses = { other: EINVAL };
    expect((await board.apply(shell, { ...onwards, steps })).outcome).toMatchObject({ is: "undone", word: "bind" });
    expect([edu.driver, idsOf(board, "stub"), idsOf(board, "other")]).toEqual(["stub", [eduId], []]);
    expect(claim()).toContain(`\nid pci,stub,${encode(eduId)}\nend 4\n`);
    edu.refuses = {};
    expect((await board.apply(shell, { ...onwards, steps })).outcome).toEqual({ is: "done" });
    expect([edu.driver, idsOf(board, "stub"), idsOf(board, "other")]).toEqual(["other", [], [eduId]]);
    expect(claim().match(/^id .*$/gm)).toEqual([`id pci,other,${encode(eduId)}`]);
  });

  promise(shell, "lets the last of those that share an id take it away, whether they go one by one or together", async () => {
    const { board } = made;
    for (const together of [false, true]) {
      board.reset();
      addIdDrivers(board);
      const [one, two] = [addEdu(board), addEdu(board, { name: "0000:00:04.0" })];
      await board.apply(shell, byNewId(one, "stub", ["0000:00:04.0"]));
      await board.apply(shell, byNewId(two, "stub", ["0000:00:03.0"]));
      const [first, second] = [giveBack(one, "stub", "old"), giveBack(two, "stub", "old")];
      if (together) {
        const steps = [...(first.steps ?? []), ...(second.steps ?? []).map((step) => ({ ...step, device: 1 }))];
        expect((await board.apply(shell, { wishes: [...first.wishes, ...second.wishes], steps })).outcome).toEqual({ is: "done" });
      } else {
        expect((await board.apply(shell, first)).outcome).toEqual({ is: "done" });
        expect([one.driver, idsOf(board, "stub")]).toEqual(["old", [eduId]]);
        expect((await board.apply(shell, second)).outcome).toEqual({ is: "done" });
      }
      expect([one.driver, two.driver, idsOf(board, "stub")]).toEqual(["old", "old", []]);
    }
  });

  promise(shell, "adds and removes an id of a usb interface, unless the driver's list has it already", async () => {
    const { board } = made;
    board.kernel.addDriver("usb", "old");
    board.kernel.addDriver("usb", "stub", { takesIds: "usb" });
    const ids = { kind: "usb" as const, numbers: [0x0525, 0xa4a0, 0xff] };
    const edu = board.kernel.addDevice({ bus: "usb", name: "1-1:1.0", driver: "old", matches: ["old"], ids }, "usb1/1-1");
    const [added, list] = [["id", "0", encode("0525 a4a0 ff")], board.kernel.idsOf("usb", "stub")];
    expect(await look(shell, edu)).toMatchObject({ id: "0525 a4a0 ff", alike: "-", takesIds: "both" });
    expect((await board.apply(shell, { ...byNewId(edu, "stub"), extras: [added] })).outcome).toEqual({ is: "done" });
    expect([edu.driver, list.written]).toEqual(["stub", ["0525 a4a0 ff"]]);
    expect((await board.apply(shell, giveBack(edu, "stub", "old"))).outcome).toEqual({ is: "done" });
    expect([edu.driver, list.written]).toEqual(["old", []]);
    list.add("0525 a4a0", () => false);
    expect((await board.apply(shell, { ...byNewId(edu, "stub"), extras: [added] })).outcome).toEqual({ is: "done" });
    expect([edu.driver, list.written]).toEqual(["stub", ["0525 a4a0"]]);
    expect((await board.apply(shell, giveBack(edu, "stub", "old"))).outcome).toEqual({ is: "done" });
    expect([edu.driver, list.written]).toEqual(["old", ["0525 a4a0"]]);
  });
});

describe("an id", () => {
  promise(dash, "is not known for a device whose files don't tell it, and is told only where it was asked for", async () => {
    const { board } = made;
    addIdDrivers(board);
    const plain = board.kernel.addDevice({ bus: "pci", name: "plain", driver: null, matches: [] });
    expect(await look(dash, plain)).toMatchObject({ id: null, alike: "-" });
    const edu = addEdu(board);
    const [device] = (await board.look(dash, { bus: edu.bus, name: edu.name, driver: "old" })).devices;
    expect(device).toMatchObject({ id: "-", alike: "-", takesIds: "both" });
  });

  promise(dash, "goes with a driver that has gone: what can't be removed any more does not stand in the way", async () => {
    const { board } = made;
    addIdDrivers(board);
    const edu = addEdu(board);
    await board.apply(dash, byNewId(edu, "stub"));
    edu.driver = null;
    board.kernel.remove("bus/pci/drivers/stub");
    const back = {
      ...giveBack(edu, "stub", "old"),
      steps: [
        { device: 0, word: "remove-id" as const, value: "stub" },
        { device: 0, word: "bind" as const, value: "old" },
      ],
    };
    expect((await board.apply(dash, back)).outcome).toEqual({ is: "done" });
    expect(edu.driver).toBe("old");
  });
});
