import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { cached, hashOf } from "./cache";
import { compilerVersion, fetchHeaders, make } from "./kbuild";
import { type Packages, unpack } from "./packages";
import { type Say, timed } from "./run";

const source = join(__dirname, "rogue");

/**
 * Finds or builds devbind_rogue.ko, the driver that behaves badly on demand (see rogue/devbind_rogue.c), for this arm64 kernel;
 * returns its folder. Needs Debian's cross compiler; the kernel's headers are downloaded, never installed. Refuses a kernel
 * whose headers apt no longer has.
 */
export async function buildRogue(kernel: Packages, say: Say): Promise<string> {
  const headers = await fetchHeaders("arm64", kernel, say);
  const sources = await Promise.all((await readdir(source)).sort().map((file) => readFile(join(source, file))));
  const recipe = await readFile(__filename);
  const compiler = await compilerVersion("arm64");
  return cached(`rogue-${hashOf(recipe, compiler, ...sources, ...headers.files)}`, (folder) =>
    timed(say, "module devbind_rogue", async () => {
      const [tree, work] = [join(folder, "headers"), join(folder, "work")];
      await unpack(headers, tree);
      await mkdir(work);
      for (const file of await readdir(source)) await copyFile(join(source, file), join(work, file));
      await make("arm64", tree, work);
      await copyFile(join(work, "devbind_rogue.ko"), join(folder, "devbind_rogue.ko"));
      for (const used of [tree, work]) await rm(used, { recursive: true });
    }),
  );
}
