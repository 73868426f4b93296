import type { Board } from "../boards/board";
import { machines } from "../boards/machines";
import { fetchPackages } from "../boards/packages";
import { run } from "../boards/run";
import { buildVfio } from "../boards/vfio";

/**
 * Puts a vfio of our own on an arm64 board, in the place of Debian's, until its next boot: with the mode without IOMMU, and with
 * vfio-platform and vfio-amba. None of it is loaded yet.
 */
export async function installVfio(board: Board): Promise<void> {
  const { architecture, kernelPackage, packages = [] } = machines.arm64;
  const kernel = await fetchPackages(architecture, kernelPackage, packages, console.log);
  const folder = await buildVfio(kernel, console.log);
  await board.shell('find /lib/modules/*/ -name "vfio*.ko" -exec rm {} +');
  const unpack = 'tar -xz -C "/lib/modules/$(uname -r)/updates" && depmod';
  const options = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
  const words = [folder, board.privateKeyPath, String(board.port), `${board.user}@${board.host}`, unpack];
  await run("sh", ["-c", `cd "$1" && tar -cz *.ko | ssh ${options} -i "$2" -p "$3" "$4" "$5"`, "sh", ...words]);
}
