import { expect, test } from "vitest";
import { onBoard } from "./bench";
import { refusalOf } from "./binding";
import { type DeviceName, driverOf, events, moveByHand, stateOf } from "./eyes";

const card: DeviceName = ["platform", "uml-vector.1"];
const found = { driver: "uml-vector", override: null };
const kept = { driver: null, override: null };
const free = { bus: "platform", device: "uml-vector.1", driver: null };

onBoard("uml", "spare cards that are kept without a driver", (bench) => {
  test("takes the card from its driver, gives it back when the program says so, and sends no event when nothing changes", async () => {
    const { board } = bench;
    const binding = bench.binding(free);
    expect(await binding.create()).toMatchObject({ currentDriver: null, previousDriver: "uml-vector", previousOverride: null });
    expect(await stateOf(board, card)).toEqual(kept);
    const before = await events(board);
    await binding.update();
    expect(await events(board), "an update that changes nothing").toBe(before);
    expect(await binding.update({ driver: "uml-vector" })).toMatchObject({ currentDriver: "uml-vector", previousDriver: "uml-vector" });
    expect(await driverOf(board, card)).toBe("uml-vector");
    await binding.delete();
    expect(await stateOf(board, card)).toEqual(found);
  });

  test("sees on refresh that somebody bound the card by hand, and takes it away again on update", async () => {
    const { board } = bench;
    const binding = bench.binding(free);
    await binding.create();
    expect(await binding.read()).toMatchObject({ currentDriver: null });
    await moveByHand(board, card, "uml-vector");
    expect(await binding.read()).toMatchObject({ currentDriver: "uml-vector" });
    await binding.update();
    expect(await driverOf(board, card)).toBeNull();
    await binding.delete();
    expect(await stateOf(board, card)).toEqual(found);
  });

  test("undoes a move to a driver that refuses the card, and says what the kernel said", async () => {
    const binding = bench.binding({ ...free, driver: "uio_pdrv_genirq", module: "uio_pdrv_genirq" });
    expect(await refusalOf(binding.create())).toMatch(
      /to "uio_pdrv_genirq": the kernel refused the write to bind \(EINVAL\). uml-vector.1 is back with "uml-vector"/,
    );
    expect(await stateOf(bench.board, card)).toEqual(found);
  });

  test("refuses the card that carries the session, without an event", async () => {
    const before = await events(bench.board);
    const binding = bench.binding({ ...free, device: "uml-vector.0" });
    expect(await refusalOf(binding.create())).toContain("The device carries the network card vec0, which carries this SSH session");
    expect(await events(bench.board)).toBe(before);
  });

  test("binds a kept card again after a reset, when the boot has given it its driver", async () => {
    const { board } = bench;
    const binding = bench.binding(free);
    await binding.create();
    await bench.reset();
    expect(await driverOf(board, card)).toBe("uml-vector");
    expect(await binding.read()).toMatchObject({ currentDriver: "uml-vector" });
    await binding.update();
    expect(await driverOf(board, card)).toBeNull();
    await binding.delete();
    expect(await stateOf(board, card)).toEqual(found);
  });
});
