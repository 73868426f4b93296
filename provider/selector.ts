import { z } from "zod";

/**
 * How a program says which device it means where it does not write its name, and what must hold of the device. A leaf. The board
 * resolves a selector, anew at each operation; nothing here becomes a path or a pattern before the script has quoted it.
 */

const textOf = (form: RegExp, message: string) => z.string({ error: "must be a text" }).regex(form, { error: message });

const compatible = textOf(/^[!-~]{1,255}$/, 'must be one string of a compatible list, like "samsung,s3c2440-i2c"');
const modalias = textOf(
  /^[ -Z^-~]{1,1000}$/,
  'must be 1 to 1000 letters of a modalias, like "pci:v00008086d*"; * and ? stand for any text and any letter, and [, ] and \\ are not taken',
);
const pciId = textOf(
  /^[0-9a-f]{4}:[0-9a-f]{4}(:[0-9a-f]{4}:[0-9a-f]{4})?$/i,
  'must be vendor and device as four hexadecimal digits each, like "8086:10d3", or with those of the subsystem, "8086:10d3:1af4:1100"',
).transform((id) => id.toLowerCase());

const writtenSelector = z.strictObject(
  {
    /** The path of its node in the device tree: "/soc/i2c@13860000". */
    deviceTreePath: textOf(/^(\/[!-.0-~]+)+$/, 'must be a path in the device tree, like "/soc/i2c@13860000"').optional(),
    /** One string of its node's `compatible`: "samsung,s3c2440-i2c". */
    compatible: compatible.optional(),
    /** The address in the name of a platform or amba device, or the unit address of its node: "12ce0000". */
    address: textOf(/^(0x)?[0-9a-f]{1,16}$/i, 'must be a hexadecimal address, like "12ce0000"')
      .transform((address) => address.toLowerCase().replace(/^(0x)?0*(?=.)/, ""))
      .optional(),
    /** Vendor and device of a PCI device: "8086:10d3"; with its subsystem's: "8086:10d3:1af4:1100". */
    pciId: pciId.optional(),
    /** Vendor and product of a USB device (not of one of its interfaces): "1234:5678". */
    usbId: textOf(/^[0-9a-f]{4}:[0-9a-f]{4}$/i, 'must be vendor and product as four hexadecimal digits each, like "1234:5678"')
      .transform((id) => id.toLowerCase())
      .optional(),
    /** A pattern with * and ? that its modalias matches as a whole: "usb:v1234p5678*in00". */
    modalias: modalias.optional(),
    /** The network interface that it, or a device below it, carries: "eth0". */
    networkInterface: textOf(
      /^(?!\.{1,2}$)[!-.0-9;-~]{1,15}$/,
      'must be the name of a network interface, like "eth0": 1 to 15 letters, without spaces, "/" and ":"',
    ).optional(),
  },
  { error: "must be the device's name or a selector" },
);
export type SelectorKey = keyof z.infer<typeof writtenSelector>;
/** How each is written. */
export const selectorFields = writtenSelector.shape;
export const selectorKeys: readonly SelectorKey[] = writtenSelector.keyof().options;

/** One way to say which device is meant. `value` is written as it is compared: ids and addresses in small letters. */
export interface Selector {
  key: SelectorKey;
  value: string;
}

/** A selector as a program writes it, with exactly one key. */
export const selectorSchema = writtenSelector.transform((written, context): Selector => {
  const chosen = selectorKeys.flatMap((key) => (written[key] === undefined ? [] : [{ key, value: written[key] }]));
  const [only, another] = chosen;
  if (only !== undefined && another === undefined) return only;
  const found = chosen.length === 0 ? "" : `, not ${chosen.map(({ key }) => key).join(" and ")}`;
  context.addIssue({ code: "custom", message: `must have exactly one of ${selectorKeys.join(", ")}${found}` });
  return z.NEVER;
});

/** What must hold of the device, or nothing is written to it. */
export const identitySchema = z
  .strictObject(
    { modalias: modalias.optional(), compatible: compatible.optional(), pciId: pciId.optional() },
    { error: "must be an object of modalias, compatible or pciId" },
  )
  .refine((identity) => Object.values(identity).some((value) => value !== undefined), {
    error: "must name at least one of modalias, compatible, pciId",
  });
export type Identity = z.infer<typeof identitySchema>;

/** The buses on which a selector means something, where these are few. */
const busesOf: Partial<Record<SelectorKey, readonly string[]>> = { address: ["platform", "amba"], pciId: ["pci"], usbId: ["usb"] };

/** Why the selector finds nothing on any bus of that name; undefined where it may. */
export function wrongBus({ key }: Selector, bus: string): string | undefined {
  const buses = busesOf[key];
  return buses === undefined || buses.includes(bus) ? undefined : `is only for the bus ${buses.map((name) => `"${name}"`).join(" or ")}`;
}

/** The device in a sentence: its name, or what the selector says. */
export const deviceWords = (device: string | Selector): string =>
  typeof device === "string" ? device : `the device with ${device.key} "${device.value}"`;
