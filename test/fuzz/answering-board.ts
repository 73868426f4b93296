import fc from "fast-check";
import { apply, look, newTransactionId } from "../../provider/board/board";
import type { Try } from "../../provider/lifecycle/converge";
import { failure } from "../../provider/lifecycle/outcome";
import type { Attempt } from "../../provider/lifecycle/request";
import { planDevice, transactionDevice, wishOf } from "../../provider/plan/plan";
import { type Binding, bindingSchema } from "../../provider/schema";
import { closeIdleConnections } from "../../provider/ssh/pool";
import type { Observation, Transaction } from "../../provider/transaction";
import { startServer } from "../ssh/server";
import { answers, applyAnswers, idMark, items, nonceMark } from "./answer-texts";
import { expectWorded } from "./expectations";
import { type Ground, property } from "./frame";
import { hostileText } from "./hostile";
import { asWritten } from "./selectors";
import { aBoard, aDevice } from "../unit/made";

/** What the board answers to whatever it is asked, and what it prints as errors. */
interface Said {
  operation: "look" | "apply";
  stdout: string;
  stderr: string;
  code: number | null;
}

const talk = <T extends Said["operation"]>(operation: T, stdout: fc.Arbitrary<string>) =>
  fc.record({
    operation: fc.constant(operation),
    stdout,
    stderr: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 1, arbitrary: hostileText }),
    code: fc.constantFrom(0, 64, 255, null),
  });
const talks: fc.Arbitrary<Said> = fc.oneof(talk("look", answers), talk("apply", applyAnswers));

const before: Observation = { board: aBoard(), devices: [aDevice({ dependents: [{ name: "a", driver: "b" }] }), aDevice()] };

function transactionFor(bindings: readonly Binding[]): { transaction: Transaction; tries: Try[] } {
  const past = { driver: "e1000e", override: null };
  const tries = bindings.map((binding, index) => {
    const device = before.devices[index] ?? aDevice();
    const plan = planDevice(binding, wishOf(binding, device, false), before.board, device);
    const attempt: Attempt = { binding, device, plan, claim: "take", mayTake: false, past };
    return { ...attempt, part: { binding, isLeaving: false, plan: (): [Attempt] => [attempt] }, isSibling: false };
  });
  const devices = tries.map(({ binding, plan }, index) =>
    transactionDevice(binding, plan, before.devices[index] ?? aDevice(), { claim: "take", past }),
  );
  const head = { id: newTransactionId(), claimant: "lab", timeoutSeconds: 30, force: false, confirmSeconds: null, afterRebind: [] };
  return { transaction: { ...head, devices, steps: [] }, tries };
}

/** A real SSH server that gives the case's answer, and the client's own way to it: one login, one exec for each case. */
async function openServer(): Promise<Ground<Said>> {
  let said: Said = { operation: "look", stdout: "", stderr: "", code: 0 };
  let wrong: string | undefined;
  const server = await startServer({
    password: "x",
    answer: async (_command, stdin) => {
      const line = stdin.slice(stdin.lastIndexOf("\ndevbind ") + 1);
      if (!/^[A-Za-z0-9._:@+/%, -]+\n$/.test(line)) wrong = `the request is not one line of safe bytes: ${line}`;
      const nonce = line.split(" ")[2] ?? "";
      const id = / transaction,([^,]+)/.exec(line)?.[1] ?? "";
      return { stdout: said.stdout.replaceAll(nonceMark, nonce).replaceAll(idMark, id), stderr: said.stderr, code: said.code };
    },
  });
  const connection = { host: "127.0.0.1", port: server.port, password: "x", hostKey: server.hostKey, dialErrorLimit: 0 };
  const bindings = items.map(({ bus, device, driver }) => bindingSchema.parse({ connection, bus, device: asWritten(device), driver }));
  const to = bindings[0]?.connection;
  if (to === undefined) throw new Error("no connection");
  const meets = async (one: Said): Promise<string> => {
    said = one;
    if (wrong !== undefined) throw new Error(wrong);
    try {
      if (one.operation === "look") return (await look(to, items)).devices.length === items.length ? "believed" : "";
      const { transaction, tries } = transactionFor(bindings);
      const { outcome, observation: after } = await apply(to, transaction);
      const parts = tries.map(({ part }) => part);
      const error = failure(outcome, { parts, tries, transaction, board: before.board, after, address: "root@board-7:22", lost: [] });
      expectWorded(error, "undone", "stuck", "busy", "refused");
      return `believed: ${error.kind}`;
    } catch (error) {
      return expectWorded(error, "protocol", "stuck").kind === "stuck" ? "held" : "refused";
    }
  };
  const close = async () => {
    await closeIdleConnections();
    await server.close();
  };
  return { meets, close };
}

export const ofAnsweringBoards = property({
  name: "answers over SSH: look and apply believe an answer whole, or end in words; an outcome other than done is told in words",
  share: 2_000,
  ends: ["believed", "believed: undone", "believed: stuck", "believed: busy", "believed: refused", "held", "refused"],
  enough: 800,
  cases: talks,
  open: openServer,
});
