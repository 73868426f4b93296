import { constants } from "node:os";
import { posix } from "node:path";
import { type DeviceIds, DynamicIds } from "./dynamic-ids";
import { folder, folderAt, put, type Write } from "./tree";

const { ENODEV, EBUSY } = constants.errno;

/** A device of the made kernel. Without `override` its bus has no such file; null is unset. */
export interface Device {
  bus: string;
  name: string;
  driver: string | null;
  override?: string | null;
  /** What an unset override reads as: "(null)" on most buses, empty on some. */
  unset?: "(null)" | "";
  /** The drivers that take it without an override, best first. */
  matches: string[];
  /** The errno with which a driver's probe refuses it. */
  refuses?: Record<string, number>;
  modalias?: string | Buffer;
  compatible?: string[];
  group?: string;
  ids?: DeviceIds;
}

/** A write as it came, what it was answered with, and to which file (below /sys). */
export interface Logged extends Write {
  path: string;
  errno: number;
}

/** What happens around a write: `before` may refuse it with an errno or let it wait; `after` sees it done. */
export interface Trap {
  before?: (path: string, write: Write, count: number) => number | undefined | Promise<number | undefined>;
  after?: (path: string, write: Write, count: number) => void;
}

/**
 * A made sysfs that takes and refuses writes as Linux 6.1 was seen to do (the errnos, and what a refused write leaves). It cannot
 * prove what a real driver does in its probe, that a name is matched as a bus matches it, what hangs in the kernel besides the write
 * that is made to hang, or how long anything takes: real kernels are asked for that, in test/kernel.
 */
export class FakeKernel {
  readonly tree = folder();
  writes: Logged[] = [];
  trap: Trap = {};
  private devices = new Map<string, Device>();
  private folders = new Map<string, string>();
  private added = new Map<string, DynamicIds>();

  /** Forgets everything but the mount. */
  reset(): void {
    this.tree.entries.clear();
    this.devices.clear();
    this.folders.clear();
    this.added.clear();
    this.writes = [];
    this.trap = {};
  }

  /** A device with its files, below `devices/<parent>`; returns the model itself, so that a test can read and change it. */
  addDevice(device: Device, parent = "platform"): Device {
    const path = `devices/${parent}/${device.name}`;
    this.devices.set(`${device.bus}/${device.name}`, device);
    this.folders.set(device.name, path);
    this.addLink(`bus/${device.bus}/devices/${device.name}`, path);
    this.addLink(`${path}/driver`, () => (device.driver === null ? undefined : `bus/${device.bus}/drivers/${device.driver}`));
    this.addFile(`${path}/uevent`, "");
    if (device.modalias !== undefined) this.addFile(`${path}/modalias`, device.modalias);
    if (device.compatible) this.addFile(`${path}/of_node/compatible`, device.compatible.map((text) => `${text}\0`).join(""));
    if (device.override !== undefined) this.addOverride(device, `${path}/driver_override`);
    if (device.group !== undefined) {
      this.addLink(`${path}/iommu_group`, `kernel/iommu_groups/${device.group}`);
      this.addLink(`kernel/iommu_groups/${device.group}/devices/${device.name}`, path);
    }
    if (device.ids) this.addIds(path, device.ids);
    this.addWritable(`bus/${device.bus}/drivers_probe`, (text) => this.probe(device.bus, text));
    folderAt(this.tree, `bus/${device.bus}/drivers`);
    for (const driver of folderAt(this.tree, `bus/${device.bus}/drivers`).entries.keys()) this.linkBoth(device, driver);
    return device;
  }

  /** A driver; without bind files it suppresses them, as many built-in ones do. `takesIds`: as such a driver of that bus does. */
  addDriver(bus: string, name: string, options: { bindFiles?: boolean; takesIds?: DeviceIds["kind"] } = {}): void {
    folderAt(this.tree, `bus/${bus}/drivers/${name}`);
    for (const device of this.devices.values()) if (device.bus === bus) this.linkBoth(device, name);
    if (options.bindFiles === false) return;
    this.addWritable(`bus/${bus}/drivers/${name}/bind`, (text) => this.bind(bus, name, text));
    this.addWritable(`bus/${bus}/drivers/${name}/unbind`, (text) => this.unbind(bus, name, text));
    if (options.takesIds) this.addIdFiles(bus, name, new DynamicIds(options.takesIds));
  }

  /** In its driver's folder a device has a link of its name. */
  private linkBoth({ bus, name }: Device, driver: string): void {
    const device = () => this.devices.get(`${bus}/${name}`);
    this.addLink(`bus/${bus}/drivers/${driver}/${name}`, () => (device()?.driver === driver ? this.folders.get(name) : undefined));
  }

  /** The ids that were added to a driver that takes them. */
  idsOf(bus: string, driver: string): DynamicIds {
    const ids = this.added.get(`${bus}/${driver}`);
    if (ids === undefined) throw new Error(`the driver ${driver} takes no ids`);
    return ids;
  }

  private addIdFiles(bus: string, name: string, ids: DynamicIds): void {
    this.added.set(`${bus}/${name}`, ids);
    const isKnown = (numbers: DeviceIds) =>
      [...this.devices.values()].some((one) => one.matches.includes(name) && `${one.ids?.numbers}` === `${numbers.numbers}`);
    const add = (text: string) => ids.add(text, isKnown) || this.attach(bus, name);
    const path = `bus/${bus}/drivers/${name}`;
    this.addWritable(`${path}/new_id`, add, ids.kind === "usb" ? () => ids.text : undefined);
    this.addWritable(`${path}/remove_id`, (text) => ids.remove(text));
  }

