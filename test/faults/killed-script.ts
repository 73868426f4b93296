import { aftermathOf } from "./aftermath";
import { type Attacked, openAttacked } from "./attacked";
import type { Case, Ground } from "./frame";
import { armed, killedAt, notedOn, noting, type Victim, withHits } from "./hits";
import { ready } from "./ready";
import { type Shape, shapes } from "./shapes";

interface Hands {
  ordinary: Attacked;
  /** Its script counts its writes and is killed at one of them. */
  doomed: Attacked;
}

interface Kill {
  shape: Shape;
  write: number;
  victim: Victim;
  /** The write at which the undo by the next transaction is killed too. */
  again?: number;
}

/** The script, its writer or both are killed after every single write of it, for every shape of these buses. */
export const killedScript = (...buses: string[]): Case => ({
  name: `killed script, ${buses.join(" and ")}`,
  async play(ground) {
    const hands = { ordinary: await openAttacked(), doomed: await openAttacked(withHits) };
    const ours = shapes.filter(({ device: [bus] }) => buses.includes(bus));
    try {
      for (const kill of await killsFor(ground, hands, ours)) await tryKill(ground, hands, kill);
    } finally {
      await Promise.all([hands.ordinary.close(), hands.doomed.close()]);
    }
  },
});

/** Both are killed at every write of every shape; as many again with another victim, or whose undo is killed too. In a seeded order. */
async function killsFor(ground: Ground, hands: Hands, ours: Shape[]): Promise<Kill[]> {
  const { random, isShort } = ground;
  const [every, more]: [Kill[], Kill[]] = [[], []];
  for (const shape of isShort ? random.shuffled(ours).slice(0, 2) : ours) {
    const client = await ready(ground.board, hands.ordinary, shape, { arm: noting });
    await client.inHandsOf(hands.doomed, ground.board).attackedOperation();
    const writes = await notedOn(ground.board);
    const journal = writes.findIndex((write) => write.includes("/journal."));
    writes.forEach((_, index) => {
      every.push({ shape, write: index + 1, victim: "both" });
      more.push({ shape, write: index + 1, victim: "script" }, { shape, write: index + 1, victim: "writer" });
      if (index >= journal) more.push({ shape, write: index + 1, victim: "both", again: random.between(1, 20) });
    });
  }
  const kills = [...random.shuffled(every), ...random.shuffled(more)];
  if (!isShort) return kills.slice(0, ground.trials(0, Math.ceil(every.length * 1.6)));
  return [...kills.slice(0, 4), ...kills.slice(every.length, every.length + 3)];
}

async function tryKill(ground: Ground, hands: Hands, { shape, write, victim, again }: Kill): Promise<void> {
  const { board } = ground;
  const client = await ready(board, hands.ordinary, shape, { arm: armed(write, victim) });
  const doomed = client.inHandsOf(hands.doomed, board);
  let told = await doomed.attackedOperation();
  const hits = [await killedAt(board)];
  if (again !== undefined && hits[0] !== undefined) {
    await board.shell(armed(again, "both"));
    told = await doomed.attackedOperation();
    hits.push(await killedAt(board));
  }
  await board.shell("rm -f /tmp/devbind-kill");
  const verdict = await aftermathOf(board, client, told);
  const hit = hits
    .map((one) => one?.replace(/\/run\/devbind\/[^/]*\//g, "").replace(/\d+\.\d+\.[0-9a-f-]{36}/g, "ITSELF") ?? "not reached")
    .join(", then ");
  ground.record({ shape: shape.name, hit: `${victim} at ${hit}`, isInside: hits[0] !== undefined, ...verdict });
}
