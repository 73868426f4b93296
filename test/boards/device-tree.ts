import { join } from "node:path";
import { cached, hashOf } from "./cache";
import { qemuMachines } from "./machines";
import { run, type Say, timed } from "./run";

/** Properties to set in a device tree, by the path of their node: strings, or a number. */
export type TreeProperties = Record<string, Record<string, string[] | number>>;

/** Finds or makes the device tree that QEMU itself makes for the arm64 board, with these properties set in it; returns its file. */
export async function changedTree(properties: TreeProperties, say: Say): Promise<string> {
  const { qemu, devices } = qemuMachines.arm64;
  const version = await run(qemu, ["--version"]);
  const folder = await cached(`tree-${hashOf(version, JSON.stringify([devices, properties]))}`, (building) =>
    timed(say, "device tree for arm64", async () => {
      const path = join(building, "board.dtb");
      await run(qemu, [...devices, "-nodefaults", "-display", "none", "-machine", `dumpdtb=${path}`]);
      for (const [node, changes] of Object.entries(properties)) {
        for (const [name, value] of Object.entries(changes)) {
          const words = typeof value === "number" ? ["-t", "u", path, node, name, `${value}`] : ["-t", "s", path, node, name, ...value];
          await run("fdtput", words);
        }
      }
    }),
  );
  return join(folder, "board.dtb");
}
