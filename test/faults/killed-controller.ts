import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { aftermathOf, type Verdict } from "./aftermath";
import { type Attacked, openAttacked } from "./attacked";
import type { Client } from "./client";
import { type Dialogue, measure, nearlySent } from "./dialogue";
import type { Case, Ground } from "./frame";
import { glanceAt, inWords, isSame } from "./glance";
import { type LinkProxy, openProxy } from "./proxy";
import { ready } from "./ready";
import { shapeOf } from "./shapes";

const killedShapes = ["pci rebind", "pci unbind", "pci give back", "amba unbind", "amba bind"].map(shapeOf);
const program = "require(process.argv[1]).call(1, process.argv[2], { bindings: [JSON.parse(process.argv[3])] })";

/** The process that calls the runtime is killed in its dialogue with the board; the next update goes on, and destroy restores. */
export const killedController: Case = {
  name: "killed controller",
  async play(ground) {
    const [attacked, proxy] = [await openAttacked(), await openProxy(ground.board.port)];
    try {
      const dialogues: Dialogue[] = [];
      for (const shape of ground.isShort ? killedShapes.slice(0, 1) : killedShapes)
        dialogues.push(await measure(ground.board, attacked, proxy, shape));
      for (let trial = 0; trial < ground.trials(3, 60); trial++) await tryKill(ground, attacked, proxy, ground.random.one(dialogues));
    } finally {
      await Promise.all([attacked.close(), proxy.close()]);
    }
  },
};

async function tryKill({ board, random, record }: Ground, attacked: Attacked, proxy: LinkProxy, dialogue: Dialogue): Promise<void> {
  const { shape, up } = dialogue;
  const client = await ready(board, attacked, shape, { port: proxy.port });
  const [byte, afterMilliseconds] = random.one([
    [random.between(1, up), 0],
    [nearlySent(dialogue), random.between(1, Math.floor(dialogue.workMilliseconds * 0.9))],
  ] as const);
  const child = startChild(attacked, client);
  const ended = once(child, "exit");
  proxy.arm({ direction: "up", byte, afterMilliseconds, how: async () => child.kill("SIGKILL") });
  await ended;
  const isInside = child.signalCode === "SIGKILL";
  const next = client.inHandsOf(attacked, board);
  const verdict = await aftermathOf(board, next, { is: "nothing", words: "it was killed" });
  record({ shape: shape.name, hit: `byte ${byte} up and ${afterMilliseconds} ms`, isInside, ...((await restoresWrong(next)) ?? verdict) });

  async function restoresWrong(client: Client): Promise<Verdict | undefined> {
    if (verdict.end === "half-bound" || verdict.end === "lost" || shape.isDelete) return undefined;
    const told = await client.giveBack();
    const now = await glanceAt(board, shape.device);
    if (told.is === "done" && isSame(now, shape.from)) return undefined;
    return { end: "half-bound", words: `destroy did not restore: ${told.words}: ${inWords(now)}` };
  }
}

function startChild({ folder }: Attacked, { state, inputs, shape }: Client) {
  const binding = shape.isDelete ? { id: "attacked", olds: state } : { news: inputs };
  const words = [join(folder, "dist/runtime.js"), shape.isDelete ? "delete" : "create", JSON.stringify(binding)];
  return spawn(process.execPath, ["-e", program, ...words], { stdio: "ignore" });
}
