import { readFileSync } from "node:fs";
import { join } from "node:path";
import { constants } from "node:os";
import { describe, expect } from "vitest";
import { encode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import { MadeModules } from "./made-modules";
import { killNow, until, writerOf } from "./processes";
import type { Step, Transaction } from "./requests";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";
import { addEdu, addIdDrivers, byNewId, eduId, giveBack, idsOf } from "./twins";

/** Devices that are no longer where they were bound: what their claims tell goes along, or is taken back. */

const made = useBoard();
const [oldPlace, newPlace] = ["0000:00:03.0", "0000:00:07.0"];
const claims = () => made.board.stateFiles().filter((name) => name.startsWith("claim."));
const claimAt = (place: string) => readFileSync(join(made.board.state, `claim.pci,${place}`), "utf8");

/** The device was bound by a new id, and sits at another place now, where the kernel has bound it by that id at once. */
async function moved(shell: Shell): Promise<Device> {
  addIdDrivers(made.board);
  const edu = addEdu(made.board);
  await made.board.apply(shell, { ...byNewId(edu, "stub"), id: "first" });
  made.board.kernel.removeDevice(edu);
  return addEdu(made.board, { name: newPlace, driver: "stub" });
}

/** An update that finds the device at its new place, with nothing to write. */
const follow = (device: Device): Transaction => ({
  wishes: [{ device, driver: "stub", claim: "take", past: { driver: "old" } }],
  left: [{ bus: "pci", name: oldPlace, of: 0 }],
});

/** A delete of what is not there any more. */
const giveUpGone = (place = oldPlace): Transaction => ({
  wishes: [{ device: { bus: "pci", name: place, driver: null, matches: [] }, isGone: true }],
  left: [{ bus: "pci", name: place }],
});

inEveryShell((shell) => {
  promise(
    shell,
    "takes along the id that was added for a device, so that it is removed when that is given up at its new place",
    async () => {
      const device = await moved(shell);
      expect((await made.board.apply(shell, follow(device))).outcome).toEqual({ is: "done" });
      expect(claims()).toEqual([`claim.pci,${newPlace}`]);
      expect(claimAt(newPlace)).toContain(`\nid pci,stub,${encode(eduId)}\nend 4\n`);
      expect((await made.board.apply(shell, giveBack(device, "stub", "old"))).outcome).toEqual({ is: "done" });
      expect([device.driver, idsOf(made.board, "stub"), claims()]).toEqual(["old", [], []]);
    },
  );

  promise(shell, "takes back the id of a device that is gone when it is given up, and drops the claim that was ours", async () => {
    addIdDrivers(made.board);
    const edu = addEdu(made.board);
    await made.board.apply(shell, byNewId(edu, "stub"));
    made.board.kernel.removeDevice(edu);
    const { outcome, stderr } = await made.board.apply(shell, giveUpGone());
    expect([outcome, stderr, claims(), idsOf(made.board, "stub")]).toEqual([{ is: "done" }, "", [], []]);
  });

  promise(shell, "writes nothing where what was gone is there again", async () => {
    addIdDrivers(made.board);
    const edu = addEdu(made.board);
    await made.board.apply(shell, byNewId(edu, "stub"));
    expect((await made.board.apply(shell, giveUpGone())).outcome).toEqual({ is: "moved", device: "0" });
    expect([claims(), idsOf(made.board, "stub")]).toEqual([[`claim.pci,${oldPlace}`], [eduId]]);
  });
});

describe("the claim of a device that was chosen by its network interface and bound by a new id of a module", () => {
  promise(dash, "tells all of it in one file, takes all of it along to another place, and gives all of it back", async () => {
    const { board } = made;
    const { kernel } = board;
    const modules = new MadeModules(board, { stub: { drivers: ["pci/stub"] }, tool: {} });
    addIdDrivers(board);
    modules.load("tool");
    const edu = addEdu(board);
    kernel.addFile(`devices/pci0000:00/${oldPlace}/net/eth7/operstate`, "down\n");
    kernel.addLink(`devices/pci0000:00/${oldPlace}/net/eth7/device`, `devices/pci0000:00/${oldPlace}`);
    kernel.addLink("class/net/eth7", `devices/pci0000:00/${oldPlace}/net/eth7`);
    const byName = { selector: ["networkInterface", "eth7"] as [string, string] };
    const transaction = byNewId(edu, "stub", [], byName);
    const steps: Step[] = [{ device: 0, word: "module", value: "stub" }, ...(transaction.steps ?? [])];
    expect((await board.apply(dash, { ...transaction, id: "all", steps })).outcome).toEqual({ is: "done" });
    const notes = `id pci,stub,${encode(eduId)}\nmodules stub\nend 4\n`;
    expect(claimAt(oldPlace)).toMatch(new RegExp(`\\ntransaction all\\ninterface pci,${oldPlace},eth7,\\d+\\n${notes}$`));

    kernel.remove("class/net/eth7");
    kernel.removeDevice(edu);
    const device = addEdu(board, { name: newPlace, driver: "stub" });
    expect((await board.apply(dash, follow(device))).outcome).toEqual({ is: "done" });
    expect([claims(), claimAt(newPlace).endsWith(notes)]).toEqual([[`claim.pci,${newPlace}`], true]);
    expect((await board.apply(dash, giveBack(device, "stub", "old"))).outcome).toEqual({ is: "done" });
    expect([device.driver, idsOf(board, "stub"), modules.loaded, claims()]).toEqual(["old", [], ["tool"], []]);
  });
});

describe("a device that has left its place", () => {
  promise(dash, "has its claim there again, with all that it tells, when its update is refused or killed", async () => {
    const { board } = made;
    for (const isKilled of [false, true]) {
      board.reset();
      const device = await moved(dash);
      const claim = claimAt(oldPlace);
      device.driver = "old";
      board.kernel.writes = [];
      device.refuses = isKilled ? {} : { stub: constants.errno.EINVAL };
      const running = board.startApply(dash, { ...byNewId(device, "stub"), left: [{ bus: "pci", name: oldPlace, of: 0 }] });
      board.kernel.trap.after = (_, { pid }, count) => {
        if (isKilled && count === 3) killNow(running.pid, writerOf(pid, running.pid), pid);
      };
      await running.done;
      board.kernel.trap = {};
      await until("the writes are answered", () => board.kernel.writes.every(({ errno }) => errno >= 0));
      await board.apply(dash, { wishes: [{ device: { ...device, driver: "nobody's" } }], steps: [] });
      expect([device.driver, claims(), claimAt(oldPlace)]).toEqual(["old", [`claim.pci,${oldPlace}`], claim]);
      expect(idsOf(board, "stub")).toEqual([eduId]);
    }
  });

  promise(dash, "leaves there the claim of somebody else, and what that tells", async () => {
    const device = await moved(dash);
    expect((await made.board.apply(dash, { ...follow(device), claimant: "another" })).outcome).toEqual({ is: "done" });
    expect([claims().length, claimAt(newPlace).includes("\nid "), idsOf(made.board, "stub")]).toEqual([2, false, [eduId]]);
    expect((await made.board.apply(dash, { ...giveUpGone(), claimant: "another" })).outcome).toEqual({ is: "done" });
    expect([claims().length, idsOf(made.board, "stub")]).toEqual([2, [eduId]]);
  });

  promise(dash, "is told with the claim on the place that is asked for, also where a selector means none", async () => {
    await moved(dash);
    const asked = [
      { bus: "pci", name: oldPlace },
      { bus: "pci", name: null, selector: ["pciId", "1234:ffff", oldPlace] as [string, string, string] },
    ];
    const { devices } = await made.board.look(dash, ...asked, { bus: "pci", name: "0000:00:09.0" });
    expect(devices.map(({ present, claimant }) => [present, claimant !== undefined])).toEqual([
      ["no", true],
      ["no", true],
      ["no", false],
    ]);
  });

  promise(dash, "keeps out of the journal of those that are given up together with it", async () => {
    const { board } = made;
    addIdDrivers(board);
    const [edu, other] = [addEdu(board), addEdu(board, { name: "0000:00:04.0" })];
    await board.apply(dash, byNewId(edu, "stub", [other.name]));
    board.kernel.removeDevice(edu);
    const gone = giveUpGone();
    const wishes = [...gone.wishes, { device: other, driver: null, claim: "keep" as const }];
    const steps: Step[] = [{ device: 1, word: "unbind", value: "old" }];
    let journal = "";
    board.kernel.trap.before = (path) => {
      if (!path.endsWith("/unbind")) return undefined;
      const [name = ""] = board.stateFiles().filter((file) => file.startsWith("journal."));
      journal = readFileSync(join(board.state, name), "utf8");
      return undefined;
    };
    expect((await board.apply(dash, { ...gone, wishes, steps })).outcome).toEqual({ is: "done" });
    expect(journal).toMatch(/\ndevice pci,0000:00:04\.0,old,[^\n]*\nend 1\n$/);
    expect([other.driver, claims(), idsOf(board, "stub")]).toEqual([null, [], []]);
  });
});
