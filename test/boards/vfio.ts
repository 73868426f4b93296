import { copyFile, cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { cached, hashOf } from "./cache";
import { fetchHeaders, kernelImageOf, make, type Processor } from "./kbuild";
import { fetchNamed, type Packages, unpack } from "./packages";
import { run, type Say, timed } from "./run";

/** What Debian's kernels leave out (armmp all of vfio); the processors' own drivers of a vfio device are left out here. */
const settings = [
  ...["CONFIG_VFIO=m", "CONFIG_VFIO_VIRQFD=m", "CONFIG_VFIO_NOIOMMU=y", "KCFLAGS=-DCONFIG_VFIO_NOIOMMU=1"],
  "CONFIG_VFIO_PLATFORM=m",
  ...["CONFIG_MLX5_VFIO_PCI=", "CONFIG_HISI_ACC_VFIO_PCI=", "CONFIG_VFIO_FSL_MC=", "CONFIG_VFIO_MDEV="],
];
/** vfio-amba for arm64 only: kbuild's programs, made for a PC, take an armhf module's list of amba ids for a broken one. */
const ownSettings: Record<Processor, string[]> = { arm64: ["CONFIG_VFIO_AMBA=m"], armhf: [] };

/**
 * Finds or builds vfio for this kernel: vfio with its mode without IOMMU, vfio-platform, on arm64 vfio-amba, and vfio-pci where the
 * kernel has it; returns the folder of their .ko files. 6.1 refuses a device without a reset function even with reset_required=0: one line is
 * changed to what later kernels do.
 */
export async function buildVfio(processor: Processor, kernel: Packages, say: Say): Promise<string> {
  const headers = await fetchHeaders(processor, kernel, say);
  const recipe = await readFile(__filename);
  return cached(`vfio-${hashOf(recipe, ...headers.files)}`, async (folder) => {
    const source = await findSource(processor, kernel, say);
    await timed(say, `modules of vfio for ${processor}`, async () => {
      const [tree, work] = [join(folder, "headers"), join(folder, "work")];
      await unpack(headers, tree);
      await cp(source, work, { recursive: true });
      await asLaterKernels(join(work, "platform/vfio_platform_common.c"));
      const modules = await make(processor, tree, work, [...settings, ...ownSettings[processor]]);
      for (const file of modules) await copyFile(join(work, file), join(folder, basename(file)));
      for (const used of [tree, work]) await rm(used, { recursive: true });
    });
  });
}

/** Finds or downloads the source of vfio, a folder, as Debian has it for kernels of this release, of any processor. */
async function findSource(processor: Processor, kernel: Packages, say: Say): Promise<string> {
  const release = /^linux-image-(\d+\.\d+)/.exec(kernelImageOf(kernel))?.[1] ?? "";
  const name = `linux-source-${release}`;
  const folder = await cached(`vfio-source-${release}`, (building) =>
    timed(say, "source of vfio", async () => {
      const packages = await fetchNamed([processor], `source-${release}`, say, async () => [name]);
      const unpacked = join(building, "unpacked");
      await unpack(packages, unpacked);
      await rm(packages.folder, { recursive: true }); // it is large, and not needed again
      await run("tar", ["-xJf", join(unpacked, `usr/src/${name}.tar.xz`), "-C", unpacked, `${name}/drivers/vfio`]);
      await rename(join(unpacked, name, "drivers/vfio"), join(building, "vfio"));
      await rm(unpacked, { recursive: true });
    }),
  );
  return join(folder, "vfio");
}

async function asLaterKernels(path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  const changed = text.replace(/(No reset function found[^}]*)return ret;\n}/, "$1return vdev->reset_required ? ret : 0;\n}");
  if (changed === text) throw new Error("vfio_platform_common.c is not what it was in 6.1");
  await writeFile(path, changed);
}
