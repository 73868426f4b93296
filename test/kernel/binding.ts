import { type Answer, call, type Operation } from "../../provider/runtime";
import type { Board } from "../boards/board";

/** Inputs as a program gives them; board, bus-wide defaults and the claimant are added. */
export interface Inputs {
  bus: string;
  /** Its name, or a selector. */
  device: string | Record<string, string>;
  driver: string | null;
  [input: string]: unknown;
}

type State = Record<string, unknown>;

/** A resource and its state, kept as the engine keeps them; every operation passes through the runtime's one door. */
export class Binding {
  id: string | undefined;
  /** What Pulumi's state would hold; undefined before create and after delete. */
  state: State | undefined;
  inputs: State;

  constructor(board: Board, inputs: Inputs) {
    const name = Object.values(typeof inputs.device === "string" ? [inputs.device] : inputs.device).join();
    this.inputs = { connection: connectionTo(board), claimant: `org/lab/dev/${name}`, timeoutSeconds: 10, ...inputs };
  }

  async create(): Promise<State> {
    return this.keep(await this.ask("create", {}, this.inputs));
  }

  /** Changes inputs and updates. */
  async update(changes: State = {}): Promise<State> {
    this.inputs = { ...this.inputs, ...changes };
    return this.keep(await this.ask("update", this.state ?? {}, this.inputs));
  }

  /** As `pulumi refresh`: undefined where the resource is gone. */
  async read(): Promise<State | undefined> {
    const answer = await this.ask("read", this.state ?? {}, {});
    return answer.id === "" ? undefined : answer.outs;
  }

  async delete(): Promise<void> {
    await this.ask("delete", this.state ?? this.inputs, {});
  }

  private keep(answer: Answer): State {
    this.id = answer.id;
    this.state = answer.outs ?? {};
    return this.state;
  }

  /** An error with properties leaves its resource in the state, as the engine does. */
  private keepWhatIsStuck(error: unknown): void {
    if (!(error instanceof Error && "id" in error && "properties" in error)) return;
    this.id = String(error.id);
    this.state = error.properties as State;
  }

  private async ask(operation: Operation, olds: State, news: State): Promise<Answer> {
    const [answer] = await call(1, operation, { bindings: [{ id: this.id, olds, news }] }).catch((error: unknown) => {
      this.keepWhatIsStuck(error);
      throw error;
    });
    if (answer === undefined) throw new Error("the runtime gave no answer");
    return answer;
  }
}

/** Creates several devices of one board in one call: all or nothing. */
export async function createTogether(bindings: Binding[]): Promise<void> {
  const answers = await call(1, "create", { bindings: bindings.map(({ inputs }) => ({ news: inputs })) });
  bindings.forEach((binding, index) => {
    binding.id = answers[index]?.id;
    binding.state = answers[index]?.outs;
  });
}

/** Deletes several devices of one board in one call. */
export async function deleteTogether(bindings: Binding[]): Promise<void> {
  await call(1, "delete", { bindings: bindings.map(({ id, state, inputs }) => ({ id, olds: state ?? inputs })) });
}

/** A connection as a program would write it. */
export const connectionTo = ({ host, port, privateKey, hostKey }: Board) => ({ host, port, privateKey, hostKey, dialErrorLimit: 1 });

/** How a message names the board. */
export const addressOf = ({ user, host, port }: Board) => `${user}@${host}:${port}`;

/** The words of an operation that must fail. */
export async function refusalOf(operation: Promise<unknown>): Promise<string> {
  try {
    await operation;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("the operation was expected to fail, and it did not");
}
