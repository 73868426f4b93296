import { once } from "node:events";
import { type CardStack, cardIn, killSession, openCardStack, startUp } from "./engine-stack";
import type { Case, Ground, Trial } from "./frame";
import { glanceAt, hasJournal, inWords, isSame, puttingBack, settle } from "./glance";
import { type LinkProxy, openProxy } from "./proxy";
import { shapeOf } from "./shapes";

const shape = shapeOf("pci rebind");

/** `pulumi up` with all its processes is killed; the next one converges, state and board agree, and destroy restores. */
export const killedEngine: Case = {
  name: "killed engine",
  async play(ground) {
    const [proxy, stack] = [await openProxy(ground.board.port), await openCardStack(ground.board, shape)];
    try {
      for (let trial = 0; trial < ground.trials(1, 10); trial++) await tryKill(ground, stack, proxy);
    } finally {
      await Promise.all([proxy.close(), stack.close()]);
    }
  },
};

async function tryKill({ board, random, record }: Ground, stack: CardStack, proxy: LinkProxy): Promise<void> {
  await board.shell(`rm -rf /run/devbind; (${puttingBack(shape.device, shape.from)})`);
  await stack.write(proxy.port);
  // The program's look takes a connection of its own; the provider's comes after it.
  const [byte, afterMilliseconds] = [random.between(1, 95_000), random.one([0, random.between(1, 1500)])];
  proxy.arm(undefined, { direction: "up", byte, afterMilliseconds, how: async () => killSession(up.pid ?? 0) });
  const up = startUp(stack);
  await once(up, "exit");
  const isInside = up.signalCode === "SIGKILL";
  await settle(board);
  const at = await glanceAt(board, shape.device);
  const words = `was ${inWords(at)}${hasJournal(at) ? " with a journal" : ""}`;
  await stack.command(["cancel", "--stack", stack.name, "--yes"]);
  await stack.write(board.port);
  const wrong = await nextWrong(board, stack);
  const end = wrong ?? (isSame(at, shape.to) && !hasJournal(at) ? { end: "done" as const } : { end: "undone" as const });
  record({ shape: shape.name, hit: `byte ${byte} up and ${afterMilliseconds} ms`, isInside, words, ...end });
}

async function nextWrong(board: Ground["board"], stack: CardStack): Promise<Pick<Trial, "end" | "words"> | undefined> {
  const wrong = (words: string) => ({ end: "half-bound" as const, words });
  await stack.up({ extraArguments: ["--skip-preview"] });
  const now = await glanceAt(board, shape.device);
  const state = cardIn(await stack.state());
  if (!isSame(now, shape.to) || hasJournal(now)) return wrong(`the next up left ${JSON.stringify(now)}`);
  if (state?.currentDriver !== now.driver || state?.previousDriver !== shape.from.driver)
    return wrong(`the state says ${JSON.stringify(state)}`);
  const again = await stack.up({ extraArguments: ["--skip-preview"] });
  if (again.summary.same === undefined || again.summary.update !== undefined)
    return wrong(`the up after that: ${JSON.stringify(again.summary)}`);
  await stack.destroy({ extraArguments: ["--skip-preview"] });
  const after = await glanceAt(board, shape.device);
  return isSame(after, shape.from) ? undefined : wrong(`destroy left ${inWords(after)}`);
}
