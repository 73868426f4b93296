import { join } from "node:path";
import type { Board } from "../boards/board";
import { openStack, type Stack } from "../helpers/pulumi/engine";
import type { Inputs } from "../kernel/binding";
import type { Scene, Told } from "./scene";

/**
 * The scene of a story that a real Pulumi program plays: each `up` is `pulumi up`, with its preview, of the edited program. Each binding has
 * a stack of its own, which `close` removes.
 */
export class ProgramScene implements Scene {
  private readonly stacks: Stack[] = [];

  constructor(readonly board: Board) {}

  readonly binding = (inputs: Inputs): Told => {
    let [wished, stack]: [Inputs, Stack | undefined] = [inputs, undefined];
    const opened = async () => {
      stack ??= await this.open();
      return stack;
    };
    return {
      up: async (changes = {}) => {
        wished = { ...wished, ...changes };
        const ours = await opened();
        await ours.setConfig("binding", JSON.stringify(wished));
        await ours.up();
        return ours.outputs();
      },
      destroy: async () => void (await (await opened()).destroy()),
    };
  };

  async close(): Promise<void> {
    for (const stack of this.stacks) await stack.close();
  }

  /** A stack of the project in `program/` for this board; what it binds is said later. */
  private async open(): Promise<Stack> {
    const { host, port, hostKey, privateKey } = this.board;
    const stack = await openStack({ project: join(__dirname, "program"), stack: "seed", config: { host, port: String(port), hostKey } });
    this.stacks.push(stack);
    stack.env.PULUMI_NODEJS_TRANSPILE_ONLY = "true"; // its types are checked with all others of this repository
    await stack.setConfig("privateKey", privateKey, { secret: true });
    return stack;
  }
}
