import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refusalOf } from "./binding";
import { onBoard } from "./bench";
import { type DeviceName, driverOf, stateOf } from "./eyes";

const edu: DeviceName = ["pci", "0000:00:12.0"];
const onVfio = { bus: "pci", device: "0000:00:12.0", driver: "vfio-pci", timeoutSeconds: 30 };
const vfio = ["vfio", "vfio_iommu_type1", "vfio_virqfd", "vfio_pci_core", "vfio_pci"];
/** Makes a module without the signature that is appended to it: the last 40 bytes say how long that is. */
const withoutSignature = (name: string) =>
  "cd FOLDER && from=kernel/drivers/input/misc/pcspkr.ko && set -- $(tail -c 32 $from | head -c 4 | od -An -tu1) && " +
  `head -c -$((($3 << 8) + $4 + 40)) $from >${name}.ko`;
/** A device that the board plugs into itself: nobody's driver matches it. */
const gadget: DeviceName = ["usb", "1-1:1.0"];
const plug = [
  "modprobe dummy_hcd && modprobe libcomposite && modprobe trancevibrator",
  "mkdir /sys/kernel/config/usb_gadget/toy && cd /sys/kernel/config/usb_gadget/toy",
  "echo 0x1d6b >idVendor && echo 0x0104 >idProduct && mkdir configs/c.1 functions/SourceSink.0 && ln -s functions/SourceSink.0 configs/c.1",
  "ls /sys/class/udc >UDC && until test -e /sys/bus/usb/devices/1-1:1.0; do sleep 0.1; done",
].join(" && ");
const unplug =
  "cd /sys/kernel/config/usb_gadget/toy && echo >UDC; rm configs/c.1/SourceSink.0 && rmdir configs/c.1 functions/SourceSink.0 && rmdir ../toy && rmmod trancevibrator dummy_hcd";

onBoard("debian", "ways to a driver, with kmod and USB", (bench) => {
  const loaded = async (...names: string[]) => {
    const list = (await bench.board.shell("cut -d ' ' -f 1 /proc/modules")).split("\n");
    return names.filter((name) => list.includes(name));
  };

  test("loads all that modprobe does for a driver, what follows it too, and unloads all of it", async () => {
    const binding = bench.binding({ ...onVfio, moduleParameters: { disable_idle_d3: "Y", disable_vga: "1" } });
    await binding.create();
    expect(await loaded(...vfio)).toEqual(vfio);
    expect(await bench.board.shell("cd /sys/module/vfio_pci/parameters && cat disable_idle_d3 disable_vga")).toBe("Y\nY");
    await binding.delete();
    expect(await loaded(...vfio)).toEqual([]);
    expect(await stateOf(bench.board, edu)).toEqual({ driver: null, override: null });
  });

  test("tells who is in the way of a group that is not viable, as output and as a warning", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const binding = bench.binding({ ...onVfio, device: "0000:00:1f.2", force: true });
    const others = ["0000:00:1f.0 (lpc_ich)", "0000:00:1f.3 (i801_smbus)"];
    expect(await binding.create()).toMatchObject({ currentDriver: "vfio-pci", groupViable: false, groupBlockers: others });
    expect(warn.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining(`of 0000:00:1f.2 is not viable`)]);
    expect(warn.mock.calls[0]?.[0]).toContain(others.join(", "));
    warn.mockRestore();
    await binding.delete();
  });

  test("quotes modprobe and the kernel of a module that wants a parameter, and loads it with that", async () => {
    const stub = { bus: "platform", device: "i8042", driver: "i2c-stub", timeoutSeconds: 30 };
    const message = await refusalOf(bench.binding({ ...stub, force: true }).create());
    expect(message).toContain("could not insert 'i2c_stub': No such device\"; the kernel's log says \"");
    expect(message).toContain("i2c-stub: Please specify a chip address");
    expect(message).toContain("It may want a parameter (`moduleParameters`)");
    const given = bench.binding({ ...stub, force: true, moduleParameters: { chip_addr: "0x50" } });
    expect(await refusalOf(given.create()), "it brings no driver").toContain('there is no file for the step "bind"');
    expect(await loaded("i2c_stub")).toEqual([]);
  });

  test("quotes modprobe of a module for another kernel", async () => {
    const { board } = bench;
    const folder = `/lib/modules/${await board.shell("uname -r")}`;
    const change = `${withoutSignature("other_kernel")} && sed -i "s/ SMP preempt mod_unload/ UMP preempt mod_unload/" ${folder}/other_kernel.ko && depmod`;
    await board.shell(change.replaceAll("FOLDER", folder), { timeoutSeconds: 120 });
    try {
      const message = await refusalOf(bench.binding({ ...onVfio, driver: "other-kernel" }).create());
      expect(message).toContain("Exec format error");
      expect(message).toContain("The module was built for another kernel than the one that runs");
    } finally {
      await board.shell(`rm ${folder}/other_kernel.ko && depmod`, { timeoutSeconds: 120 });
    }
  });

  test("quotes kmod where the kernel takes only signed modules", async () => {
    const { board } = bench;
    bench.isSpoilt = true;
    const folder = `/lib/modules/${await board.shell("uname -r")}`;
    const enforce = `${withoutSignature("unsigned")} && depmod && echo 1 >/sys/module/module/parameters/sig_enforce`;
    await board.shell(enforce.replaceAll("FOLDER", folder), { timeoutSeconds: 120 });
    const message = await refusalOf(bench.binding({ ...onVfio, driver: "unsigned" }).create());
    await board.shell(`rm ${folder}/unsigned.ko && depmod`, { timeoutSeconds: 120 });
    expect(message).toContain("could not insert 'unsigned': Key was rejected by service");
    expect(message).toContain("The kernel takes only modules that are signed with a key that it knows");
  });
});

