import { copyFile, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Machine } from "./machines";
import { run } from "./run";

/**
 * Copies the machine's modules with what they depend on, and the project's own (folders with .ko files), and indexes them for
 * modprobe; returns the kernel's version.
 */
export async function copyModules(machine: Machine, unpacked: string, tree: string, ownModules: string[]): Promise<string> {
  await mkdir(join(unpacked, "lib"), { recursive: true });
  if (machine.own !== undefined) await rename(join(unpacked, machine.own.modules), join(unpacked, "lib/modules"));
  const [version] = await readdir(join(unpacked, "lib/modules"));
  if (version === undefined) throw new Error(`${machine.kernelPackage} holds no modules`);
  await run("depmod", ["-b", unpacked, version]);
  const [from, to] = [join(unpacked, "lib/modules", version), join(tree, "lib/modules", version)];
  const wanted = await filesOf([...machine.bootModules, ...machine.spareModules], from);
  for (const path of [...wanted, "modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
  }
  await mkdir(join(to, "updates"));
  for (const own of ownModules) {
    for (const file of await readdir(own)) await copyFile(join(own, file), join(to, "updates", file));
  }
  await run("depmod", ["-b", tree, version]);
  return version;
}

/** The module files under this folder that these modules are, and need. Refuses a name that this kernel doesn't know. */
async function filesOf(modules: string[], folder: string): Promise<Set<string>> {
  const builtIn = (await readFile(join(folder, "modules.builtin"), "utf8")).split("\n").map(moduleName);
  const known = new Map<string, string[]>(builtIn.map((name) => [name, []]));
  for (const line of (await readFile(join(folder, "modules.dep"), "utf8")).trim().split("\n")) {
    const [path = "", needs = ""] = line.split(":");
    known.set(moduleName(path), [path, ...needs.split(" ").filter((need) => need !== "")]);
  }
  return new Set(
    modules.flatMap((module) => {
      const files = known.get(moduleName(module));
      if (files === undefined) throw new Error(`the kernel in ${folder} has no module ${module}`);
      return files;
    }),
  );
}

/** A file's name for modprobe: `vfio-pci.ko.xz` is `vfio_pci`. */
function moduleName(path: string): string {
  const name = basename(path).replace(/\.ko(\.\w+)?$/, "");
  return name.replaceAll("-", "_");
}
