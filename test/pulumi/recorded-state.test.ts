import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Board } from "../boards/board";
import { examples } from "./examples";
import { card, clock, run, seen } from "./eyes";
import { connectionTo, onePass, repository, resourcesOf, told, useLab } from "./lab";
import { recordedBoard, recordedStack, recordedStates, stateFor } from "./recorded";

const lab = useLab([recordedBoard]);

/** By hand, as the state says it is. */
async function bindCard(board: Board): Promise<void> {
  await run(board, "modprobe vfio-pci; echo vfio-pci >/sys/bus/pci/devices/0000:00:01.0/driver_override");
  await run(board, "cd /sys/bus/pci; echo 0000:00:01.0 >devices/0000:00:01.0/driver/unbind; echo 0000:00:01.0 >drivers/vfio-pci/bind");
}

describe("a state that a released version left", () => {
  test.each(recordedStates())("%s: preview and refresh find nothing to change, and destroy gives the device back", async (name) => {
    const board = lab.board();
    await bindCard(board);
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

  test.each(recordedStates("board-from-engine"))("%s: the same of a whole board, all of whose devices are given back", async (name) => {
    const board = lab.board();
    await bindCard(board);
    await run(board, "echo 9010000.pl031 >/sys/bus/amba/devices/9010000.pl031/driver/unbind");
    const recorded = await stateFor(name, board);
    const { inputs } = resourcesOf(JSON.parse(recorded)).get("bench") ?? {};
    const connection = { ...connectionTo(board), dialErrorLimit: undefined };
    const program = (bindings: unknown) => ({ bench: { args: { connection, bindings } } });
    const stack = await lab.open(join(__dirname, "program"), recordedStack);
    const file = join(stack.folder, "state.json");
    await writeFile(file, recorded);
    await stack.command(["stack", "import", "--stack", stack.name, "--file", file]);
    await writeFile(join(stack.folder, "bindings.json"), JSON.stringify(program(inputs?.bindings)));
    expect(told(await stack.preview({ extraArguments: ["--expect-no-changes"] }))).toEqual(["bench: same"]);
    expect(told(await stack.refresh(onePass()))).toEqual(["bench: same"]);
    expect(told(await stack.destroy(onePass()))).toEqual(["bench: delete"]);
    expect(await seen(board, card, clock)).toEqual(["e1000e", "(null)", "rtc-pl031", "(null)"]);
  });
});