  /** The driver looks for all that it may have now: what is free, and not another's by override. */
  attach(bus: string, driver: string): number {
    for (const device of this.devices.values()) if (device.bus === bus && device.driver === null) this.bind(bus, driver, device.name);
    return 0;
  }

  private addIds(path: string, { kind, numbers }: DeviceIds): void {
    const hex = (number = 0, digits = 4) => number.toString(16).padStart(digits, "0");
    const parent = posix.dirname(path);
    const [first, second, third, fourth, fifth] = numbers;
    const pci = { vendor: first, device: second, subsystem_vendor: third, subsystem_device: fourth };
    if (kind === "pci") for (const [name, number] of Object.entries(pci)) this.addFile(`${path}/${name}`, `0x${hex(number)}\n`);
    if (kind === "pci") this.addFile(`${path}/class`, `0x${hex(fifth, 6)}\n`);
    else this.addFile(`${path}/bInterfaceClass`, `${hex(third, 2)}\n`);
    if (kind === "usb") this.addFile(`${parent}/idVendor`, `${hex(first)}\n`);
    if (kind === "usb") this.addFile(`${parent}/idProduct`, `${hex(second)}\n`);
  }

  addFile(path: string, content: string | Buffer): void {
    put(this.tree, path, { kind: "file", read: () => content });
  }

  /** A file that is not read before the promise holds: a device that the kernel holds. */
  addSlowFile(path: string, content: Promise<string>): void {
    put(this.tree, path, { kind: "file", read: () => content });
  }

  /** A file of no device, that keeps what is written to it. */
  addSink(path: string, into: string[]): void {
    const write = ({ text }: Write) => into.push(text) * 0;
    put(this.tree, path, { kind: "file", read: () => into.join(""), write });
  }

  /** A link to another path below /sys. */
  addLink(path: string, to: string | (() => string | undefined)): void {
    const target = () => {
      const end = typeof to === "string" ? to : to();
      return end === undefined ? undefined : posix.relative(posix.dirname(path), end);
    };
    put(this.tree, path, { kind: "link", target });
  }

  /** Takes a path away, with all below it. */
  remove(path: string): void {
    folderAt(this.tree, posix.dirname(path)).entries.delete(posix.basename(path));
  }

  /** What becomes of the devices of a driver that goes. */
  freeOf(driver: string): void {
    for (const device of this.devices.values()) if (device.driver === driver) device.driver = null;
  }

  removeDevice(device: Device): void {
    this.devices.delete(`${device.bus}/${device.name}`);
    folderAt(this.tree, `bus/${device.bus}/devices`).entries.delete(device.name);
  }

  private addOverride(device: Device, path: string): void {
    const read = () => `${device.override ?? device.unset ?? "(null)"}\n`;
    this.addWritable(path, (text) => this.override(device, text), read);
  }

  /** A file whose writes are logged, and go through the trap. */
  addWritable(path: string, take: (text: string) => number, read: () => string = () => ""): void {
    const write = async (came: Write): Promise<number> => {
      const logged = { ...came, path, errno: -1 };
      const count = this.writes.push(logged);
      logged.errno = (await this.trap.before?.(path, came, count)) ?? take(came.text);
      this.trap.after?.(path, came, count);
      return logged.errno;
    };
    put(this.tree, path, { kind: "file", read, write });
  }

  private override(device: Device, text: string): number {
    const line = text.split("\n")[0] ?? "";
    if (text !== "") device.override = line === "" ? null : line;
    return 0;
  }

  private find(bus: string, text: string): Device | undefined {
    return this.devices.get(`${bus}/${text.replace(/\n$/, "")}`);
  }

  private bind(bus: string, driver: string, text: string): number {
    const device = this.find(bus, text);
    if (device === undefined) return ENODEV;
    if (device.driver === driver) return EBUSY;
    if (device.driver !== null || !this.isMatch(device, driver)) return ENODEV;
    const errno = device.refuses?.[driver] ?? 0;
    if (errno === 0) device.driver = driver;
    return errno;
  }

  private unbind(bus: string, driver: string, text: string): number {
    const device = this.find(bus, text);
    if (device?.driver !== driver) return ENODEV;
    device.driver = null;
    return 0;
  }

  /** Success also where nobody takes the device, or its driver refuses it. */
  private probe(bus: string, text: string): number {
    const device = this.find(bus, text);
    if (device === undefined) return ENODEV;
    const candidates = device.override ? [device.override] : device.matches;
    for (const driver of candidates) if (device.driver === null && this.hasDriver(bus, driver)) this.bind(bus, driver, device.name);
    return 0;
  }

  private hasDriver(bus: string, driver: string): boolean {
    return folderAt(this.tree, `bus/${bus}/drivers`).entries.has(driver);
  }

  private isMatch(device: Device, driver: string): boolean {
    if (device.override) return device.override === driver;
    return device.matches.includes(driver) || this.added.get(`${device.bus}/${driver}`)?.matches(device.ids) === true;
  }
}
