import type { Board } from "../boards/board";
import { refusalOf } from "../kernel/binding";
import { type DeviceName, driverOf, groupOf, stateOf } from "../kernel/eyes";
import { unloadVfio } from "../kernel/own-vfio";
import { writesOn } from "../kernel/witness";
import { mustBe, outputsMustBe, type Story } from "./scene";

const folder = ([bus, name]: DeviceName) => `/sys/bus/${bus}/devices/${name}`;
const asInputs = ([bus, device]: DeviceName) => ({ bus, device });
/** All that the kernel knows of the device tree. */
const treeOf = (board: Board) => board.shell("cd /proc/device-tree/ && find . -type f | sort | xargs md5sum | md5sum");

/** `child` is a folder that the driver's probe makes in the device's, and its removal takes away. */
export const sameDriver =
  (device: DeviceName, driver: string, child: string): Story =>
  async ({ board, binding }) => {
    const made = () => board.shell(`ls -di ${folder(device)}/${child}`);
    const told = binding({ ...asInputs(device), driver, triggers: [1] });
    await writesOn(board);
    await told.up();
    mustBe("what the kernel was told while the triggers stay", await writesOn(board), []);
    const before = await made();
    outputsMustBe(await told.up({ triggers: [2] }), { currentDriver: driver, previousDriver: driver });
    const writes = await writesOn(board);
    mustBe("what the kernel was told", writes, [`unbind ${device[1]}`, `bind ${device[1]}`]);
    mustBe("driver and override", await stateOf(board, device), { driver, override: null });
    if ((await made()) === before) throw new Error(`${child} is still the one from before: the driver was not probed again`);
    await told.destroy();
    return `the kernel was told ${writes.join(", ")}; ${driver} made a new ${child}`;
  };

/** Both drivers stand in the node's `compatible`; each names itself in its input device's `phys`. */
export const listedDriver =
  (device: DeviceName, first: string, second: string): Story =>
  async ({ board, binding }) => {
    const listed = (await board.shell(`tr '\\0' ' ' <${folder(device)}/of_node/compatible`)).trim();
    mustBe("the node's compatible", listed.split(" ").sort(), [first, second].sort());
    const driving = async () => [await stateOf(board, device), await board.shell(`cat ${folder(device)}/input/input*/phys`)];
    const told = binding({ ...asInputs(device), driver: second, strategy: "bind" });
    await writesOn(board);
    for (const driver of [second, first, second]) {
      await told.up({ driver });
      mustBe("driver, override and input device", await driving(), [{ driver, override: null }, `${driver}/input0`]);
      mustBe("what the kernel was told", await writesOn(board), [`unbind ${device[1]}`, `bind ${device[1]}`]);
    }
    await told.destroy();
    mustBe("driver, override and input device", await driving(), [{ driver: first, override: null }, `${first}/input0`]);
    return `${first}, ${second} and back, twice; no override was written, and each made its keys`;
  };

/** A device without IOMMU, which needs vfio's mode without; its driver comes back, and the modules go. */
export const anyToVfio =
  (device: DeviceName, driver: string, moduleParameters: Record<string, string>): Story =>
  async ({ board, binding }) => {
    const before = await stateOf(board, device);
    const tree = await treeOf(board);
    const told = binding({ ...asInputs(device), driver, moduleParameters });
    await writesOn(board);
    const outputs = await told.up();
    mustBe("driver and override", await stateOf(board, device), { driver, override: driver });
    mustBe("what the kernel was told", await writesOn(board), [`override ${driver}`, `unbind ${device[1]}`, `bind ${device[1]}`]);
    const [iommuGroup, vfioPath] = await vfioFileOf(board, device);
    outputsMustBe(outputs, { currentDriver: driver, previousDriver: before.driver, iommuGroup, vfioPath, groupViable: true });
    outputsMustBe(await told.up({ triggers: ["again"] }), { currentDriver: driver });
    await told.destroy();
    mustBe("driver and override at the end", await stateOf(board, device), before);
    mustBe("vfio's modules at the end", await board.shell("grep -o '^vfio[^ ]*' /proc/modules || true"), "");
    mustBe("the device tree", await treeOf(board), tree);
    return `${vfioPath} was there; ${before.driver} has it again; the device tree is the same`;
  };

async function vfioFileOf(board: Board, device: DeviceName): Promise<[group: string, path: string]> {
  const group = await groupOf(board, device);
  const path = `/dev/vfio/noiommu-${group}`;
  await board.shell(`test -c ${path}`);
  return [group, path];
}

/** The other device has the same id, and no driver. */
export const byNewId =
  (device: DeviceName, other: DeviceName, id: string): Story =>
  async ({ board, binding }) => {
    await board.shell("modprobe vfio-pci"); // else it is unloaded at the end, and its ids go with it
    const drivers = async () => [await driverOf(board, device), await driverOf(board, other)];
    const refusedBy = (file: string, words: string) => board.shell(`echo ${words} 2>&1 >/sys/bus/pci/drivers/vfio-pci/${file} || true`);
    const told = binding({ ...asInputs(device), driver: "vfio-pci", strategy: "new-id" });
    const refusal = await refusalOf(told.up());
    const list = `would also claim ${other[1]} (without driver, so at once)`;
    if (!refusal.includes(list)) throw new Error(`the refusal does not say "${list}": ${refusal}`);
    mustBe("the drivers after the refusal", await drivers(), [null, null]);
    await told.up({ newIdMayClaim: [other[1]] });
    mustBe("the drivers", await drivers(), ["vfio-pci", "vfio-pci"]);
    mustBe("driver and override", await stateOf(board, device), { driver: "vfio-pci", override: null });
    await told.destroy();
    mustBe("the drivers after destroy", await drivers(), [null, "vfio-pci"]);
    for (const [file, words] of [
      ["remove_id", id],
      ["bind", device[1]],
    ] as const) {
      const answer = await refusedBy(file, words);
      if (!answer.includes("No such device")) throw new Error(`the id is still there: ${file} says "${answer}"`);
    }
    await board.shell(`echo ${other[1]} >/sys/bus/pci/drivers/vfio-pci/unbind`);
    await unloadVfio(board);
    return `refused first, since it "${list}"; with newIdMayClaim both went; after destroy the id was gone`;
  };

/** The RFC's own commands, which move a link onto a folder of another file system, and what is left of them inside sysfs. */
export const linkByMv =
  (device: DeviceName, to: string): Story =>
  async ({ board }) => {
    const link = () => board.shell(`cd ${folder(device)} && ls -di driver && readlink driver`);
    const make = `ln -s ../../bus/${device[0]}/drivers/${to}`;
    const refusalBy = async (attempt: string) => {
      const answer = await board.shell(`cd ${folder(device)} && { ${attempt}; } 2>&1 && echo done; rm -f /tmp/tmp-link`);
      if (answer === "" || answer.endsWith("done")) throw new Error(`the kernel let "${attempt}" pass: ${answer}`);
      return answer;
    };
    const before = await link();
    await writesOn(board);
    await refusalBy(`${make} /tmp/tmp-link && mv -Tf /tmp/tmp-link driver`);
    const inside = [await refusalBy("rm -f driver"), await refusalBy(`${make} tmp-link`), await refusalBy("mv driver tmp-link")];
    mustBe(
      "what each is refused for",
      inside.map((answer) => answer.split(": ").at(-1)),
      Array(3).fill("Operation not permitted"),
    );
    mustBe("the link", await link(), before);
    mustBe("what the kernel was told", await writesOn(board), []);
    return `not possible: "${inside.at(-1)}"; the row above is the answer`;
  };
