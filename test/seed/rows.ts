import type { BootOptions } from "../boards/board";
import type { DeviceName } from "../kernel/eyes";
import { inPlace } from "./in-place";
import type { Story } from "./scene";
import { anyToVfio, byNewId, linkByMv, listedDriver, sameDriver } from "./stories";

/** The boards of the rows, and how they are booted. */
export const boards = {
  exynos: {},
  arm64: {
    // One node with the strings of two drivers, of which the second wants to know how often to look.
    treeProperties: { "/gpio-keys": { compatible: ["gpio-keys", "gpio-keys-polled"], "poll-interval": 100 } },
    spareDevices: ["-device", "edu,addr=09.0"], // a second one of its id
  },
} as const satisfies Record<string, BootOptions>;

/** A way of the RFC and its answer. */
export interface Row {
  /** What the RFC of 2013 asked for, or what came after it. */
  way: string;
  /** What is run for it. */
  ran: string;
  board: keyof typeof boards;
  /** Needs vfio as `installVfio` brings it. */
  needsVfio?: boolean;
  story: Story;
}

const adapter: DeviceName = ["platform", "13860000.i2c"];
const keys: DeviceName = ["platform", "gpio-keys"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const clock: DeviceName = ["amba", "9010000.pl031"];
const edu: DeviceName = ["pci", "0000:00:03.0"];
const secondEdu: DeviceName = ["pci", "0000:00:09.0"];
const toVfio = "any platform device to vfio, device tree untouched";
const withoutIommu = { "vfio.enable_unsafe_noiommu_mode": "1" };
const withoutBoth = { ...withoutIommu, reset_required: "0" };

/** All rows, in the order of the table. The count is fixed here: one that is not run has failed. */
export const rows = {
  sameDriver: {
    way: "the same device, the same driver",
    ran: "13860000.i2c on s3c-i2c, unbound and bound again by `triggers`",
    board: "exynos",
    story: sameDriver(adapter, "s3c-i2c", "i2c-*"),
  },
  listedDriver: {
    way: "a driver whose string is in `compatible`",
    ran: 'gpio-keys to gpio-keys-polled and back by `strategy: "bind"`, no override',
    board: "arm64",
    story: listedDriver(keys, "gpio-keys", "gpio-keys-polled"),
  },
  adapterToVfio: {
    way: toVfio,
    ran: "13860000.i2c from s3c-i2c to vfio-platform and back",
    board: "exynos",
    needsVfio: true,
    story: anyToVfio(adapter, "vfio-platform", withoutBoth),
  },
  platformToVfio: {
    way: toVfio,
    ran: "a003c00.virtio_mmio from virtio-mmio to vfio-platform and back",
    board: "arm64",
    needsVfio: true,
    story: anyToVfio(generator, "vfio-platform", withoutBoth),
  },
  ambaToVfio: {
    way: toVfio,
    ran: "9010000.pl031 from rtc-pl031 to vfio-amba and back",
    board: "arm64",
    needsVfio: true,
    story: anyToVfio(clock, "vfio-amba", withoutIommu),
  },
  byNewId: {
    way: "the same without override support",
    ran: 'edu to vfio-pci by `strategy: "new-id"`, with a second edu beside it',
    board: "arm64",
    story: byNewId(edu, secondEdu, "1234 11e8"),
  },
  inPlace: {
    way: "`driver_name`: one write, atomic for user space",
    ran: "an update of `driver`, s3c-i2c to vfio-platform and back, under a reader's eyes",
    board: "exynos",
    needsVfio: true,
    story: inPlace(adapter, "s3c-i2c", "vfio-platform", withoutBoth),
  },
  linkByMv: {
    way: "the `driver` link swapped by `mv`",
    ran: "the RFC's own ln and mv, and each part of it inside sysfs",
    board: "exynos",
    story: linkByMv(adapter, "vfio-platform"),
  },
} as const satisfies Record<string, Row>;

export type RowName = keyof typeof rows;
