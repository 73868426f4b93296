import type { Board } from "../boards/board";
import { machines } from "../boards/machines";
import { fetchPackages } from "../boards/packages";
import { run, type Say } from "../boards/run";
import { buildVfio } from "../boards/vfio";

/**
 * Puts a vfio of our own on an arm64 or exynos board, in the place of Debian's, until its next boot: with the mode without IOMMU, and
 * with vfio-platform, on arm64 vfio-amba. None of it is loaded yet.
 */
export async function installVfio(board: Board, say: Say = console.log): Promise<void> {
  const { architecture, kernelPackage, packages = [] } = machines[board.kind];
  if (architecture === "amd64") throw new Error("no vfio is built for amd64");
  const kernel = await fetchPackages(architecture, kernelPackage, packages, say);
  const folder = await buildVfio(architecture, kernel, say);
  await board.shell('find /lib/modules/*/ -name "vfio*.ko" -exec rm {} +');
  const unpack = 'tar -xz -C "/lib/modules/$(uname -r)/updates" && depmod';
  const options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
  const words = [folder, board.privateKeyPath, String(board.port), `${board.user}@${board.host}`, unpack];
  await run("sh", ["-c", `cd "$1" && tar -cz *.ko | ssh ${options} -i "$2" -p "$3" "$4" "$5"`, "sh", ...words]);
}

const modules = "vfio_platform vfio_amba vfio_platform_base vfio_pci vfio_pci_core vfio_virqfd vfio_iommu_type1 vfio";

/** Unloads all of vfio that nobody uses. */
export const unloadVfio = (board: Board) => board.shell(`for module in ${modules}; do rmmod $module 2>/dev/null; done; true`);
