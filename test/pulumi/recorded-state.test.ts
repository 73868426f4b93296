import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { examples } from "./examples";
import { card, run, seen } from "./eyes";
import { onePass, repository, told, useLab } from "./lab";
import { recordedBoard, recordedStack, recordedStates, stateFor } from "./recorded";

const lab = useLab([recordedBoard]);

describe("a state that a released version left", () => {
  test.each(recordedStates())("%s: preview and refresh find nothing to change, and destroy gives the device back", async (name) => {
    const board = lab.board();
    await run(board, "modprobe vfio-pci; echo vfio-pci >/sys/bus/pci/devices/0000:00:01.0/driver_override");
    await run(board, "cd /sys/bus/pci; echo 0000:00:01.0 >devices/0000:00:01.0/driver/unbind; echo 0000:00:01.0 >drivers/vfio-pci/bind");
    const stack = await lab.open(join(repository, "examples/first"), recordedStack);
    const file = join(stack.folder, "state.json");
    await writeFile(file, await stateFor(name, board));
    await stack.command(["stack", "import", "--stack", stack.name, "--file", file]);
    await examples.first?.configure(stack, [board]);
    expect(told(await stack.preview({ extraArguments: ["--expect-no-changes"] }))).toEqual(["card: same"]);
    expect(told(await stack.refresh(onePass()))).toEqual(["card: same"]);
    expect(told(await stack.destroy(onePass()))).toEqual(["card: delete"]);
    expect(await seen(board, card)).toEqual(["e1000e", "(null)"]);
  });
});
