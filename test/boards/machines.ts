import { join } from "node:path";
import type { BoardKind } from "./board";
import type { Architecture } from "./packages";
import { run } from "./run";

/** What makes one kind of board: its packages and its modules. */
export interface Machine {
  architecture: Architecture;
  /** Debian's package of the kernel, or the meta package that names it. */
  kernelPackage: string;
  /** Put into the image with what they depend on, and loaded at boot, in this order. */
  bootModules: string[];
  /** Put into the image with what they depend on; loaded by whoever wants them. */
  spareModules: string[];
  /** Debian packages beside the usual ones, and the programs of theirs that the image gets, as paths. */
  packages?: string[];
  programs?: string[];
  /** Whether devbind_rogue, the driver that behaves badly on demand, is built for its kernel. */
  hasRogue?: boolean;
  /** Packages of a whole Debian on a disk; its initramfs holds the boot modules. Without them the initramfs is all there is. */
  debianPackages?: string[];
  kernelArguments: string;
  /** Where its package has the kernel and the modules, unless it is where Debian has them for a computer. */
  own?: { kernel: string; modules: string };
  /** The device tree's name in the kernel package, and what is changed in it; QEMU makes its own where there is none. */
  deviceTree?: { name: string; change: (path: string) => Promise<void> };
}

/** A kind of board that runs in QEMU. */
export interface QemuMachine extends Machine {
  /** A device of it that QEMU cannot save: it boots from scratch each time. */
  unsavable?: string;
  qemu: string;
  /** Machine, processor, memory and spare devices; a saved machine is only good for the same list. */
  devices: string[];
  /** Gives the session's card its place; `netdev` is the QEMU user network's options. */
  card: (netdev: string) => string[];
}

export type QemuKind = Exclude<BoardKind, "uml">;

/** The session's card on every board. The network behind it is the board's alone, so one address serves all. */
export const cardAddress = "52:54:00:db:00:01";

