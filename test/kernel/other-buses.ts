import type { Board } from "../boards/board";

/** Devices of the debian board beside its own: a USB tablet, and a management controller that ipmi_si drives. */
export const spareDevices = [
  ...["-device", "qemu-xhci,addr=04.0", "-device", "usb-tablet"],
  ...["-device", "ipmi-bmc-sim,id=controller", "-device", "isa-ipmi-kcs,bmc=controller"],
];

/** One device of a bus that has no overrides. */
export interface OnBus {
  bus: string;
  driver: string;
  /** What brings the device, and takes it away again. */
  make?: string;
  unmake?: string;
  /** Prints its name. */
  name: string;
  /** Why nothing but force takes it, in the middle of the refusal. */
  refused?: string;
}

/** The first device of a driver whose name has this form. */
const first = (bus: string, driver: string, form: string) => `basename "$(ls -d /sys/bus/${bus}/drivers/${driver}/${form} | head -n 1)"`;

const stub = "$(dirname $(grep -l 'SMBus stub' /sys/bus/i2c/devices/i2c-*/name))";

/** One for each bus on which Debian's kernel has a device that QEMU or a module makes. */
export const onBuses: OnBus[] = [
  { bus: "usb", driver: "usbhid", name: "echo 1-1:1.0" },
  { bus: "hid", driver: "hid-generic", name: first("hid", "hid-generic", "*:*") },
  {
    bus: "i2c",
    driver: "lm75",
    make: `modprobe i2c-stub chip_addr=0x48 && modprobe lm75 && echo lm75 0x48 >${stub}/new_device`,
    unmake: `echo 0x48 >${stub}/delete_device && rmmod lm75 i2c_stub`,
    name: `basename ${stub}/*-0048`,
  },
  { bus: "serio", driver: "atkbd", name: first("serio", "atkbd", "serio*"), refused: "The device is held open by" },
  { bus: "acpi", driver: "button", name: first("acpi", "button", "*:*"), refused: "The device is held open by" },
  { bus: "virtio", driver: "virtio_rng", name: first("virtio", "virtio_rng", "virtio*") },
  { bus: "pnp", driver: "rtc_cmos", name: first("pnp", "rtc_cmos", "*:*") },
  {
    bus: "scsi",
    driver: "sd",
    make: "modprobe scsi_debug && until ls /sys/bus/scsi/drivers/sd/*:* >/dev/null 2>&1; do sleep 0.2; done; udevadm settle",
    unmake: "udevadm settle; rmmod scsi_debug",
    name: first("scsi", "sd", "*:*"),
  },
];

/** udev loads the drivers on its own time. */
export const tabletIsUp = (board: Board) =>
  board.shell("until [ -e /sys/bus/usb/devices/1-1:1.0/driver ]; do sleep 0.2; done; udevadm settle");
