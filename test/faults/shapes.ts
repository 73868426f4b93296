import type { DeviceName } from "../kernel/eyes";
import type { State } from "./glance";

/** One transaction that may be attacked: a device, and the way from one state of it to another. */
export interface Shape {
  name: string;
  device: DeviceName;
  from: State;
  to: State;
  strategy?: "bind";
  /** Run on the board when the device is as it was. */
  before?: string;
  /** The driver is bound anew although it is the wished one. */
  isRebind?: boolean;
  /** A resource that had taken its device is given up: `from` is what it goes back to, and where the attack begins is `to`. */
  isDelete?: boolean;
  /** Somebody else moves the device all the while, so that nobody can say what it was before. */
  isPastOpen?: boolean;
}

const card: DeviceName = ["pci", "0000:00:01.0"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const clock: DeviceName = ["amba", "9010000.pl031"];
const on = (driver: string | null, override: string | null = null): State => ({ driver, override });
const free = on(null);
const onVfio = on("vfio-pci", "vfio-pci");

/** Bind, unbind and rebind, with and without override, on three buses, and a module that has to be loaded first. */
export const shapes: Shape[] = [
  { name: "pci rebind", device: card, from: on("e1000e"), to: onVfio },
  { name: "pci rebind, module first", device: card, from: on("e1000e"), to: onVfio, before: "rmmod vfio_pci 2>/dev/null" },
  { name: "pci rebind, foreign override before", device: card, from: on("e1000e", "e1000e"), to: onVfio },
  { name: "pci rebind to stub", device: card, from: onVfio, to: on("pci-stub", "pci-stub") },
  { name: "pci unbind", device: card, from: on("e1000e"), to: free },
  { name: "pci bind", device: card, from: free, to: onVfio },
  { name: "pci bind without override", device: card, from: free, to: on("e1000e"), strategy: "bind" },
  { name: "pci give back", device: card, from: on("e1000e"), to: onVfio, isDelete: true },
  { name: "platform rebind", device: generator, from: on("virtio-mmio"), to: on("virtio-mmio"), isRebind: true },
  { name: "platform unbind", device: generator, from: on("virtio-mmio"), to: free },
  { name: "platform bind", device: generator, from: free, to: on("virtio-mmio", "virtio-mmio") },
  { name: "platform give back", device: generator, from: on("virtio-mmio"), to: free, isDelete: true },
  { name: "amba unbind", device: clock, from: on("rtc-pl031"), to: free },
  { name: "amba bind", device: clock, from: free, to: on("rtc-pl031", "rtc-pl031") },
];

/** The shape of that name. */
export function shapeOf(name: string): Shape {
  const shape = shapes.find((one) => one.name === name);
  if (shape === undefined) throw new Error(`there is no shape "${name}"`);
  return shape;
}

/** What the device is before the operation that is attacked, and what that operation makes of it. */
export const beforeOf = ({ from, to, isDelete }: Shape): State => (isDelete ? to : from);
export const wishOf = ({ from, to, isDelete }: Shape): State => (isDelete ? from : to);
