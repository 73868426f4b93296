import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, hashOf } from "./cache";
import { fetchNamed, type Packages, unpack } from "./packages";
import { run, type Say, timed } from "./run";

const source = join(__dirname, "rogue");
/** The cross compiler's prefix for each processor that a kernel is built for here. */
export const crossPrefix = "aarch64-linux-gnu-";

/**
 * Finds or builds devbind_rogue.ko, the driver that behaves badly on demand (see rogue/devbind_rogue.c), for this arm64 kernel;
 * returns its folder. Needs Debian's cross compiler; the kernel's headers are downloaded, never installed. Refuses a kernel
 * whose headers apt no longer has.
 */
export async function buildRogue(kernel: Packages, say: Say): Promise<string> {
  const headers = await fetchHeaders(kernel, say);
  const sources = await Promise.all((await readdir(source)).sort().map((file) => readFile(join(source, file))));
  const recipe = await readFile(__filename);
  const compiler = await run(`${crossPrefix}gcc`, ["--version"]);
  return cached(`rogue-${hashOf(recipe, compiler, ...sources, ...headers.files)}`, (folder) =>
    timed(say, "module devbind_rogue", async () => {
      const [tree, work] = [join(folder, "headers"), join(folder, "work")];
      await unpack(headers, tree);
      await mkdir(work);
      for (const file of await readdir(source)) await copyFile(join(source, file), join(work, file));
      await make(tree, work);
      await run(`${crossPrefix}strip`, ["--strip-debug", join(work, "devbind_rogue.ko")]);
      await copyFile(join(work, "devbind_rogue.ko"), join(folder, "devbind_rogue.ko"));
      for (const used of [tree, work]) await rm(used, { recursive: true });
    }),
  );
}

/** The headers expect to lie in /usr/src: their Makefile is told where they are instead. */
export async function make(tree: string, work: string, words: string[] = []): Promise<void> {
  const folders = await readdir(join(tree, "usr/src"));
  const [common, own] = [true, false].map((isCommon) => folders.find((folder) => folder.endsWith("-common") === isCommon));
  if (common === undefined || own === undefined) throw new Error(`the kernel's headers hold only ${folders.join(", ")}`);
  const build = join(tree, "usr/src", own);
  await writeFile(join(build, "Makefile"), `include ${join(tree, "usr/src", common)}/Makefile\n`);
  const settings = ["ARCH=arm64", `CROSS_COMPILE=${crossPrefix}`, `CC=${crossPrefix}gcc`];
  await run("make", ["-C", build, `M=${work}`, ...settings, ...words, "modules"]);
}

/** What a module is built with: the kernel's headers, and kbuild's programs for this machine's own processor. */
export async function fetchHeaders(kernel: Packages, say: Say): Promise<Packages> {
  const image = kernel.files.find((file) => file.startsWith("linux-image-")) ?? "";
  const [, release, version] = /^linux-image-([^_]+)_([^_]+)_/.exec(image) ?? [];
  const host = (await run("dpkg", ["--print-architecture"])).trim();
  return fetchNamed(["arm64", host], `headers-${hashOf(image, host)}`, say, async (show) => {
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
