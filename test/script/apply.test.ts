import { constants } from "node:os";
import { expect } from "vitest";
import { decode } from "../../provider/board/protocol";
import type { Device } from "./kernel";
import { addCard, toVfio } from "./card";
import { inEveryShell, promise, useBoard } from "./setup";
import type { Shell } from "./shells";

const made = useBoard();
const { ENODEV, EBUSY, EINVAL, ENOENT, EAGAIN } = constants.errno;

/** What was written, as "<file>: <line>". */
const written = () => made.board.kernel.writes.map(({ path, text }) => `${path.split("/").slice(-2).join("/")}: ${text.trimEnd()}`);

inEveryShell((shell) => {
  promise(shell, "rebinds by override, then unbind, then bind, and nothing more", async () => {
    const card = addCard(made.board.kernel);
    const answer = await made.board.apply(shell, toVfio(card));
    expect(answer).toMatchObject({ isComplete: true, code: 0, stderr: "", outcome: { is: "done" } });
    expect(answer.devices[0]).toMatchObject({ driver: "vfio-pci", override: "vfio-pci", journal: "-" });
    expect(written()).toEqual(["0000:00:03.0/driver_override: vfio-pci", "e1000e/unbind: 0000:00:03.0", "vfio-pci/bind: 0000:00:03.0"]);
    expect(card).toMatchObject({ driver: "vfio-pci", override: "vfio-pci" });
  });

  promise(shell, "rebinds a device whose bus has no override, and one whose name has spaces", async () => {
    const { board } = made;
    for (const driver of ["old", "new driver"]) board.kernel.addDriver("mdio_bus", driver);
    const device = board.kernel.addDevice({ bus: "mdio_bus", name: "Fixed MDIO bus.0", driver: "old", matches: ["old", "new driver"] });
    const { outcome } = await board.apply(shell, { wishes: [{ device, driver: "new driver" }] });
    expect(outcome).toEqual({ is: "done" });
    expect(device.driver).toBe("new driver");
  });

  promise(shell, "unbinds to none, binds from none, probes, and sets an override alone", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel);
    expect((await board.apply(shell, { wishes: [{ device: card, driver: null }] })).outcome.is).toBe("done");
    expect(card.driver).toBeNull();
    expect((await board.apply(shell, { wishes: [{ device: card, driver: "e1000e" }] })).outcome.is).toBe("done");
    expect(card.driver).toBe("e1000e");
    card.driver = null;
    const probe = { wishes: [{ device: card, driver: "e1000e" }], steps: [{ device: 0, word: "probe" as const, value: null }] };
    expect((await board.apply(shell, probe)).outcome.is).toBe("done");
    expect(card.driver).toBe("e1000e");
    expect((await board.apply(shell, { wishes: [{ device: card, override: "two words" }] })).outcome.is).toBe("done");
    expect(card).toMatchObject({ driver: "e1000e", override: "two words" });
    expect((await board.apply(shell, { wishes: [{ device: card, override: null }] })).outcome.is).toBe("done");
    expect(card.override).toBeNull();
  });

  promise(shell, "writes names that an echo would read as its own, byte for byte", async () => {
    const { board } = made;
    board.kernel.addDriver("mdio_bus", "d\\n1");
    for (const name of ["-n", "-e \\t", "back\\tslash\\\\c", "$(id)`id`*"]) {
      const device = board.kernel.addDevice({ bus: "mdio_bus", name, driver: null, matches: ["d\\n1"] });
      expect((await board.apply(shell, { wishes: [{ device, driver: "d\\n1" }] })).outcome.is).toBe("done");
      expect(device.driver).toBe("d\\n1");
    }
  });

  promise(shell, "changes several devices as one: all unbound, then all bound; or none of them", async () => {
    const { board } = made;
    const first = addCard(made.board.kernel);
    const second = addCard(made.board.kernel, { name: "0000:00:04.0" });
    const wishes = [toVfio(first).wishes, toVfio(second).wishes].flat();
    second.refuses = { "vfio-pci": EINVAL };
    const refused = await board.apply(shell, { wishes });
    expect(refused.outcome).toMatchObject({ is: "undone", problem: "write", step: "6", word: "bind", device: "1" });
    for (const card of [first, second]) expect(card).toMatchObject({ driver: "e1000e", override: null });
    delete second.refuses;
    board.kernel.writes = [];
    expect((await board.apply(shell, { wishes })).outcome).toEqual({ is: "done" });
    expect(written().map((line) => line.split("/")[1]?.split(":")[0])).toEqual([
      "driver_override",
      "driver_override",
      "unbind",
      "unbind",
      "bind",
      "bind",
    ]);
  });

  promise(shell, "leaves the device with its old driver and override when the new driver refuses it, and quotes the kernel", async () => {
    for (const [word, errno] of [
      ["No such device", ENODEV],
      ["Device or resource busy", EBUSY],
      ["Invalid argument", EINVAL],
      ["No such file or directory", ENOENT],
    ] as const) {
      made.board.reset();
      const card = addCard(made.board.kernel, { override: "e1000e", refuses: { "vfio-pci": errno } });
      const { outcome, devices } = await made.board.apply(shell, toVfio(card));
      expect(outcome).toMatchObject({ is: "undone", problem: "write", step: "3", word: "bind", device: "0" });
      expect(decode(outcome.kernel ?? "-")).toContain(word);
      expect(card).toMatchObject({ driver: "e1000e", override: "e1000e" });
      expect(devices[0]).toMatchObject({ driver: "e1000e", override: "e1000e", journal: "-", claimant: "-" });
    }
  });

  promise(shell, "undoes the override when the unbind is refused", async () => {
    const card = addCard(made.board.kernel);
    made.board.kernel.trap.before = (path) => (path.endsWith("/unbind") ? EAGAIN : undefined);
    const { outcome } = await made.board.apply(shell, toVfio(card));
    expect(outcome).toMatchObject({ is: "undone", word: "unbind" });
    expect(decode(outcome.kernel ?? "-")).toContain("Resource temporarily unavailable");
    expect(card).toMatchObject({ driver: "e1000e", override: null });
  });

  promise(shell, "calls a write that was refused but came true a success", async () => {
    const card = addCard(made.board.kernel);
    made.board.kernel.trap.before = (path, _, count) => {
      if (count === 2) card.driver = null;
      if (path.endsWith("/bind")) card.driver = "vfio-pci";
      return undefined;
    };
    expect((await made.board.apply(shell, toVfio(card))).outcome).toEqual({ is: "done" });
  });

  promise(shell, "undoes when the driver read back is another than was asked for", async () => {
    made.board.hurry();
    const card = addCard(made.board.kernel, { driver: null });
    const probe = { wishes: [{ device: card, driver: "vfio-pci" }], steps: [{ device: 0, word: "probe" as const, value: null }] };
    const { outcome } = await made.board.apply(shell, probe);
    expect(outcome).toMatchObject({ is: "undone", problem: "readback", device: "0", kernel: "e1000e" });
    expect(card.driver).toBeNull();
  });

  promise(shell, "writes nothing where a file to write to is missing", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel);
    board.kernel.addDriver("pci", "built-in", { bindFiles: false });
    const { outcome } = await board.apply(shell, { wishes: [{ device: card, driver: "built-in", override: "built-in" }] });
    expect(outcome).toMatchObject({ is: "undone", problem: "missing", kernel: "/sys/bus/pci/drivers/built-in/bind" });
    expect(board.kernel.writes).toEqual([]);
    const fixed = board.kernel.addDevice({ bus: "pci", name: "fixed", driver: "built-in", override: null, matches: [] });
    expect((await board.apply(shell, { wishes: [{ device: fixed, driver: null }] })).outcome).toMatchObject({
      is: "undone",
      problem: "missing",
    });
    expect(board.kernel.writes).toEqual([]);
    expect(board.stateFiles().filter((name) => !name.startsWith("outcome."))).toEqual([]);
  });

  promise(shell, "keeps the journal when the undo fails, says so, and lets the next wish for that device through", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel, { refuses: { "vfio-pci": EINVAL, e1000e: EBUSY } });
    const { outcome, devices } = await board.apply(shell, { id: "first", ...toVfio(card) });
    expect(outcome).toMatchObject({ is: "stuck", problem: "write", word: "bind", left: "pci%2C0000:00:03.0", undoing: "bind" });
    expect(devices[0]).toMatchObject({ journal: "interrupted", driver: "-" });
    expect(board.stateFiles()).toContain("stuck.first");
    await recoverThenBind(shell, card);
  });

  promise(shell, "writes nothing when the module cannot be loaded, and quotes modprobe", async () => {
    const { board } = made;
    const card = addCard(made.board.kernel);
    board.write("bin/modprobe", "#!/bin/sh\necho modprobe: FATAL: no $2 >&2\nexit 1\n", 0o755);
    const steps = [
      { device: 0, word: "module" as const, value: "bad" },
      { device: 0, word: "override" as const, value: "vfio-pci" },
    ];
    const { outcome } = await board.apply(shell, { wishes: [{ device: card, override: "vfio-pci" }], steps });
    expect(outcome).toMatchObject({ is: "undone", problem: "module", step: "1", word: "module" });
    // busybox ash takes its own modprobe, whatever PATH says.
    expect(decode(outcome.kernel ?? "-")).toMatch(shell.name === "busybox ash" ? /modprobe: / : /FATAL: no bad/);
    expect(board.kernel.writes).toEqual([]);
  });
});

/** The apply that finds a dead writer's stuck journal tries the undo once more; what it was planned from has moved then. */
async function recoverThenBind(shell: Shell, card: Device): Promise<void> {
  const { board } = made;
  delete card.refuses;
  const moved = await board.apply(shell, { wishes: [{ device: { ...card }, driver: "e1000e" }] });
  expect(moved.outcome).toMatchObject({ is: "moved", recovered: "first" });
  expect(card).toMatchObject({ driver: "e1000e", override: null });
  expect(await board.outcome(shell, "first")).toMatchObject({ is: "undone" });
  const next = await board.apply(shell, toVfio(card));
  expect(next.outcome).toEqual({ is: "done" });
  expect(card.driver).toBe("vfio-pci");
}
