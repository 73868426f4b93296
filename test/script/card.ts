import type { Device, FakeKernel } from "./kernel";
import type { Wish } from "./requests";

/** A card on its own driver, which vfio-pci takes by override only, and both drivers. */
export function addCard(kernel: FakeKernel, more: Partial<Device> = {}): Device {
  kernel.addDriver("pci", "e1000e");
  kernel.addDriver("pci", "vfio-pci");
  return kernel.addDevice(
    { bus: "pci", name: "0000:00:03.0", driver: "e1000e", override: null, matches: ["e1000e"], ...more },
    "pci0000:00",
  );
}

/** The wish for vfio-pci by override. */
export const toVfio = (device: Device, more: Partial<Wish> = {}) => ({
  wishes: [{ device, driver: "vfio-pci", override: "vfio-pci", ...more }],
});
