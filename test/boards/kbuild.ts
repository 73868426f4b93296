import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashOf } from "./cache";
import { fetchNamed, type Packages } from "./packages";
import { run, type Say } from "./run";

/** The processors that modules are built for here: what kbuild calls each, and its cross compiler's prefix. */
const processors = {
  arm64: { kbuildName: "arm64", prefix: "aarch64-linux-gnu-" },
  armhf: { kbuildName: "arm", prefix: "arm-linux-gnueabihf-" },
} as const;

/** Debian's name for such a processor. */
export type Processor = keyof typeof processors;

/** What the cross compiler of this processor calls itself, version and all. */
export const compilerVersion = (processor: Processor) => run(`${processors[processor].prefix}gcc`, ["--version"]);

/**
 * Builds the modules in the folder `work` for a kernel, with its unpacked headers in `tree`, and strips them; returns their paths
 * in that folder. `words` are make's.
 */
export async function make(processor: Processor, tree: string, work: string, words: string[] = []): Promise<string[]> {
  const folders = await readdir(join(tree, "usr/src"));
  const [common, own] = [true, false].map((isCommon) => folders.find((folder) => folder.endsWith("-common") === isCommon));
  if (common === undefined || own === undefined) throw new Error(`the kernel's headers hold only ${folders.join(", ")}`);
  const build = join(tree, "usr/src", own);
  // The headers expect to lie in /usr/src: their Makefile is told where they are instead.
  await writeFile(join(build, "Makefile"), `include ${join(tree, "usr/src", common)}/Makefile\n`);
  const { kbuildName, prefix } = processors[processor];
  const settings = [`ARCH=${kbuildName}`, `CROSS_COMPILE=${prefix}`, `CC=${prefix}gcc`];
  await run("make", ["-C", build, `M=${work}`, ...settings, ...words, "modules"]);
  const modules = (await readdir(work, { recursive: true })).filter((file) => file.endsWith(".ko"));
  for (const file of modules) await run(`${prefix}strip`, ["--strip-debug", join(work, file)]);
  return modules;
}

/** Finds or downloads what a module is built with: the kernel's headers, and kbuild's programs for this machine's own processor. */
export async function fetchHeaders(processor: Processor, kernel: Packages, say: Say): Promise<Packages> {
  const image = kernelImageOf(kernel);
  const [, release, version] = /^linux-image-([^_]+)_([^_]+)_/.exec(image) ?? [];
  const host = (await run("dpkg", ["--print-architecture"])).trim();
  return fetchNamed([processor, host], `headers-${hashOf(image, host)}`, say, async (show) => {
    const headers = `linux-headers-${release}`;
    const needs = /^Depends: (.*)$/m.exec(await show(headers))?.[1] ?? "";
    const [common] = /linux-headers-\S+-common/.exec(needs) ?? [];
    const [kbuild] = /linux-kbuild-[^\s,]+/.exec(needs) ?? [];
    if (common === undefined || kbuild === undefined) {
      throw new Error(`apt no longer has ${headers} ${version}, the headers of the kernel in the cache: delete ${kernel.folder}`);
    }
    return [headers, common, `${kbuild}:${host}`];
  });
}

/** The file name of the kernel's own package. */
export const kernelImageOf = ({ files }: Packages) => files.find((file) => file.startsWith("linux-image-")) ?? "";
