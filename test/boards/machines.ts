import { join } from "node:path";
import type { BoardKind } from "./board";
import type { Architecture } from "./packages";
import { run } from "./run";

/** What makes one kind of board: its packages, its modules, its QEMU. */
export interface Machine {
  architecture: Architecture;
  /** Debian's meta package of the kernel. */
  kernelPackage: string;
  /** Put into the image with what they depend on, and loaded at boot, in this order. */
  bootModules: string[];
  /** Put into the image with what they depend on; loaded by whoever wants them. */
  spareModules: string[];
  qemu: string;
  /** Machine, processor, memory and spare devices; a saved machine is only good for the same list. */
  devices: string[];
  kernelArguments: string;
  /** Gives the session's card its place; `netdev` is the QEMU user network's options. */
  card: (netdev: string) => string[];
  /** The device tree's name in the kernel package, and what is changed in it; QEMU makes its own where there is none. */
  deviceTree?: { name: string; change: (path: string) => Promise<void> };
}

/** The session's card on every board. The network behind it is the board's alone, so one address serves all. */
export const cardAddress = "52:54:00:db:00:01";

const arm64: Machine = {
  architecture: "arm64",
  kernelPackage: "linux-image-arm64",
  bootModules: ["virtio_mmio", "virtio_net", "virtio_pci", "virtio_rng", "qemu_fw_cfg", "gpio_keys", "e1000e"],
  spareModules: ["vfio", "vfio_iommu_type1", "vfio_pci", "uio_pci_generic", "pci_stub"],
  qemu: "qemu-system-aarch64",
  devices: [
    ...["-M", "virt,iommu=smmuv3,gic-version=3", "-cpu", "cortex-a57", "-smp", "1", "-m", "384"],
    ...["-device", "virtio-rng-device"],
    ...["-device", "e1000e,addr=01.0,romfile=,mac=52:54:00:db:01:01"],
    ...["-device", "e1000e,addr=02.0,romfile=,mac=52:54:00:db:01:02"],
    ...["-device", "edu,addr=03.0"],
    ...["-device", "virtio-net-pci,addr=04.0,romfile=,mac=52:54:00:db:01:03"],
    ...["-device", "virtio-rng-pci,addr=05.0"],
  ],
  kernelArguments: "console=ttyAMA0",
  card: (netdev) => ["-netdev", `${netdev},id=session`, "-device", `virtio-net-device,netdev=session,mac=${cardAddress}`],
};

const exynos: Machine = {
  architecture: "armhf",
  kernelPackage: "linux-image-armmp",
  bootModules: ["smsc", "smsc911x", "i2c-s3c2410"],
  spareModules: ["i2c-exynos5", "i2c-dev", "s3c2410_wdt"],
  qemu: "qemu-system-arm",
  devices: ["-M", "smdkc210", "-smp", "2", "-m", "1024"],
  kernelArguments: "console=ttySAC0,115200n8 random.trust_cpu=off cryptomgr.notests cpuidle.off=1",
  card: (netdev) => ["-nic", `${netdev},mac=${cardAddress}`],
  deviceTree: { name: "exynos4210-smdkv310.dtb", change: asQemuBuildsIt },
};

export const machines: Record<BoardKind, Machine> = { arm64, exynos };

/** QEMU's smdkc210 has a LAN9215 that the kernel's tree doesn't know, and no wakeup interrupts, on which its pin controller would wait. */
async function asQemuBuildsIt(path: string): Promise<void> {
  const [unit, ethernet] = ["/soc/pinctrl@11000000/wakeup-interrupt-controller", "/ethernet@5000000"];
  await run("fdtput", ["-r", path, unit]);
  await run("fdtput", ["-c", path, ethernet]);
  const set = (type: string, name: string, ...values: string[]) => run("fdtput", ["-t", type, path, ethernet, name, ...values]);
  await set("s", "compatible", "smsc,lan9115");
  await set("x", "reg", "5000000", "10000");
  await set("x", "interrupts", "0", "15", "4"); // GIC SPI 21, level high
  await set("u", "reg-io-width", "4");
  await set("s", "phy-mode", "mii");
  await run("fdtput", ["-t", "x", path, ethernet, "smsc,irq-push-pull"]);
}

/** The files of a built image. */
export function imageFiles(folder: string) {
  return {
    kernel: join(folder, "kernel"),
    initramfs: join(folder, "initramfs.gz"),
    deviceTree: join(folder, "board.dtb"),
  };
}
