import type { MadeBoard } from "./made-board";
import type { Device } from "./kernel";

/** A device with a node in the device tree, named as the kernel names it. */
export function addNode(board: MadeBoard, name: string, node: string, compatible: string[], bus = "platform"): Device {
  const { kernel } = board;
  const device = kernel.addDevice({ bus, name, driver: null, override: null, matches: ["s3c-i2c"] });
  kernel.addFile(`firmware/devicetree/base${node}/compatible`, compatible.map((text) => `${text}\0`).join(""));
  kernel.addLink(`devices/platform/${name}/of_node`, `firmware/devicetree/base${node}`);
  return device;
}

/** A PCI card on e1000e, or on the driver named, with the ids that its files tell. */
export function addCard(board: MadeBoard, name: string, ids: string, driver: string | null = "e1000e"): Device {
  const { kernel } = board;
  for (const driverName of ["e1000e", "vfio-pci"]) kernel.addDriver("pci", driverName);
  const [vendor, product, subsystemVendor = "0000", subsystem = "0000"] = ids.split(":");
  const long = (id?: string) => `0000${id}`.toUpperCase();
  const modalias = `pci:v${long(vendor)}d${long(product)}sv${long(subsystemVendor)}sd${long(subsystem)}bc02sc00i00\n`;
  const device = kernel.addDevice({ bus: "pci", name, driver, override: null, matches: ["e1000e"], modalias }, "pci0000:00");
  const files = { vendor, device: product, subsystem_vendor: subsystemVendor, subsystem_device: subsystem };
  for (const [file, id] of Object.entries(files)) kernel.addFile(`devices/pci0000:00/${name}/${file}`, `0x${id}\n`);
  return device;
}

/** A network interface of the card, with a device of another bus between the two. It is there while the card is on e1000e. */
export function addInterface({ kernel }: MadeBoard, card: Device, name: string): void {
  const below = `devices/pci0000:00/${card.name}/virtio-${name}`;
  kernel.addFile(`${below}/net/${name}/operstate`, "down\n");
  kernel.addLink(`${below}/net/${name}/device`, below);
  kernel.addLink(`class/net/${name}`, () => (card.driver === "e1000e" ? `${below}/net/${name}` : undefined));
}
