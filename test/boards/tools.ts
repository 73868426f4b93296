import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { runToEnd, toolPath } from "./run";

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
  unshare: "util-linux",
  ip: "iproute2",
  socat: "socat",
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

/** What user-mode Linux needs beyond programs, or undefined: it is a program for x86-64, and its card a cable in a network of its own. */
export async function whyNoUml(): Promise<string | undefined> {
  if (process.arch !== "x64") return "Debian has user-mode Linux for x86-64 only: use such a machine";
  const ended = await runToEnd("unshare", [...asRoot(), "--net", "ip", "tuntap", "add", "tap0", "mode", "tap"]);
  if (ended.exitCode === 0) return undefined;
  const remedy = "run the tests as root, or allow users their own namespaces; a container needs /dev/net/tun (docker run --device)";
  return `user-mode Linux needs a network namespace with a tap in it (${ended.stderr.trim()}): ${remedy}`;
}

/** What `unshare` is told before it makes namespaces: anybody but root becomes root of a user namespace first. */
export const asRoot = () => (process.getuid?.() === 0 ? [] : ["--map-root-user"]);

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
