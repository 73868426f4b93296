import { expect, test } from "vitest";
import { addressOf, refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, stateOf } from "./eyes";

const edu: DeviceName = ["pci", "0000:00:03.0"];
const onVfio = { bus: "pci", device: "0000:00:03.0", driver: "vfio-pci" };
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];
const onRogue = { bus: "platform", device: "a003c00.virtio_mmio", driver: "devbind-rogue" };
const vfio = ["vfio", "vfio_pci_core", "vfio_pci"];
const unloadAll = "for module in vfio_pci_core vfio_virqfd vfio_iommu_type1 vfio; do rmmod $module 2>/dev/null; done; true";
const onItsOwn = { driver: "virtio-mmio", override: null };

onBoard("arm64", "modules, as busybox loads them", (bench) => {
  /** The loaded modules of these names. */
  const loaded = async (...names: string[]) => {
    const list = (await bench.board.shell("cut -d ' ' -f 1 /proc/modules")).split("\n");
    return names.filter((name) => list.includes(name));
  };
  const parameter = (path: string) => bench.board.shell(`cat /sys/module/${path.replace(".", "/parameters/")}`);

  test("loads a module with its parameters, and unloads it and what it needed when the device is given up", async () => {
    expect(await loaded(...vfio), "as the board boots").toEqual([]);
    const binding = bench.binding({ ...onVfio, moduleParameters: { disable_idle_d3: "1" } });
    await binding.create();
    expect(await parameter("vfio_pci.disable_idle_d3")).toBe("Y");
    await binding.delete();
    expect(await loaded(...vfio)).toEqual([]);
    expect(await stateOf(bench.board, edu)).toEqual({ driver: null, override: null });
  });

  test("leaves what was loaded before it, and what has another device", async () => {
    const { board } = bench;
    await board.shell("modprobe vfio");
    const [first, second] = [bench.binding(onVfio), bench.binding({ ...onVfio, device: "0000:00:05.0" })];
    await first.create();
    await second.create();
    await first.delete();
    expect(await loaded("vfio_pci")).toEqual(["vfio_pci"]);
    await second.delete();
    expect(await loaded("vfio_pci"), "the second had not loaded it").toEqual(["vfio_pci"]);
    await board.shell("rmmod vfio_pci; rmmod vfio_pci_core");
    const third = bench.binding(onVfio);
    await third.create();
    await third.delete();
    expect(await loaded(...vfio)).toEqual(["vfio"]);
    await board.shell(unloadAll);
  });

  test("refuses before any write a parameter that a loaded module has otherwise, with both values, and what it has not", async () => {
    const { board } = bench;
    await board.shell("modprobe vfio-pci disable_idle_d3=0");
    const wish = { ...onVfio, moduleParameters: { disable_idle_d3: "1", "vfio.enable_unsafe_noiommu_mode": "1" } };
    const message = await refusalOf(bench.binding(wish).create());
    expect(message).toContain('The parameter disable_idle_d3 of the module vfio_pci is "N", not "1", and the module is loaded.');
    expect(message).toContain('The module vfio shows no parameter "enable_unsafe_noiommu_mode".');
    expect(message).toContain("Nothing was written.");
    expect(await bench.writes()).toEqual([]);
    await board.shell("rmmod vfio_pci");
    const known = await refusalOf(bench.binding({ ...onVfio, moduleParameters: { nonsense: "1" } }).create());
    expect(known, "by modinfo, before it is loaded").toContain('The module vfio_pci shows no parameter "nonsense".');
    expect(await loaded("vfio_pci")).toEqual([]);
    await board.shell(unloadAll);
  });

  test("unloads a module again where its driver refuses the device, as its parameter has told it to", async () => {
    const binding = bench.binding({ ...onRogue, moduleParameters: { error: "22" } });
    const message = await refusalOf(binding.create());
    expect(message).toContain("the kernel refused the write to bind (EINVAL)");
    expect([await loaded("devbind_rogue"), await stateOf(bench.board, generator)]).toEqual([[], onItsOwn]);
    await binding.update({ moduleParameters: { error: "0", leaves: "N" } });
    expect(await parameter("devbind_rogue.error")).toBe("0");
    await binding.delete();
    expect([await loaded("devbind_rogue"), await stateOf(bench.board, generator)]).toEqual([[], onItsOwn]);
  });

  test("says why where the kernel takes no value like this, and loads nothing", async () => {
    const message = await refusalOf(bench.binding({ ...onRogue, moduleParameters: { error: "many" } }).create());
    expect(message).toContain("modprobe failed:");
    expect(message).toContain("`many' invalid for parameter `error'");
    expect(message).toContain("It may want a parameter (`moduleParameters`)");
    expect(await loaded("devbind_rogue")).toEqual([]);
  });

  test("binds a free device that its module takes by itself, by an override that was set before", async () => {
    const { board } = bench;
    await board.shell("echo vfio-pci >/sys/bus/pci/devices/0000:00:03.0/driver_override");
    const binding = bench.binding(onVfio);
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", previousDriver: null, previousOverride: "vfio-pci" });
    await binding.delete();
    expect([await loaded("vfio_pci"), await stateOf(board, edu)]).toEqual([[], { driver: null, override: "vfio-pci" }]);
    await board.shell("echo >/sys/bus/pci/devices/0000:00:03.0/driver_override");
  });

  test("says that no modules are installed for the running kernel, where another one's were", async () => {
    const { board } = bench;
    const release = await board.shell("uname -r");
    await board.shell(`mv /lib/modules/${release} /lib/modules/other`);
    try {
      const message = await refusalOf(bench.binding(onVfio).create());
      expect(message).toContain(`has no driver "vfio-pci"`);
      expect(message).toContain(`and no modules are installed for the running kernel ${release}. Nothing was written.`);
    } finally {
      await board.shell(`mv /lib/modules/other /lib/modules/${release}`);
    }
  });

  test("says that the kernel loads no more modules", async () => {
    bench.isSpoilt = true;
    await bench.board.shell("echo 1 >/proc/sys/kernel/modules_disabled");
    const message = await refusalOf(bench.binding(onVfio).create());
    expect(message).toContain("the kernel loads no more modules until it is booted again (kernel.modules_disabled). Nothing was written.");
  });

  test("quotes the kernel where it takes only signed modules, and says so", async () => {
    bench.isSpoilt = true;
    await bench.board.shell("echo 1 >/sys/module/module/parameters/sig_enforce");
    const message = await refusalOf(bench.binding(onRogue).create());
    expect(message).toContain(`Cannot bind ${onRogue.device} on ${addressOf(bench.board)} to "devbind-rogue": modprobe failed:`);
    expect(message).toContain("The kernel takes only modules that are signed with a key that it knows");
    expect(await stateOf(bench.board, generator)).toEqual(onItsOwn);
  });

  test("quotes the kernel where it is locked down, and says so", async () => {
    bench.isSpoilt = true;
    await bench.board.shell("mount -t securityfs none /sys/kernel/security && echo integrity >/sys/kernel/security/lockdown");
    const message = await refusalOf(bench.binding(onRogue).create());
    expect(message).toContain("Operation not permitted");
    expect(message).toContain("unsigned module loading is restricted; see man kernel_lockdown.7");
    expect(message).toContain("The kernel lets nobody load this module: locked down");
    expect(await stateOf(bench.board, generator)).toEqual(onItsOwn);
  });
});
