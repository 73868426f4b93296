import type { Device } from "../schema";
import type { Identity } from "../selector";
import { wildcardMatches } from "../wildcard";
import type { Refusal } from "./guards";

/** What a binding expects of the device's identity and does not hold, as `modalias is "…", not "…"`; empty when all holds. */
export function unexpected(identity: Identity | undefined, device: Device): string[] {
  const { modalias, compatible, pciId } = identity ?? {};
  const found = pciIdOf(device.modalias);
  const differences: string[] = [];
  if (modalias !== undefined && !wildcardMatches(modalias, device.modalias ?? ""))
    differences.push(`modalias is ${quoted(device.modalias)}, not "${modalias}"`);
  if (compatible !== undefined && !device.compatible.includes(compatible))
    differences.push(`compatible is ${device.compatible.map(quoted).join(", ") || "none"}, not "${compatible}"`);
  if (pciId !== undefined && !`${found ?? ""}:`.startsWith(`${pciId}:`)) differences.push(`pciId is ${quoted(found)}, not "${pciId}"`);
  return differences;
}

/** Certain: whoever stands there now is not who was meant. */
export function unexpectedRefusal(identity: Identity | undefined, device: Device): Refusal | undefined {
  const differences = unexpected(identity, device);
  if (differences.length === 0) return undefined;
  return {
    property: "expect",
    isCertain: true,
    reason: `${device.name} is not the device that is expected: its ${differences.join("; its ")}.`,
    todo: "Look at what is there now, then correct `device` or `expect`.",
  };
}

const quoted = (text: string | null): string => (text === null ? "none" : `"${text}"`);

/** Vendor, device, and those of the subsystem, as a PCI device's modalias tells them. */
function pciIdOf(modalias: string | null): string | null {
  const ids = /^pci:v0000(.{4})d0000(.{4})sv0000(.{4})sd0000(.{4})/.exec(modalias ?? "");
  return ids === null ? null : ids.slice(1).join(":").toLowerCase();
}
