import { expect, test } from "vitest";
import type { Board } from "../boards/board";
import { emptyPorts } from "../boards/machines";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const first: DeviceName = ["pci", "0000:01:00.0"];
const second: DeviceName = ["pci", "0000:02:00.0"];
const byId = { bus: "pci", device: { pciId: "1af4:1043" }, driver: "vfio-pci", claimant: "org/lab/dev/card" };
const claims = (board: Board) => board.shell("cd /run/devbind/* && ls | grep claim || true");

/** Waits until a file of the board is there, or is not there. */
const until = (board: Board, test: string) =>
  board.shell(`tries=300; until ${test}; do tries=$((tries - 1)); [ "$tries" -gt 0 ] || exit 1; usleep 100000; done`);
const folder = ([bus, name]: DeviceName) => `/sys/bus/${bus}/devices/${name}`;

/** A card of one kind in the port named, on the driver that the kernel gives it. */
async function plugIn(board: Board, port: "first" | "second"): Promise<void> {
  await board.plug({ driver: "virtio-serial-pci", id: `card-${port}`, bus: `${port}-port` });
  await until(board, `[ -e ${folder(port === "first" ? first : second)}/driver ]`);
}

async function pullOut(board: Board, port: "first" | "second"): Promise<void> {
  await board.unplug(`card-${port}`);
  await until(board, `[ ! -e ${folder(port === "first" ? first : second)} ]`);
}

const options = { spareDevices: emptyPorts };

onBoard(
  "arm64",
  "a card that is plugged into another port",
  (bench) => {
    test("is found at its new address: an update binds it there, with its past, and the claim follows it", async () => {
      const { board } = bench;
      await plugIn(board, "first");
      const binding = bench.binding(byId);
      expect(await binding.create()).toMatchObject({ deviceName: first[1], previousDriver: "virtio-pci" });
      expect(await claims(board)).toBe("claim.pci,0000:01:00.0");
      await pullOut(board, "first");
      expect(await binding.read(), "nothing has its id now").toBeUndefined();
      await plugIn(board, "second");
      expect(await binding.read()).toMatchObject({ deviceName: second[1], currentDriver: "virtio-pci" });
      expect(await binding.update()).toMatchObject({ deviceName: second[1], currentDriver: "vfio-pci", previousDriver: "virtio-pci" });
      expect(await claims(board)).toBe("claim.pci,0000:02:00.0");
      await binding.delete();
      expect(await stateOf(board, second)).toEqual({ driver: "virtio-pci", override: null });
      await pullOut(board, "second");
    });

    test("is let go without a write when it is given up before it was bound there, and so is our claim on the old place", async () => {
      const { board } = bench;
      await plugIn(board, "first");
      const binding = bench.binding(byId);
      await binding.create();
      await pullOut(board, "first");
      await plugIn(board, "second");
      await bench.writes();
      await binding.delete();
      expect(await bench.writes()).toEqual([]);
      expect(await claims(board)).toBe("");
      await pullOut(board, "second");
    });

    /** Bound in the first port by a new id, of which vfio-pci (loaded before, so that it stays) is told; then pulled out. */
    const boundAndPulled = async () => {
      await bench.board.shell("modprobe vfio-pci");
      await plugIn(bench.board, "first");
      const binding = bench.binding({ ...byId, strategy: "new-id" });
      expect(await binding.create()).toMatchObject({ deviceName: first[1], currentDriver: "vfio-pci", driverOverride: null });
      await pullOut(bench.board, "first");
      return binding;
    };
    const removeId = "echo 1af4 1043 2>&1 >/sys/bus/pci/drivers/vfio-pci/remove_id || true";

    test("takes its new id along, which is taken back when it is given up at its new address", async () => {
      const { board } = bench;
      const binding = await boundAndPulled();
      await plugIn(board, "second");
      expect(await binding.update()).toMatchObject({ deviceName: second[1], currentDriver: "vfio-pci", previousDriver: "virtio-pci" });
      await binding.delete();
      expect(await stateOf(board, second)).toEqual({ driver: "virtio-pci", override: null });
      expect([await claims(board), await board.shell(removeId)]).toEqual(["", expect.stringContaining("No such device")]);
      await pullOut(board, "second");
    });

    test("leaves neither its claim nor its new id behind when it is given up while it is gone", async () => {
      const binding = await boundAndPulled();
      expect(await claims(bench.board)).toBe("claim.pci,0000:01:00.0");
      await binding.delete();
      expect([await claims(bench.board), await bench.board.shell(removeId)]).toEqual(["", expect.stringContaining("No such device")]);
    });

    test("is given back among two of its kind, since the state knows which it was; an update refuses both", async () => {
      const { board } = bench;
      await plugIn(board, "first");
      const binding = bench.binding(byId);
      await binding.create();
      await plugIn(board, "second");
      expect(await binding.read()).toMatchObject({ deviceName: first[1], currentDriver: "vfio-pci" });
      await expect(binding.update({ triggers: [1] })).rejects.toThrow(
        'The bus pci has 2 devices with pciId "1af4:1043": 0000:01:00.0 (vfio-pci), 0000:02:00.0 (virtio-pci). Nothing was written.',
      );
      await binding.delete();
      expect(await stateOf(board, first)).toEqual({ driver: "virtio-pci", override: null });
      for (const port of ["first", "second"] as const) await pullOut(board, port);
    });
  },
  options,
);
