import type { Result } from "../helpers/pulumi/engine";
import { type CardStack, openCardStack } from "./engine-stack";
import type { Case, Ground } from "./frame";
import { glanceAt, hasJournal, inWords, isSame, puttingBack, settle } from "./glance";
import { type Shape, shapeOf } from "./shapes";

const first = shapeOf("pci rebind");
const second: Shape = { ...first, to: { driver: "pci-stub", override: "pci-stub" } };

/** Two stacks of the real engine take one device at the same time: one of them gets it, the other one is told by whom it was taken. */
export const twoStacks: Case = {
  name: "two stacks",
  async play(ground) {
    const stacks = await Promise.all([openCardStack(ground.board, first), openCardStack(ground.board, second)]);
    try {
      for (let trial = 0; trial < ground.trials(1, 10); trial++) await tryRace(ground, stacks);
    } finally {
      await Promise.all(stacks.map((stack) => stack.close()));
    }
  },
};

async function tryRace({ board, record }: Ground, stacks: [CardStack, CardStack]): Promise<void> {
  await board.shell(`rm -rf /run/devbind; (${puttingBack(first.device, first.from)})`);
  const results = await Promise.all(stacks.map((stack) => attempt(stack)));
  await settle(board);
  const now = await glanceAt(board, first.device);
  const isDone = results.map((result) => result.ok);
  const words = `${isDone.map((done) => (done ? "done" : "refused")).join(" and ")}; ${inWords(now)}`;
  const winner = isDone.indexOf(true);
  const claimant = now.claim.find((line) => line.startsWith("claimant "))?.slice("claimant ".length) ?? "nobody";
  const loser = results[1 - winner];
  const isOneDone = isDone.filter(Boolean).length === 1;
  const isTold =
    isOneDone &&
    claimant.includes(stacks[winner]?.name ?? "?") &&
    (loser?.words.includes(claimant) || loser?.words.includes("Another transaction"));
  const wished = winner === 0 ? first.to : second.to;
  await Promise.all(stacks.map((stack) => stack.destroy({ extraArguments: ["--skip-preview"] })));
  const after = await glanceAt(board, first.device);
  const isWhole = !hasJournal(now) && isSame(now, wished) && isSame(after, first.from);
  const end = !isWhole ? "half-bound" : isTold ? "done" : "lost";
  const detail =
    end === "done" ? "" : `; ${JSON.stringify(now)}; after destroy ${inWords(after)}; ${results.map((result) => result.words).join(" | ")}`;
  record({ shape: "pci rebind beside another", hit: "both at once", isInside: true, end, words: `${words}${detail}` });
}

/** An `up` that may be refused. */
async function attempt(stack: CardStack): Promise<{ ok: boolean; words: string }> {
  const up: Promise<Result> = stack.up({ extraArguments: ["--skip-preview"] });
  return up.then(
    () => ({ ok: true, words: "" }),
    (error: unknown) => ({ ok: false, words: error instanceof Error ? error.message : String(error) }),
  );
}
