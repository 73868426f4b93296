import { execFile } from "node:child_process";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { bootBoard, whyNoBoards } from "../boards/board";
import { giveUp } from "../boards/can-run";
import { openStack } from "../helpers/pulumi/engine";

const execute = promisify(execFile);
const repository = resolve(__dirname, "../..");
const device = "0000:00:01.0";

/** The folder of Node 24's `node`, which npm's package of that name brings. */
async function folderOfNode24(): Promise<string> {
  const words = ["exec", "--yes", "--package=node@24", "--", "node", "-p", "process.version + ' ' + process.execPath"];
  const [version = "", path = ""] = (await execute("npm", words, { cwd: repository })).stdout.trim().split(" ");
  expect(version).toMatch(/^v24\./);
  return dirname(path);
}

describe("Node 24", async () => {
  const why = await whyNoBoards();
  it("runs a whole example on a real board: up, again without a change, destroy", async (context) => {
    if (why !== undefined) giveUp(context, why);
    const node = await folderOfNode24();
    const board = await bootBoard("arm64");
    const stack = await openStack({ project: join(repository, "examples/first") });
    const env = { PATH: [node, stack.env.PATH].join(delimiter) };
    try {
      const config = { host: board.host, port: String(board.port), hostKey: board.hostKey, device };
      for (const [key, value] of Object.entries(config)) await stack.setConfig(key, value);
      await stack.setConfig("privateKey", board.privateKey, { secret: true });
      const driver = () => board.shell(`basename $(readlink /sys/bus/pci/devices/${device}/driver)`);
      expect((await stack.up({ env })).summary.create).toBe(2);
      expect(await driver()).toBe("vfio-pci");
      expect((await stack.up({ env })).summary).toEqual({ same: 2 });
      await stack.destroy({ env });
      expect(await driver()).toBe("e1000e");
    } finally {
      await stack.close();
      await board.close();
    }
  });
});
