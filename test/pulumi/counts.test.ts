import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KeyPair, makeKey } from "../ssh/keys";
import { startServer, type TestServer } from "../ssh/server";
import { type Bindings, onePass, type ProgramStack, told, useLab } from "./lab";
import { ScriptedBoard } from "./scripted-board";

const lab = useLab([]);
let key: KeyPair;
const servers: TestServer[] = [];
beforeAll(() => {
  key = makeKey();
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

async function serve(answer: ScriptedBoard["answer"]): Promise<TestServer> {
  const server = await startServer({ publicKeys: [key.publicKey], answer });
  servers.push(server);
  return server;
}

const binding = ({ port, hostKey }: TestServer, device: string, driver = "vfio-pci") => ({
  args: { connection: { host: "127.0.0.1", port, hostKey, privateKey: key.privateKey }, bus: "pci", device, driver },
});
const names = (count: number) => Array.from({ length: count }, (_, index) => `card-${index}`);

describe("twenty resources on one board", () => {
  const board = new ScriptedBoard("one");
  let server: TestServer;
  let stack: ProgramStack;
  const bindings = (changed?: string): Bindings =>
    Object.fromEntries(names(20).map((name) => [name, binding(server, name, name === changed ? "pci-stub" : "vfio-pci")]));

  /** What the server counts during some work, and what the execs asked for. */
  async function counted(work: () => Promise<unknown>) {
    const before = { logins: server.logins, execs: server.execs.length };
    board.asked.length = 0;
    await work();
    return { logins: server.logins - before.logins, execs: server.execs.length - before.execs, asked: [...board.asked].sort() };
  }

  test("are created over two logins: one look of the program for all, and two execs of the provider for each", async () => {
    server = await serve(board.answer);
    stack = await lab.openProgram(bindings());
    const each = (word: string, count: number) => Array.from({ length: count }, () => word);
    const count = await counted(() => stack.up(onePass()));
    expect(count).toEqual({ logins: 2, execs: 41, asked: [...each("apply", 20), ...each("look", 21)] });
  });

  test("that are unchanged cost one login and one exec a pass, so two of a plain up", async () => {
    expect(await counted(() => stack.preview())).toEqual({ logins: 1, execs: 1, asked: ["look"] });
    expect(await counted(() => stack.up())).toEqual({ logins: 2, execs: 2, asked: ["look", "look"] });
  });

  test("of which one changes cost the look, and one login and two execs of the provider", async () => {
    await stack.write(bindings("card-7"));
    const count = await counted(() => stack.up(onePass()));
    expect(count).toEqual({ logins: 2, execs: 3, asked: ["apply", "look", "look"] });
  });
});

describe("thirty boards", () => {
  test("are looked at together: none of them answers before all have been asked", async () => {
    const boards = 30;
    let asked = 0;
    let [most, underWay] = [0, 0];
    const answers = names(boards).map((name) => {
      const board = new ScriptedBoard(name);
      return async (command: string, stdin: string) => {
        asked += 1;
        underWay += 1;
        most = Math.max(most, underWay);
        while (asked < boards) await sleep(20);
        await sleep(300);
        underWay -= 1;
        return board.answer(command, stdin);
      };
    });
    const started = await Promise.all(answers.map(serve));
    const stack = await lab.openProgram(Object.fromEntries(started.map((server, index) => [`board-${index}`, binding(server, "card")])));
    const preview = await stack.preview({ timeoutSeconds: 60 });
    expect(told(preview)).toHaveLength(boards);
    expect(preview.messages).toEqual([]);
    expect({ asked, most }).toEqual({ asked: boards, most: boards });
    expect(started.map(({ logins, execs }) => [logins, execs.length])).toEqual(started.map(() => [1, 1]));
  });
});