const arm64: QemuMachine = {
  architecture: "arm64",
  kernelPackage: "linux-image-arm64",
  bootModules: ["virtio_mmio", "virtio_net", "virtio_pci", "virtio_rng", "qemu_fw_cfg", "gpio_keys", "e1000e"],
  spareModules: [
    ...["vfio", "vfio_iommu_type1", "vfio_pci", "uio_pci_generic", "pci_stub"],
    "gpio_keys_polled", // drives the same keys as gpio_keys
    // What a guard has to see: cards over cards, disks over disks, mounts without a disk, a watchdog.
    ...["bonding", "bridge", "8021q", "loop", "dm_mod", "virtio_blk", "nvme", "ext4", "crc32c_generic", "ocfs2_dlmfs", "i6300esb"],
  ],
  packages: ["dmsetup", "iproute2"],
  programs: ["sbin/dmsetup", "sbin/bridge"],
  hasRogue: true,
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

/** A disk that is empty at each start and leaves nothing behind. */
const emptyDisk = (name: string) => [
  "-drive",
  `if=none,id=${name},driver=raw,snapshot=on,file.driver=null-co,file.size=64M,file.read-zeroes=on`,
];

/** Queues and interrupts are shared out between an nvme controller and its functions. */
const oneVirtualFunction = "max_ioqpairs=4,msix_qsize=5,sriov_max_vfs=1,sriov_vq_flexible=2,sriov_vi_flexible=1";

/**
 * Spare devices of an arm64 board, with which QEMU cannot save it: a virtio disk (0000:00:06.0), and behind a port (0000:00:07.0) an
 * nvme controller with a disk and with a virtual function that can be switched on; a watchdog (0000:00:08.0).
 */
export const devicesToGuard = [
  ...emptyDisk("virtio-disk"),
  ...["-device", "virtio-blk-pci,addr=06.0,drive=virtio-disk"],
  ...emptyDisk("nvme-disk"),
  ...["-device", "pcie-root-port,id=nvme-port,addr=07.0,chassis=1", "-device", "nvme-subsys,id=subsystem"],
  ...["-device", `nvme,id=controller,bus=nvme-port,subsys=subsystem,serial=devbind,${oneVirtualFunction}`],
  ...["-device", "nvme-ns,bus=controller,drive=nvme-disk,nsid=1"],
  ...["-device", "i6300esb,addr=08.0"],
];

/** Two ports of an arm64 board into which a device can be plugged while it runs: 0000:01:00.0 and 0000:02:00.0. */
export const emptyPorts = [
  ...["-device", "pcie-root-port,id=first-port,addr=0a.0,chassis=2"],
  ...["-device", "pcie-root-port,id=second-port,addr=0b.0,chassis=3"],
];

const exynos: QemuMachine = {
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

/** What both PC boards are: PCI Express with an IOMMU, and where their spare devices sit. */
const pc = [
  ...["-M", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi,tb-size=128", "-vga", "none"],
  ...["-cpu", "qemu64", "-smp", "1", "-m", "384"], // a second processor makes no script faster, but a process dearer to start
  ...["-device", "intel-iommu,intremap=on"],
  ...["-device", "e1000e,addr=10.0,romfile=,mac=52:54:00:db:01:01"],
  ...["-device", "virtio-rng-pci,addr=11.0"],
  ...["-device", "edu,addr=12.0"],
];
const pcCard = (netdev: string) => [
  ...["-netdev", `${netdev},id=session`],
  ...["-device", `virtio-net-pci,netdev=session,addr=02.0,romfile=,mac=${cardAddress}`],
];
const pcArguments = "console=ttyS0 intel_iommu=on mitigations=off tsc=unstable no_timer_check";

const x86: QemuMachine = {
  architecture: "amd64",
  kernelPackage: "linux-image-amd64",
  bootModules: ["virtio_pci", "virtio_net", "virtio_rng", "e1000e", "nvme"],
  spareModules: ["vfio", "vfio_iommu_type1", "vfio_pci", "uio_pci_generic", "pci_stub"],
  unsavable: "nvme",
  qemu: "qemu-system-x86_64",
  devices: [...pc, ...["-drive", "if=none,id=null,driver=null-co,size=64M", "-device", "nvme,addr=13.0,serial=devbind,drive=null"]],
  kernelArguments: pcArguments,
  card: pcCard,
};

const debian: QemuMachine = {
  architecture: "amd64",
  kernelPackage: "linux-image-amd64",
  bootModules: ["virtio_pci", "virtio_blk", "virtio_net", "ext4"],
  spareModules: [],
  debianPackages: "initramfs-tools systemd-sysv udev dbus openssh-server sudo opendoas driverctl pciutils iproute2 kmod procps".split(" "),
  qemu: "qemu-system-x86_64",
  devices: [...pc, "-device", "virtio-blk-pci,addr=03.0,drive=root"],
  kernelArguments: `${pcArguments} root=/dev/vda rw fsck.mode=skip quiet systemd.show_status=0 audit=0 apparmor=0`,
  card: pcCard,
};

/** A card of user-mode Linux: it opens its tap only when somebody brings it up, so a spare one needs none. */
const vectorCard = (number: number, address: string) => `vec${number}:transport=tap,ifname=tap${number},depth=64,gro=0,mac=${address}`;

const uml: Machine = {
  architecture: "amd64",
  kernelPackage: "user-mode-linux",
  bootModules: [],
  spareModules: ["uio_pdrv_genirq"], // refuses a card of user-mode Linux
  own: { kernel: "usr/bin/linux.uml", modules: "usr/lib/uml/modules" },
  kernelArguments: [
    ...["mem=64M", "rdinit=/init", "cryptomgr.notests", "con0=null,fd:1", "con=null", "ssl=null"],
    ...[cardAddress, "52:54:00:db:01:01", "52:54:00:db:01:02", "52:54:00:db:01:03"].map((address, number) => vectorCard(number, address)),
  ].join(" "),
};

export const qemuMachines: Record<QemuKind, QemuMachine> = { arm64, exynos, x86, debian };
export const machines: Record<BoardKind, Machine> = { ...qemuMachines, uml };

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
    disk: join(folder, "disk.raw"),
  };
}
