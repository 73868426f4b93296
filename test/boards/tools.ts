import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { toolPath } from "./run";

/** The programs that boards need, and the Debian package each is in. */
const packageOf: Record<string, string> = {
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-system-arm": "qemu-system-arm",
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  mmdebstrap: "mmdebstrap",
  mke2fs: "e2fsprogs",
  fdtput: "device-tree-compiler",
  "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
  "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf",
  make: "make",
  cpio: "cpio",
  depmod: "kmod",
  gzip: "gzip",
  xz: "xz-utils",
  dropbearconvert: "dropbear-bin",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  setpriv: "util-linux",
  flock: "util-linux",
};

/** What is missing here and the command that brings it, or undefined. */
export async function missingTools(): Promise<string | undefined> {
  if (process.platform !== "linux") return "boards are built with Linux tools: use a Debian machine, container or virtual machine";
  if (!(await isInstalled("apt-get")) || !(await isInstalled("dpkg-deb"))) {
    return "boards are built from Debian packages, and apt-get or dpkg-deb is missing: use Debian or one of its children";
  }
  const missing: string[] = [];
  for (const tool of Object.keys(packageOf)) if (!(await isInstalled(tool))) missing.push(tool);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((tool) => packageOf[tool]))].join(" ");
  return `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing: apt-get install ${packages} (or test/boards/install-tools.sh)`;
}

/** What a whole Debian needs beyond programs, or undefined: mmdebstrap mounts, makes device files, and runs what it installs. */
export function whyNoDebian(): string | undefined {
  if (process.arch !== "x64") return "a whole Debian is installed with programs for x86-64: use such a machine";
  if (process.getuid?.() !== 0) return "a whole Debian is installed by root: run the tests as root, or without this board";
  return undefined;
}

async function isInstalled(tool: string): Promise<boolean> {
  for (const folder of toolPath.split(":")) {
    const found = await access(join(folder, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
