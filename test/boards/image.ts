import { chmod, copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BoardKind } from "./board";
import { cached, exists, hashOf } from "./cache";
import { buildDebian } from "./debian";
import type { Keys } from "./keys";
import { imageFiles, type Machine, machines } from "./machines";
import { copyModules } from "./modules";
import { fetchPackages, unpack } from "./packages";
import { buildRogue } from "./rogue";
import { run, type Say, timed } from "./run";

/** Finds or builds what boots on this kind of board: kernel, initramfs, device tree, disk; returns their folder. */
export async function buildImage(kind: BoardKind, keys: Keys, say: Say): Promise<string> {
  const machine = machines[kind];
  if (machine.debianPackages !== undefined) return buildDebian(machine, machine.debianPackages, keys, say);
  const packages = await fetchPackages(machine.architecture, machine.kernelPackage, machine.packages ?? [], say);
  const ownModules = machine.hasRogue === true ? [await buildRogue(packages, say)] : [];
  const init = await readFile(join(__dirname, "init.sh"));
  const recipe = await Promise.all(["image.ts", "machines.ts", "modules.ts"].map((file) => readFile(join(__dirname, file))));
  const name = `${kind}-${hashOf(init, ...recipe, keys.userPublicKey, keys.hostPublicKey, ...packages.files, ...ownModules)}`;
  return cached(name, (folder) =>
    timed(say, `image for ${kind}`, async () => {
      const files = imageFiles(folder);
      const unpacked = join(folder, "unpacked");
      const tree = join(folder, "tree");
      await unpack(packages, unpacked);
      await layOut(tree, unpacked, init, keys);
      for (const program of machine.programs ?? []) await copyWithLibraries(await found(unpacked, program), unpacked, tree);
      const version = await copyModules(machine, unpacked, tree, ownModules);
      await writeFile(join(tree, "etc/modules"), machine.bootModules.map((module) => `${module}\n`).join(""));
      const pack = 'find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1 >"$1"';
      await run("sh", ["-c", pack, "sh", files.initramfs], { cwd: tree });
      await copyFile(join(unpacked, machine.own?.kernel ?? `boot/vmlinuz-${version}`), files.kernel);
      await copyDeviceTree(machine, join(unpacked, `usr/lib/linux-image-${version}`), files.deviceTree);
      await rm(unpacked, { recursive: true });
      await rm(tree, { recursive: true });
    }),
  );
}

async function layOut(tree: string, unpacked: string, init: Buffer, keys: Keys): Promise<void> {
  const folders = "bin sbin usr/bin usr/sbin lib proc sys dev run tmp mnt var etc/dropbear root/.ssh";
  for (const folder of folders.split(" ")) await mkdir(join(tree, folder), { recursive: true });
  await symlink("lib", join(tree, "lib64")); // where programs for x86-64 look for their loader
  const files: Record<string, string> = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/shells": "/bin/sh\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "root/.ssh/authorized_keys": `${keys.userPublicKey}\n`,
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(tree, path), text);
  await writeFile(join(tree, "init"), init, { mode: 0o755 });
  await copyFile(keys.dropbearKeyPath, join(tree, "etc/dropbear/host_key"));
  for (const path of ["etc/dropbear/host_key", "etc/shadow", "root/.ssh/authorized_keys"]) await chmod(join(tree, path), 0o600);
  for (const path of ["root", "root/.ssh"]) await chmod(join(tree, path), 0o700);
  await copyFile(await found(unpacked, "bin/busybox"), join(tree, "bin/busybox"));
  await copyWithLibraries(await found(unpacked, "sbin/dropbear"), unpacked, tree);
}

/** Debian moved its programs under usr between releases. */
async function found(unpacked: string, path: string): Promise<string> {
  for (const candidate of [join(unpacked, path), join(unpacked, "usr", path)]) {
    if (await exists(candidate)) return candidate;
  }
  throw new Error(`the packages hold no ${path}`);
}

/** Copies a program, and to /lib the libraries it needs: an ELF file names each as a string of its own. */
async function copyWithLibraries(program: string, unpacked: string, tree: string): Promise<void> {
  const libraries = new Map<string, string>();
  for (const entry of await readdir(unpacked, { recursive: true })) {
    if (/^(usr\/)?lib\/([^/]+\/)?[^/]+\.so\.[^/]+$/.test(entry)) libraries.set(basename(entry), join(unpacked, entry));
  }
  const target = join(tree, "usr/sbin", basename(program));
  await copyFile(program, target);
  const toRead = [await readFile(target)];
  for (let bytes = toRead.pop(); bytes !== undefined; bytes = toRead.pop()) {
    for (const [name, path] of libraries) {
      if (!bytes.includes(`\0${name}\0`)) continue;
      libraries.delete(name);
      const library = await readFile(path);
      await writeFile(join(tree, "lib", name), library, { mode: 0o755 });
      toRead.push(library);
    }
  }
}

async function copyDeviceTree(machine: Machine, trees: string, target: string): Promise<void> {
  if (machine.deviceTree === undefined) return;
  await copyFile(join(trees, machine.deviceTree.name), target);
  await machine.deviceTree.change(target);
}
