import { copyFile, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { cached, hashOf } from "./cache";
import type { Keys } from "./keys";
import { cardAddress, imageFiles, type Machine } from "./machines";
import { run, type Say, timed } from "./run";

/** A user of the debian board, besides root: the same key lets it in; `sudo` asks for the password, `doas` for nothing. */
export const operator = { user: "operator", password: "devbind-operator" };

/** Many times the size of what is in it: the rest is a hole in the file. */
const diskSize = "2G";
/** Nobody reads them on a board. */
const leftOut = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"];

/** Finds or builds a whole Debian on a disk, of the release and from the apt sources of this machine. Refuses without root. */
export async function buildDebian(machine: Machine, packages: string[], keys: Keys, say: Say): Promise<string> {
  const setup = await readFile(join(__dirname, "debian-setup.sh"), "utf8");
  const recipe = await readFile(__filename);
  const wanted = JSON.stringify([machine.kernelPackage, machine.bootModules, packages]);
  return cached(`debian-${hashOf(setup, recipe, wanted, keys.userPublicKey, keys.hostPublicKey)}`, (folder) =>
    timed(say, "image for debian", async () => {
      const files = imageFiles(folder);
      const tree = join(folder, "tree");
      await timed(say, "downloading and installing Debian (about 150 MB)", () => install(machine, packages, tree));
      await run("chroot", [tree, "sh", "-s", keys.userPublicKey, operator.password, cardAddress], { input: setup });
      await copyFile(keys.hostPrivateKeyPath, join(tree, "etc/ssh/ssh_host_ed25519_key"));
      for (const name of await readdir(join(tree, "boot"))) {
        if (name.startsWith("vmlinuz-")) await copyFile(join(tree, "boot", name), files.kernel);
        if (name.startsWith("initrd.img-")) await copyFile(join(tree, "boot", name), files.initramfs);
      }
      await run("mke2fs", ["-q", "-t", "ext4", "-E", "lazy_itable_init=1", "-d", tree, files.disk, diskSize]);
      await rm(tree, { recursive: true });
    }),
  );
}

/** Installs Debian to a folder. What it mounts there it mounts for itself only, and it ends with this process. */
async function install(machine: Machine, packages: string[], tree: string): Promise<void> {
  const { codename, sources } = await ownSources();
  const settings = `"$1/usr/share/initramfs-tools"`; // read when the kernel's package makes its initramfs
  const modules = `printf '%s\\n' ${machine.bootModules.join(" ")} >${settings}/modules.d/board`;
  const hook = `mkdir -p ${settings}/conf.d ${settings}/modules.d; echo MODULES=list >${settings}/conf.d/board; ${modules}`;
  await run("setpriv", [
    ...["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"],
    ...leftOut.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--essential-hook=${hook}`,
    `--include=${[machine.kernelPackage, ...packages].join(",")}`,
    ...[codename, tree, ...sources],
  ]);
}

/** The release of this machine, and Debian's own among its apt sources. Refuses a machine that has none. */
async function ownSources(): Promise<{ codename: string; sources: string[] }> {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1] ?? "";
  const format = "$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)";
  const listed = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const sources = listed.split("\n").flatMap((line) => {
    const [origin = "", uri, release = "", component] = line.split(" ");
    const isDebian = origin === "Debian" || origin.startsWith("$"); // not known before the first apt-get update
    return isDebian && component === "main" && release.split("-")[0] === codename ? [`deb ${uri} ${release} main`] : [];
  });
  if (codename === "" || sources.length === 0) throw new Error("apt's sources on this machine hold no main of Debian's own release");
  return { codename, sources: [...new Set(sources)] };
}
