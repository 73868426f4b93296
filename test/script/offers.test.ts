import { describe, expect } from "vitest";
import type { Device } from "./kernel";
import { inEveryShell, promise, useBoard } from "./setup";
import { dash, type Shell } from "./shells";

const made = useBoard();
const modulesAlias = "lib/modules/6.1.0-test/modules.alias";
const aliases = [
  "# Aliases extracted from modules themselves.",
  "alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage",
  "alias usb:v0525pA4A[0-5]d*dc*dsc*dp*ic*isc*ip*in* usbtest",
  "alias of:N*T*Cacme,thing usbtest",
  "alias vfio-reset:calxeda,hb-xgmac vfio_platform_calxedaxgmac",
];
const source = "usb:v0525pA4A0d0601dcFFdsc00dp00icFFisc00ip00in00";

const interfaceOf = (more: Partial<Device> = {}): Device => {
  const { board } = made;
  board.kernel.addDriver("usb", "usbtest");
  board.kernel.addLink("bus/usb/drivers/usbtest/module", "module/usbtest");
  board.kernel.addDriver("usb", "usb-storage");
  board.kernel.addLink("bus/usb/drivers/usb-storage/module", "module/usb_storage");
  board.write(modulesAlias, `${aliases.join("\n")}\n`);
  return board.kernel.addDevice({ bus: "usb", name: "1-1:1.0", driver: null, matches: [], modalias: source, ...more }, "usb1/1-1");
};

/** What the look tells of the device in regard to a driver. */
async function told(shell: Shell, { bus, name }: Pick<Device, "bus" | "name">, driver: string) {
  return (await made.board.look(shell, { bus, name, driver, module: driver })).devices[0] ?? {};
}

inEveryShell((shell) => {
  promise(shell, "tells whether an id that the driver's module lists matches a device that has no override", async () => {
    const device = interfaceOf();
    expect((await told(shell, device, "usbtest")).matches).toBe("yes");
    expect((await told(shell, device, "usb-storage")).matches).toBe("no");
    expect((await told(shell, device, "usb_storage")).matches, "a driver that is not there, of a module that is").toBe("no");
    expect(made.board.kernel.writes).toEqual([]);
  });

  promise(shell, "tells what vfio asks of board and device", async () => {
    const { board } = made;
    const common = { bus: "platform", driver: null, override: null, matches: [] };
    const device = board.kernel.addDevice({ ...common, name: "a", compatible: ["acme,thing", "calxeda,hb-xgmac"] });
    const other = board.kernel.addDevice({ ...common, name: "b", compatible: ["calxeda,hb-xgmac"] });
    const vfio = async (of: Device) => {
      const { iommu, noiommu, reset, resets } = await told(shell, of, "vfio-platform");
      return { iommu, noiommu, reset, resets };
    };
    expect(await vfio(device), "nothing is known").toEqual({ iommu: "no", noiommu: "-", reset: "-", resets: "-" });
    board.write(modulesAlias, `${aliases.join("\n")}\n`);
    board.write("lib/modules/6.1.0-test/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
    board.kernel.addFile("class/iommu/smmu3.0x9050000/uevent", "");
    board.kernel.addFile("module/vfio/initstate", "live\n");
    expect(await vfio(device)).toEqual({ iommu: "yes", noiommu: "absent", reset: "no", resets: "-" });
    expect((await vfio(other)).reset).toBe("yes");
    board.kernel.addFile("module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
    board.kernel.addDriver("platform", "vfio-platform");
    board.kernel.addFile("module/vfio_platform/parameters/reset_required", "Y\n");
    board.kernel.addLink("bus/platform/drivers/vfio-platform/module", "module/vfio_platform");
    expect(await vfio(device)).toEqual({ iommu: "yes", noiommu: "N", reset: "no", resets: "Y" });
    board.write("lib/modules/6.1.0-test/modules.builtin", "kernel/drivers/vfio/platform/reset/vfio_platform_amdxgbe.ko\n");
    expect((await vfio(device)).reset, "one that is built in may be the device's").toBe("-");
  });
});

describe("whether a driver matches is not told", () => {
  const matches = async (device: Device, driver = "usb-storage") => (await told(dash, device, driver)).matches;

  promise(dash, "where an override makes it match, where it has the device, or where no driver is wanted", async () => {
    expect(await matches(interfaceOf({ override: null }))).toBe("-");
    made.board.reset();
    expect(await matches(interfaceOf({ driver: "usb-storage" }))).toBe("-");
  });

  promise(dash, "where the board has no list, the module has no ids of this kind, or the driver no module", async () => {
    const device = interfaceOf({ modalias: "of:NthingT(null)Cacme,other" });
    expect(await matches(device)).toBe("-");
    expect(await matches(device, "usbtest"), "of its kind").toBe("no");
    made.board.kernel.remove("bus/usb/drivers/usbtest/module");
    expect(await matches(device, "usbtest")).toBe("-");
    made.board.reset();
    const without = interfaceOf();
    made.board.remove(modulesAlias);
    expect(await matches(without)).toBe("-");
  });

  promise(dash, "where somebody gave the driver an id, or may have", async () => {
    const device = interfaceOf();
    made.board.kernel.addDriver("usb", "usb-storage", { takesIds: "usb" });
    expect(await matches(device)).toBe("no");
    made.board.kernel.idsOf("usb", "usb-storage").add("0525 a4a0", () => false);
    expect(await matches(device)).toBe("-");
  });
});
