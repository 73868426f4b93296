import fc from "fast-check";
import { type Selector, selectorKeys, selectorSchema } from "../../provider/selector";
import { hostileText, shortText } from "./hostile";
import type { Tree } from "./mutation";

/** Selectors, identities and module parameters: right in form, and hostile wherever any text is taken. */

const hex = (digits: number) => fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF"), minLength: digits, maxLength: digits });
const ids = (count: number) => fc.tuple(...Array.from({ length: count }, () => hex(4))).map((parts) => parts.join(":"));
/** What of a hostile text a value may hold that is printable letters only. */
const printable = (form: RegExp, least: string) =>
  shortText.map(
    (text) =>
      [...text]
        .filter((letter) => form.test(letter))
        .join("")
        .slice(0, 200) || least,
  );

const compatible = fc.oneof(fc.constant("samsung,s3c2440-i2c"), printable(/^[!-~]$/, "a,b"));
const modalias = fc.oneof(fc.constantFrom("pci:v00008086d*", "of:N*T(null)C?", "*"), printable(/^[ -Z^-~]$/, "?"));
const pciId = fc.oneof(ids(2), ids(4));

const values: Record<Selector["key"], fc.Arbitrary<string>> = {
  deviceTreePath: fc.oneof(
    fc.constant("/soc/i2c@13860000"),
    printable(/^[!-.0-~]$/, "a").map((name) => `/${name}`),
  ),
  compatible,
  address: fc.tuple(fc.constantFrom("", "0x", "0X", "000"), hex(8)).map(([before, digits]) => before + digits),
  pciId,
  usbId: ids(2),
  modalias,
  networkInterface: fc.oneof(
    fc.constantFrom("eth0", "enp0s1"),
    printable(/^[!-.0-9;-~]$/, "a").map((name) => name.slice(0, 15)),
  ),
};

/** A selector as a program writes it: one key, now and then none, two or one that is none. */
export const selector: fc.Arbitrary<Tree> = fc.oneof(
  { weight: 8, arbitrary: fc.oneof(...selectorKeys.map((key) => values[key].map((value): Tree => ({ [key]: value })))) },
  { weight: 1, arbitrary: fc.record({ ...values, path: hostileText }, { requiredKeys: [] }) },
);

/** One as the schema hands it on. */
export const chosen: fc.Arbitrary<Selector> = selector
  .map((written) => selectorSchema.safeParse(written).data)
  .filter((parsed) => parsed !== undefined);

/** A device as a program writes it. */
export const asWritten = (device: string | Selector) => (typeof device === "string" ? device : { [device.key]: device.value });

export const identity = fc.record({ modalias, compatible, pciId }, { requiredKeys: [] });

const parameterName = fc.constantFrom("disable_idle_d3", "vfio.enable_unsafe_noiommu_mode", "a-b.c", "..", "a b");
const parameterValue = fc.oneof(fc.constantFrom("1", "Y", "0x10", "8086:10d3,1234:11e8"), printable(/^[!-~]$/, "0"), hostileText);
export const moduleParameters = fc.dictionary(
  fc.oneof({ weight: 4, arbitrary: parameterName }, { weight: 1, arbitrary: hostileText }),
  parameterValue,
  {
    maxKeys: 2,
  },
);
