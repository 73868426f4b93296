import { z } from "zod";
import { connectionSchema } from "../../provider/schema";
import type { Answer, Operation } from "../../provider/runtime";
import type { Board } from "../boards/board";
import { connectionTo } from "../kernel/binding";
import type { Attacked } from "./attacked";
import type { Shape } from "./shapes";

/**
 * What a client says of its operation; "unknown" where it could not learn it, "untouched" where it says that nothing was written,
 * "nothing" where it was killed, or where the board was, so that nobody can be held to a word.
 */
export interface Told {
  is: "done" | "undone" | "stuck" | "untouched" | "unknown" | "nothing";
  words: string;
  answer?: Answer;
}

const refusal = z.object({ kind: z.string(), message: z.string() });

/** Waits for an operation and sorts what came of it. An error that is not the package's own is thrown on. */
export async function toldBy(operation: Promise<Answer[]>): Promise<Told> {
  try {
    const [answer] = await operation;
    return { is: "done", words: "done", answer };
  } catch (error) {
    const { data } = refusal.safeParse(error);
    if (data === undefined) throw error;
    const { kind, message: words } = data;
    if (kind === "undone" || kind === "stuck") return { is: kind, words };
    return { is: kind === "unreachable" || kind === "protocol" ? "unknown" : "untouched", words };
  }
}

/** How a client differs from the ordinary one. */
export interface Way {
  /** Over this port of the loopback instead of the board's own. */
  port?: number;
  claimant?: string;
  timeoutSeconds?: number;
  dialErrorLimit?: number;
}

/** One resource of a program, as the engine would drive it through the runtime's door. */
export class Client {
  /** What the engine's state would hold. */
  state: Record<string, unknown> | undefined;
  readonly inputs: Record<string, unknown>;
  private readonly connection: ReturnType<typeof connectionTo>;

  constructor(
    readonly attacked: Attacked,
    board: Board,
    readonly shape: Shape,
    { port = board.port, claimant = "org/lab/dev/attacked", timeoutSeconds = 10, dialErrorLimit = 1 }: Way = {},
  ) {
    const { device, to, strategy } = shape;
    this.connection = { ...connectionTo(board), port, dialErrorLimit };
    this.inputs = { connection: this.connection, claimant, timeoutSeconds, bus: device[0], device: device[1], driver: to.driver, strategy };
  }

  /** Takes the device: creates the resource, or updates it where it is there. */
  async take(): Promise<Told> {
    const { isRebind } = this.shape;
    const olds = this.state ?? (isRebind ? { ...this.inputs, triggers: ["before"] } : {});
    const told = await this.ask(this.state || isRebind ? "update" : "create", olds, this.inputs);
    if (told.is === "done") this.state = told.answer?.outs;
    return told;
  }

  /** Gives the device back, by what the state knows or, as after a create that was killed, by the claim alone. */
  giveBack(): Promise<Told> {
    return this.ask("delete", this.state ?? this.inputs, {});
  }

  /** The operation that the shape attacks. */
  attackedOperation(): Promise<Told> {
    return this.shape.isDelete ? this.giveBack() : this.take();
  }

  /** What a look says of a journal on the device. */
  async journal(): Promise<string> {
    const [bus, device] = this.shape.device;
    const { devices } = await this.attacked.look(connectionSchema.parse(this.connection), [{ bus, device, driver: null, module: null }]);
    return devices[0]?.journal ?? "absent";
  }

  /** The same resource in the hands of another controller, and on another way if the world was moved. */
  inHandsOf(attacked: Attacked, board: Board, way: Way = {}, shape = this.shape): Client {
    const other = new Client(attacked, board, shape, way);
    other.state = this.state;
    return other;
  }

  private ask(operation: Operation, olds: Record<string, unknown>, news: Record<string, unknown>): Promise<Told> {
    return toldBy(this.attacked.call(1, operation, { bindings: [{ id: this.state ? "attacked" : undefined, olds, news }] }));
  }
}
