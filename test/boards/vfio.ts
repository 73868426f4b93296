import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { cached, hashOf } from "./cache";
import { fetchNamed, type Packages, unpack } from "./packages";
import { crossPrefix, fetchHeaders, make } from "./rogue";
import { run, type Say, timed } from "./run";

/** What Debian's kernels leave out; the processors' own drivers of a vfio device are left out here. */
const settings = [
  ...["CONFIG_VFIO_NOIOMMU=y", "CONFIG_VFIO_PLATFORM=m", "CONFIG_VFIO_AMBA=m", "KCFLAGS=-DCONFIG_VFIO_NOIOMMU=1"],
  ...["CONFIG_MLX5_VFIO_PCI=", "CONFIG_HISI_ACC_VFIO_PCI=", "CONFIG_VFIO_FSL_MC=", "CONFIG_VFIO_MDEV="],
];

/**
 * Finds or builds all of vfio for this arm64 kernel: vfio with its mode without IOMMU, vfio-pci, vfio-platform and vfio-amba; returns
 * the folder of their .ko files. 6.1 refuses a device without a reset function even with reset_required=0: one line is changed to
 * what later kernels do.
 */
export async function buildVfio(kernel: Packages, say: Say): Promise<string> {
  const headers = await fetchHeaders(kernel, say);
  const image = kernel.files.find((file) => file.startsWith("linux-image-")) ?? "";
  const release = /^linux-image-(\d+\.\d+)/.exec(image)?.[1] ?? "";
  const recipe = await readFile(__filename);
  return cached(`vfio-${hashOf(recipe, ...headers.files)}`, (folder) =>
    timed(say, "modules of vfio", async () => {
      const [tree, work] = [join(folder, "headers"), join(folder, "work")];
      await unpack(headers, tree);
      const source = await fetchNamed(["arm64"], `source-${hashOf(image)}`, say, async () => [`linux-source-${release}`]);
      await unpack(source, work);
      await rm(source.folder, { recursive: true }); // it is large, and not needed again
      const name = `linux-source-${release}`;
      await run("tar", ["-xJf", join(work, `usr/src/${name}.tar.xz`), "-C", work, `${name}/drivers/vfio`]);
      const vfio = join(work, name, "drivers/vfio");
      await asLaterKernels(join(vfio, "platform/vfio_platform_common.c"));
      await make(tree, vfio, settings);
      const modules = (await readdir(vfio, { recursive: true })).filter((file) => file.endsWith(".ko"));
      for (const file of modules) {
        await run(`${crossPrefix}strip`, ["--strip-debug", join(vfio, file)]);
        await copyFile(join(vfio, file), join(folder, basename(file)));
      }
      for (const used of [tree, work]) await rm(used, { recursive: true });
    }),
  );
}

async function asLaterKernels(path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  const changed = text.replace(/(No reset function found[^}]*)return ret;\n}/, "$1return vdev->reset_required ? ret : 0;\n}");
  if (changed === text) throw new Error("vfio_platform_common.c is not what it was in 6.1");
  await writeFile(path, changed);
}
