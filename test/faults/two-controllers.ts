import { setTimeout as sleep } from "node:timers/promises";
import { type Attacked, openAttacked } from "./attacked";
import { Client, type Told } from "./client";
import type { Case, Ground, Trial } from "./frame";
import { glanceAt, hasJournal, inWords, isSame, puttingBack, settle } from "./glance";
import { type Shape, shapeOf } from "./shapes";

const first = shapeOf("pci rebind");
const wishes: Shape[] = [
  first,
  { ...first, name: "pci to stub", to: { driver: "pci-stub", override: "pci-stub" } },
  { ...first, name: "pci free", to: { driver: null, override: null } },
];

/** A lock, and what is beside it, that somebody left who is gone: `BOOT` is the board's boot. */
const deadLocks: [who: string, links: Record<string, string>][] = [
  ["no dead lock", {}],
  ["no dead lock", {}],
  ["a dead owner's lock", { lock: "999999.17.BOOT" }],
  ["a lock whose pid is used again", { lock: "1.17.BOOT" }],
  ["a lock of another boot", { lock: "1.17.another-boot" }],
  ["a dead owner's lock and a dead breaker's", { lock: "999999.17.BOOT", "broke.999999.17.BOOT": "999998.18.BOOT" }],
];

/** Several controllers change one device at once: one of them wins, the others are told who has it, and nobody's undo is lost. */
export const twoControllers: Case = {
  name: "two controllers",
  async play(ground) {
    const controllers = await Promise.all(Array.from({ length: 6 }, () => openAttacked()));
    try {
      const races = ground.trials(5, 200);
      for (let race = 0; race < races; race++) {
        const isCrowd = race % 20 === 3;
        await tryRace(ground, isCrowd ? controllers : controllers.slice(0, 2));
      }
    } finally {
      await Promise.all(controllers.map((controller) => controller.close()));
    }
  },
};

async function tryRace({ board, random, record }: Ground, controllers: Attacked[]): Promise<void> {
  const [who, links] = random.one(deadLocks);
  const jump = random.one([0, 0, 0, 86_400, -3600]);
  const left = Object.entries(links).map(
    ([name, owner]) => `ln -s "${owner.replace("BOOT", "$boot")}" "/run/devbind/$boot/${name.replace("BOOT", "$boot")}"`,
  );
  const folder = "boot=$(cat /proc/sys/kernel/random/boot_id); umask 077; mkdir -p /run/devbind/$boot";
  await board.shell(`rm -rf /run/devbind; ${folder}; (${puttingBack(first.device, first.from)}); ${left.join("; ") || ":"}`);
  const clients = controllers.map(
    (attacked, index) => new Client(attacked, board, wishes[index % wishes.length] ?? first, { claimant: `org/lab/stack-${index}/card` }),
  );
  const pauses = clients.map(() => random.between(0, 600));
  const [told] = await Promise.all([
    Promise.all(clients.map((client, index) => sleep(pauses[index]).then(() => client.take()))),
    jump === 0 ? undefined : sleep(300).then(() => board.shell(`date -s @$(($(date +%s) + ${jump}))`)),
  ]);
  await settle(board);
  const hit = `${who}, ${pauses.join(" and ")} ms${jump === 0 ? "" : `, the clock jumps by ${jump} s`}`;
  record({ shape: `${clients.length} controllers`, hit, isInside: true, ...(await judge(board, clients, told)) });
}

async function judge(board: Ground["board"], clients: Client[], told: Told[]): Promise<Pick<Trial, "end" | "words">> {
  const now = await glanceAt(board, first.device);
  const words = `${told.map(({ is }) => is).join(" and ")}; ${inWords(now)}`;
  const all = `${words}; ${JSON.stringify(now)}; ${told.map(({ words }) => words).join(" | ")}`;
  const winners = clients.filter((_, index) => told[index]?.is === "done");
  const [winner] = winners;
  if (hasJournal(now)) return { end: "half-bound", words: `a journal is left: ${all}` };
  if (winner === undefined || winners.length > 1) return { end: "lost", words: `${winners.length} won: ${all}` };
  if (!isSame(now, winner.shape.to)) return { end: "half-bound", words: `not as the winner wished: ${all}` };
  const claimant = String(winner.inputs.claimant);
  if (!now.claim.includes(`claimant ${claimant}`)) return { end: "lost", words: `the claim is not the winner's: ${all}` };
  const losers = told.filter(({ is }) => is !== "done");
  const isTold = losers.every(({ is, words }) => is === "untouched" && (words.includes(claimant) || words.includes("Another transaction")));
  if (!isTold) return { end: "lost", words: `a loser was not told who won: ${all}` };
  const back = await winner.giveBack();
  const after = await glanceAt(board, first.device);
  if (back.is !== "done" || !isSame(after, first.from))
    return { end: "half-bound", words: `not given back: ${back.words}: ${inWords(after)}` };
  return { end: "done", words };
}
