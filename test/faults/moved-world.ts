import { aftermathOf } from "./aftermath";
import { type Attacked, openAttacked } from "./attacked";
import { type Dialogue, measure } from "./dialogue";
import type { Case, Ground } from "./frame";
import { puttingBack, type State } from "./glance";
import { type LinkProxy, openProxy } from "./proxy";
import { ready } from "./ready";
import { type Shape, shapeOf } from "./shapes";

const shape = shapeOf("pci rebind");
const [, card] = shape.device;
const onStub: State = { driver: "pci-stub", override: "pci-stub" };

interface Move {
  name: string;
  /** Run on the board between the plan and its transaction. */
  command: string;
  /** What the device is then, and so what a resource that takes it goes back to; undefined where it is gone. */
  becomes: State | undefined;
  /** Brings the board back to where all begin. */
  after?: string;
}

const moves: Move[] = [
  { name: "rebound by hand", command: `(${puttingBack(shape.device, onStub)})`, becomes: onStub },
  { name: "unbound by hand", command: `echo ${card} >/sys/bus/pci/drivers/e1000e/unbind`, becomes: { driver: null, override: null } },
  {
    name: "vanished and came back",
    command: `echo 1 >/sys/bus/pci/devices/${card}/remove; echo 1 >/sys/bus/pci/rescan`,
    becomes: shape.from,
  },
  { name: "vanished", command: `echo 1 >/sys/bus/pci/devices/${card}/remove`, becomes: undefined, after: "echo 1 >/sys/bus/pci/rescan" },
  { name: "its driver unloaded", command: "rmmod e1000e", becomes: { driver: null, override: null }, after: "modprobe e1000e" },
];
/** Moves it again and again, until the file is gone. */
const keepMoving =
  `touch /tmp/keep-moving; setsid sh -c 'while [ -e /tmp/keep-moving ]; do echo ${card} >/sys/bus/pci/drivers/e1000e/unbind; usleep 300000; ` +
  `echo ${card} >/sys/bus/pci/drivers/e1000e/bind; usleep 300000; done' </dev/null >/dev/null 2>&1 & echo started`;

/** Between the plan and its transaction the device was moved: planned again, three times at most, and then a clear error. */
export const movedWorld: Case = {
  name: "moved world",
  async play(ground) {
    const [attacked, proxy] = [await openAttacked(), await openProxy(ground.board.port)];
    try {
      const dialogue = await measure(ground.board, attacked, proxy, shape);
      const rounds = ground.trials(1, 7);
      for (let round = 0; round < rounds; round++) {
        for (const move of moves) await tryMove(ground, attacked, proxy, dialogue, move);
        await tryMoving(ground, attacked);
      }
    } finally {
      await Promise.all([attacked.close(), proxy.close()]);
    }
  },
};

async function tryMove(
  { board, random, record }: Ground,
  attacked: Attacked,
  proxy: LinkProxy,
  { up }: Dialogue,
  move: Move,
): Promise<void> {
  const client = await ready(board, attacked, shape, { port: proxy.port });
  await board.shell("modprobe pci-stub");
  await attacked.logOut();
  const byte = random.between(Math.floor(up * 0.7), Math.floor(up * 0.95));
  proxy.arm({ direction: "up", byte, how: () => board.shell(`${move.command}; echo >/sys/kernel/debug/tracing/trace`) });
  const told = await client.attackedOperation();
  const isInside = proxy.isHit();
  if (move.after !== undefined && move.becomes === undefined) await board.shell(move.after);
  const from = move.becomes ?? shape.from;
  const moved: Shape = { ...shape, from };
  const next = client.inHandsOf(attacked, board, {}, moved);
  const verdict = await aftermathOf(board, next, told);
  const isExpected = told.is === (move.becomes === undefined ? "untouched" : "done");
  const wrong = isExpected ? verdict : { end: "lost" as const, words: `told ${told.is}: ${told.words}` };
  record({ shape: move.name, hit: `byte ${byte} up`, isInside, ...wrong });
  if (move.after !== undefined) await board.shell(`echo >/sys/bus/pci/devices/${card}/driver_override; ${move.after}`);
}

/** Whatever becomes of it while it is moved, its words are right, and it comes true when all is quiet. */
async function tryMoving({ board, record }: Ground, attacked: Attacked): Promise<void> {
  const client = await ready(board, attacked, { ...shape, isPastOpen: true });
  await board.shell(keepMoving);
  const told = await client.attackedOperation();
  await board.shell("rm -f /tmp/keep-moving; usleep 700000");
  const next = await aftermathOf(board, client.inHandsOf(attacked, board), { ...told, is: "nothing" });
  record({ shape: "moved all the time", hit: "every 300 ms", isInside: true, ...next, words: `${next.words}; ${told.is}: ${told.words}` });
}