onBoard("debian", "ways to a driver of a usb interface", (bench) => {
  const toToy = { bus: "usb", device: "1-1:1.0", driver: "trancevibrator", timeoutSeconds: 30 };
  const addedIds = () => bench.board.shell("cat /sys/bus/usb/drivers/trancevibrator/new_id");
  beforeEach(() => bench.board.shell(plug));
  afterEach(() => bench.board.shell(unplug));

  test("says, before any write, that no override and no id leads there, and which strategy does", async () => {
    expect(await refusalOf(bench.binding(toToy).create())).toMatch(
      /Devices of the bus usb have no driver override here, and of the ids that the module of "trancevibrator" lists none matches "usb:v1D6Bp0104[^"]*"\. Nothing was written\. Strategy "new-id" adds the device's id to the driver; strategy "bind" tries it all the same\.$/,
    );
    expect(await bench.writes()).toEqual([]);
  });

  test("lets strategy bind try it, and quotes the kernel then", async () => {
    const message = await refusalOf(bench.binding({ ...toToy, strategy: "bind" }).create());
    expect(message).toContain("the kernel refused the write to bind (ENODEV)");
    expect(message).toContain('strategy "new-id" adds the device\'s id to it.');
  });

  test("binds it by a new id, and takes the id back", async () => {
    const binding = bench.binding({ ...toToy, strategy: "new-id" });
    expect(await binding.create()).toMatchObject({ currentDriver: "trancevibrator", previousDriver: null });
    expect(await addedIds()).toBe("1d6b 0104 ff");
    await binding.delete();
    expect([await driverOf(bench.board, gadget), await addedIds()]).toEqual([null, ""]);
  });

  test("binds it by an id that was there, and leaves that one", async () => {
    const { board } = bench;
    await board.shell(
      "echo 1d6b 0104 >/sys/bus/usb/drivers/trancevibrator/new_id && echo 1-1:1.0 >/sys/bus/usb/drivers/trancevibrator/unbind",
    );
    for (const strategy of ["auto", "new-id"]) {
      const binding = bench.binding({ ...toToy, strategy });
      expect(await binding.create(), strategy).toMatchObject({ currentDriver: "trancevibrator" });
      await binding.delete();
      expect([await driverOf(board, gadget), await addedIds()]).toEqual([null, "1d6b 0104"]);
    }
    await board.shell("echo 1d6b 0104 >/sys/bus/usb/drivers/trancevibrator/remove_id");
  });
});
