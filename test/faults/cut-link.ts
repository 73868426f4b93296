import { writesOn } from "../kernel/witness";
import { aftermathOf, type Verdict } from "./aftermath";
import { type Attacked, openAttacked } from "./attacked";
import type { Client, Told } from "./client";
import { type Dialogue, measure, nearlySent } from "./dialogue";
import type { Case, Ground } from "./frame";
import { settle } from "./glance";
import { type Fault, type LinkProxy, openProxy } from "./proxy";
import { ready } from "./ready";
import { type Shape, shapeOf } from "./shapes";

const cutShapes = ["pci rebind", "pci unbind", "pci bind", "pci give back", "amba unbind", "amba bind"].map(shapeOf);
/** Each on a device of its own, so that they can wait for their dead links at the same time. */
const frozenShapes = ["pci rebind", "platform bind", "amba unbind"].map(shapeOf);

/**
 * The link is reset, closed or frozen at bytes spread over the whole dialogue, both ways, and at moments while the board works; now
 * and then the next one too, over which the client asks what became of it.
 */
export const cutLink: Case = {
  name: "cut link",
  async play(ground) {
    const [attacked, proxy] = [await openAttacked(), await openProxy(ground.board.port)];
    try {
      const dialogues: Dialogue[] = [];
      for (const shape of ground.isShort ? cutShapes.slice(0, 2) : cutShapes)
        dialogues.push(await measure(ground.board, attacked, proxy, shape));
      const cuts = ground.trials(8, 220);
      const parts = ground.random.shuffled(Array.from({ length: cuts }, (_, index) => (index + 0.5) / cuts));
      for (const [number, part] of parts.entries()) {
        const dialogue = ground.random.one(dialogues);
        const again = number % 5 === 4 ? [faultIn(ground, { ...dialogue, up: dialogue.up / 2 }, ground.random.between(0, 99) / 100)] : [];
        await tryFault(ground, attacked, proxy, dialogue, [faultIn(ground, dialogue, part), ...again]);
      }
      for (let freeze = 0; freeze < ground.trials(3, 21); freeze += frozenShapes.length)
        await tryFreezes(ground, attacked, Math.min(...dialogues.map(({ up }) => up)));
    } finally {
      await Promise.all([attacked.close(), proxy.close()]);
    }
  },
};

/** The part says how far into the dialogue, so that all of them together leave no stretch of it out. */
function faultIn({ random }: Ground, dialogue: Dialogue, part: number): Fault {
  const { up, down, workMilliseconds } = dialogue;
  const how = random.one(["reset", "close"] as const);
  switch (random.one(["up", "down", "while it works", "while it works"] as const)) {
    case "up":
      return { direction: "up", byte: Math.max(1, Math.floor(up * part)), how };
    case "down":
      return { direction: "down", byte: Math.max(1, Math.floor(down * part)), how };
    case "while it works":
      return { direction: "up", byte: nearlySent(dialogue), afterMilliseconds: 1 + Math.floor(workMilliseconds * part), how };
  }
}

async function tryFault(ground: Ground, attacked: Attacked, proxy: LinkProxy, { shape }: Dialogue, faults: Fault[]): Promise<void> {
  const { board } = ground;
  const client = await ready(board, attacked, shape, { port: proxy.port, dialErrorLimit: 3 });
  await attacked.logOut();
  proxy.arm(...faults);
  const told = await client.attackedOperation();
  const isInside = proxy.isHit();
  await settle(board);
  const verdict = sentTwice(await writesOn(board), shape, told) ?? (await aftermathOf(board, client.inHandsOf(attacked, board), told));
  ground.record({ shape: shape.name, hit: faults.map(wordsOf).join(", then "), isInside, ...verdict });
}

/** All are frozen at once, since a client believes in a silent link for up to a minute; within the bytes of the shortest dialogue. */
async function tryFreezes(ground: Ground, attacked: Attacked, shortest: number): Promise<void> {
  const { board, random } = ground;
  const proxies = await Promise.all(frozenShapes.map(() => openProxy(board.port)));
  try {
    const clients: Client[] = [];
    for (const [index, shape] of frozenShapes.entries())
      clients.push(await ready(board, attacked, shape, { port: proxies[index]?.port, isBesideOthers: index > 0 }));
    const faults = proxies.map((): Fault => ({ direction: "up", byte: random.between(1000, shortest), how: "freeze" }));
    const told = await Promise.all(
      clients.map((client, index) => {
        proxies[index]?.arm(faults[index]);
        return client.attackedOperation();
      }),
    );
    // As the board's own keepalives would end it: a shell may still wait there for the rest of a script.
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await settle(board);
    const writes = await writesOn(board);
    for (const [index, client] of clients.entries()) {
      const said = told[index];
      const fault = faults[index];
      if (said === undefined || fault === undefined) continue;
      const verdict = sentTwice(writes, client.shape, said) ?? (await aftermathOf(board, client.inHandsOf(attacked, board), said));
      ground.record({ shape: client.shape.name, hit: wordsOf(fault), isInside: proxies[index]?.isHit() ?? false, ...verdict });
    }
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
}

/** What was done is told, and no write to the device came twice. */
function sentTwice(writes: string[], { device: [, name] }: Shape, told: Told): Verdict | undefined {
  const own = writes.filter((write) => write === `unbind ${name}` || write === `bind ${name}`);
  if (told.is === "unknown" && own.length > 0)
    return { end: "lost", words: `${own.join(", ")}, and the client never learned: ${told.words}` };
  if (new Set(own).size < own.length && told.is !== "undone") return { end: "lost", words: `sent twice: ${own.join(", ")}` };
  return undefined;
}

const wordsOf = ({ direction, byte, afterMilliseconds, how }: Fault) =>
  `${typeof how === "string" ? how : "held"} at byte ${byte} ${direction}${afterMilliseconds ? ` and ${afterMilliseconds} ms` : ""}`;
