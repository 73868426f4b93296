import { expect, test } from "vitest";
import { closeIdleConnections } from "../../provider/ssh/pool";
import { onBoard } from "../kernel/bench";
import { connectionTo, refusalOf } from "../kernel/binding";
import { stateOf } from "../kernel/eyes";

const rng = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci", timeoutSeconds: 30 };

onBoard("arm64", "a board that reboots", (bench) => {
  const patient = { dialErrorLimit: 10, perDialTimeout: 15 };

  test("is waited for, with the dials and the time that the connection allows", async () => {
    const binding = bench.binding({ ...rng, connection: { ...connectionTo(bench.board), ...patient } });
    await bench.board.powerOff();
    const [created] = await Promise.all([binding.create(), bench.board.powerOn()]);
    expect(created).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e" });
    expect(await stateOf(bench.board, ["pci", rng.device])).toEqual({ driver: "vfio-pci", override: "vfio-pci" });
    bench.isSpoilt = true;
  });

  test("is given up when it stays off, after as many dials as are allowed, in words that say so", async () => {
    await closeIdleConnections();
    await bench.board.powerOff();
    const binding = bench.binding({ ...rng, connection: { ...connectionTo(bench.board), dialErrorLimit: 3, perDialTimeout: 2 } });
    expect(await refusalOf(binding.create())).toMatch(
      /^Cannot reach root@127\.0\.0\.1:\d+: .* \(after 3 dials\)\. Nothing was sent to the board\./,
    );
    await bench.board.powerOn();
    bench.isSpoilt = true;
  });
});
