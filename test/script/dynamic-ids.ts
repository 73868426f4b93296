import { constants } from "node:os";

const { EEXIST, EINVAL, ENODEV } = constants.errno;
const any = 0xffffffff;

/** What a bus knows a device by. PCI: vendor, device, those of the subsystem, class. USB: vendor, product, the interface's class. */
export interface DeviceIds {
  kind: "pci" | "usb";
  numbers: number[];
}

/** The ids that were added to a driver: as drivers/pci/pci-driver.c and drivers/usb/core/driver.c keep, match and remove them. */
export class DynamicIds {
  private added: number[][] = [];
  /** What was written for each of them. */
  readonly written: string[] = [];

  constructor(readonly kind: DeviceIds["kind"]) {}

  /** As a usb driver's new_id reads; a PCI driver's can't be read. */
  get text(): string {
    const hex = (number = 0, digits = 4) => number.toString(16).padStart(digits, "0");
    return this.added.map(([vendor, product, of = 0]) => `${hex(vendor)} ${hex(product)}${of ? ` ${hex(of, 2)}` : ""}\n`).join("");
  }

  /** Whether one of the added ids is the device's. */
  matches(ids: DeviceIds | undefined): boolean {
    if (ids?.kind !== this.kind) return false;
    return this.added.some((entry) => (this.kind === "pci" ? isPci(entry, ids.numbers) : isUsb(entry, ids.numbers)));
  }

  /** A write to new_id; `isKnown`: whether the driver knows a device of these numbers already. */
  add(text: string, isKnown: (ids: DeviceIds) => boolean): number {
    const fields = parse(text);
    if (fields === undefined || fields.length < 2) return EINVAL;
    if (this.kind === "usb") return this.keep(fields.slice(0, 3), text);
    const [vendor = 0, device = 0, subvendor = any, subdevice = any, of = 0, mask = 0] = fields;
    const asDevice: DeviceIds = { kind: "pci", numbers: [vendor, device, subvendor, subdevice, of] };
    if (this.matches(asDevice) || isKnown(asDevice)) return EEXIST;
    return this.keep([vendor, device, subvendor, subdevice, of, mask], text);
  }

  private keep(entry: number[], text: string): number {
    this.added.push(entry);
    this.written.push(text.trim());
    return 0;
  }

  /** A write to remove_id: the first that fits goes; a usb driver says nothing where none does. */
  remove(text: string): number {
    const fields = parse(text);
    if (fields === undefined || fields.length < 2) return EINVAL;
    const [vendor, device, subvendor = any, subdevice = any, of = 0, mask = 0] = fields;
    const isUsbKind = this.kind === "usb";
    const place = this.added.findIndex(
      ([v, d, sv = any, sd = any, c = 0]) =>
        v === vendor &&
        d === device &&
        (isUsbKind || ((subvendor === any || sv === subvendor) && (subdevice === any || sd === subdevice) && ((c ^ of) & mask) === 0)),
    );
    if (place >= 0) this.added.splice(place, 1);
    if (place >= 0) this.written.splice(place, 1);
    return place < 0 && !isUsbKind ? ENODEV : 0;
  }
}

function parse(text: string): number[] | undefined {
  const words = text.trim().split(/\s+/);
  return words.every((word) => /^(0x)?[0-9a-f]+$/i.test(word)) ? words.map((word) => Number.parseInt(word, 16)) : undefined;
}

function isPci([vendor, device, subvendor, subdevice, of = 0, mask = 0]: number[], numbers: number[]): boolean {
  const [v, d, sv, sd, c = 0] = numbers;
  return vendor === v && device === d && [any, sv].includes(subvendor) && [any, sd].includes(subdevice) && ((of ^ c) & mask) === 0;
}

const isUsb = ([vendor, product, of = 0]: number[], [v, p, c]: number[]): boolean =>
  vendor === v && product === p && (of === 0 || of === c);
