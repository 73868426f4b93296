import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { card, claims, type DeviceName, driverOf, events, otherCard, seen } from "./eyes";
import { forwardTo } from "./forward";
import { type Arguments, type Bindings, connectionTo, onePass, type ProgramStack, resourcesOf, told, useLab } from "./lab";

const lab = useLab(["d1".repeat(16), "d2".repeat(16)]);
const net: DeviceName = ["pci", "0000:00:04.0"];
const rng: DeviceName = ["pci", "0000:00:05.0"];

const binding = ([bus, device]: DeviceName, driver: string, more: Arguments = {}) => ({
  args: { connection: connectionTo(lab.board()), bus, device, driver, ...more },
});

describe("destroy", () => {
  let stack: ProgramStack;
  let state: unknown;
  const importState = async () => {
    const file = join(stack.folder, "state.json");
    await writeFile(file, JSON.stringify(state));
    await stack.command(["stack", "import", "--stack", stack.name, "--file", file]);
  };

  test("restores, unbinds, probes or keeps, as onDelete says, and leaves no claim", async () => {
    stack = await lab.openProgram({
      restored: binding(card, "vfio-pci"),
      unbound: binding(otherCard, "vfio-pci", { onDelete: "unbind" }),
      probed: binding(net, "pci-stub", { onDelete: "probe" }),
      kept: binding(rng, "pci-stub", { onDelete: "keep" }),
    });
    await stack.up(onePass());
    const stub = ["pci-stub", "pci-stub"];
    expect(await seen(lab.board(), card, otherCard, net, rng)).toEqual(["vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci", ...stub, ...stub]);
    state = await stack.state();
    await stack.destroy(onePass());
    expect(await seen(lab.board(), card, otherCard, net, rng)).toEqual(["e1000e", "(null)", "", "(null)", "virtio-pci", "(null)", ...stub]);
    expect(await claims(lab.board())).toBe("");
  });

  test("run twice is fine, and rebinds nothing the second time", async () => {
    const before = [await events(lab.board()), await seen(lab.board(), card, otherCard, rng)];
    await importState();
    expect((await stack.destroy(onePass())).summary).toEqual({ delete: 5 });
    const after = [await events(lab.board()), await seen(lab.board(), card, otherCard, rng)];
    expect(after[1]).toEqual(before[1]);
    expect(await claims(lab.board())).toBe("");
    expect(after[0]).toBe(before[0]);
  });

  test("after a reboot of the board there is nothing to undo", async () => {
    await lab.board().reset();
    await importState();
    expect((await stack.destroy(onePass())).summary).toEqual({ delete: 5 });
    expect(await driverOf(lab.board(), card)).toBe("e1000e");
    expect(await claims(lab.board())).toBe("");
  });
});

describe("the board behind an address", () => {
  test("is another one now: the device is bound anew there, and nothing is undone on either", async () => {
    const forward = await forwardTo(lab.board(0).port);
    try {
      const connection = { ...connectionTo(lab.board()), port: forward.port };
      const stack = await lab.openProgram({ card: binding(card, "vfio-pci", { connection }) });
      await stack.up(onePass());
      const first = [await seen(lab.board(0), card), await claims(lab.board(0)), await events(lab.board(0))];
      forward.leadTo(lab.board(1).port);
      const steps = (await stack.up(onePass())).steps.map(({ operation }) => operation);
      expect(steps).toEqual(expect.arrayContaining(["delete-replaced", "create-replacement"]));
      expect(await seen(lab.board(1), card)).toEqual(["vfio-pci", "vfio-pci"]);
      expect([await seen(lab.board(0), card), await claims(lab.board(0)), await events(lab.board(0))]).toEqual(first);
      await stack.destroy(onePass());
      expect(await seen(lab.board(1), card)).toEqual(["e1000e", "(null)"]);
      expect(await claims(lab.board(1))).toBe("");
      expect(await driverOf(lab.board(0), card)).toBe("vfio-pci");
    } finally {
      await forward.close();
    }
  });

  test("moves with the program: bound on the new board, given back on the old one", async () => {
    await lab.board(0).reset();
    const on = (index: number): Bindings => ({ card: binding(card, "vfio-pci", { connection: connectionTo(lab.board(index)) }) });
    const stack = await lab.openProgram(on(0));
    await stack.up(onePass());
    await stack.write(on(1));
    await stack.up(onePass());
    expect(await seen(lab.board(0), card)).toEqual(["e1000e", "(null)"]);
    expect(await claims(lab.board(0))).toBe("");
    expect(await seen(lab.board(1), card)).toEqual(["vfio-pci", "vfio-pci"]);
    await stack.destroy(onePass());
  });

  test("is off: delete fails and keeps the resource, unless deleteUnreachable lets it go", async () => {
    const connection = connectionTo(lab.board(1));
    const stack = await lab.openProgram({
      held: binding(card, "vfio-pci", { connection }),
      "let-go": binding(otherCard, "vfio-pci", { connection, deleteUnreachable: true }),
    });
    await stack.up(onePass());
    await lab.board(1).powerOff();
    const destroy = await stack.destroy(onePass({ expectFailure: true, extraArguments: ["--continue-on-error"] }));
    expect(told(destroy)).toEqual(["held: failed delete", "let-go: delete"]);
    expect([...resourcesOf(await stack.state()).keys()]).toEqual(["held"]);
    const refresh = await stack.refresh(onePass({ expectFailure: true }));
    expect(told(refresh)).toEqual(["held: failed refresh"]);
    expect([...resourcesOf(await stack.state()).keys()]).toEqual(["held"]);
    await lab.board(1).powerOn();
    expect((await stack.destroy(onePass())).summary).toEqual({ delete: 2 });
  });
});
