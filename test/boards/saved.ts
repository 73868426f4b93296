import { copyFile, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BoardKind } from "./board";
import { cached, hashOf } from "./cache";
import { Console } from "./console";
import { diskIn, layDisk } from "./disk";
import { temporaryFolder } from "./leftovers";
import { imageFiles, qemuMachines } from "./machines";
import { withFreePort } from "./ports";
import { Qemu } from "./qemu";
import { run, type Say, sleep, timed } from "./run";

/** A machine as it was some seconds after its ready word, and what its console showed until then. */
export interface SavedMachine {
  memory: string;
  console: string;
  /** The disk at that time, for a board that has one. */
  disk: string | undefined;
}

/**
 * How long a machine rests before it is saved. A young kernel mixes new entropy into its random numbers once its age has
 * doubled since the last time: rested so long, it does so right after each restore, and no two restored boards give
 * themselves the same boot id.
 */
const restSeconds = 5;

/**
 * Finds the saved machine of this image, or boots it once and saves it. It is good for this QEMU and this command line only.
 * There is none of a machine that QEMU cannot save, and none of user-mode Linux.
 */
export async function saveMachine(kind: BoardKind, image: string, say: Say): Promise<SavedMachine | undefined> {
  if (kind === "uml") return undefined;
  const machine = qemuMachines[kind];
  if (machine.unsavable !== undefined) return undefined;
  const hasDisk = machine.debianPackages !== undefined;
  const version = await run(machine.qemu, ["--version"]);
  const recipe = await Promise.all(["qemu.ts", "saved.ts"].map((file) => readFile(join(__dirname, file))));
  const folder = await cached(`${basename(image)}-saved-${hashOf(version, JSON.stringify(machine), ...recipe)}`, (building) =>
    timed(say, `saved machine for ${kind}`, async () => {
      const working = await temporaryFolder();
      if (hasDisk) await layDisk(imageFiles(image).disk, working);
      const console = new Console(join(working, "console"));
      const qemu = await withFreePort((port) => Qemu.start({ kind, image, folder: working, console, port, machineId: "" }));
      try {
        await timed(say, `${kind} board booted`, () => console.untilReady(0, () => qemu.isRunning));
        await sleep(restSeconds);
        await copyFile(console.path, join(building, "console"));
        await qemu.save(join(building, "memory"));
        if (hasDisk) await copyFile(diskIn(working), diskIn(building));
      } finally {
        await qemu.stop();
        await rm(working, { recursive: true, force: true });
      }
    }),
  );
  return { memory: join(folder, "memory"), console: join(folder, "console"), disk: hasDisk ? diskIn(folder) : undefined };
}
