import { driverOf, groupOf } from "../kernel/eyes";
import { holdOpen } from "../kernel/holder";
import { aftermathOf } from "./aftermath";
import { type Attacked, openAttacked } from "./attacked";
import { type Dialogue, measure, nearlySent } from "./dialogue";
import type { Case, Ground } from "./frame";
import { glanceAt, hasJournal, inWords, isSame, settle } from "./glance";
import { type LinkProxy, openProxy } from "./proxy";
import { ready } from "./ready";
import { type Shape, shapeOf } from "./shapes";

interface Refusing {
  driver: string;
  errno: string;
  /** Run on the board before. */
  before?: string;
}
const rogue = (errno: string, number: number): Refusing => ({
  driver: "devbind-rogue",
  errno,
  before: `modprobe devbind_rogue; echo ${number} >/sys/module/devbind_rogue/parameters/error`,
});

/** Drivers whose own probe refuses a virtio device, each with an errno of its own; and our own, which gives any. */
const refusing: Refusing[] = [
  { driver: "fw_cfg", errno: "EBUSY" },
  { driver: "gpio-clk", errno: "ENOENT" },
  rogue("ENOMEM", 12),
  { driver: "gpio-keys", errno: "ENODEV" },
  { driver: "simple-framebuffer", errno: "EINVAL" },
  { driver: "of_fixed_clk", errno: "EIO" },
  rogue("ENXIO", 6),
];
const free = shapeOf("platform unbind");
const giveBack = shapeOf("pci give back");

/** The kernel says no: a probe refuses, and all is as before; or a write does not come back, because somebody holds the device. */
export const refusals: Case = {
  name: "refusals",
  async play(ground) {
    const [attacked, proxy] = [await openAttacked(), await openProxy(ground.board.port)];
    try {
      const dialogue = await measure(ground.board, attacked, proxy, free);
      for (let trial = 0; trial < ground.trials(3, 42); trial++) {
        const one = refusing[trial % refusing.length];
        const cutMilliseconds = trial % 2 === 0 ? ground.random.between(1, dialogue.workMilliseconds) : undefined;
        if (one !== undefined) await tryProbe(ground, attacked, proxy, dialogue, one, cutMilliseconds);
      }
      for (let trial = 0; trial < ground.trials(1, 6); trial++) await tryHeld(ground, attacked, proxy, dialogue);
    } finally {
      await Promise.all([attacked.close(), proxy.close()]);
    }
  },
};

/** A probe refuses, and in every other trial the link is cut meanwhile: undone, and the client names the kernel's own word. */
async function tryProbe(
  { board, record }: Ground,
  attacked: Attacked,
  proxy: LinkProxy,
  dialogue: Dialogue,
  { driver, errno, before }: Refusing,
  afterMilliseconds: number | undefined,
): Promise<void> {
  const shape: Shape = { ...free, name: `probe of ${driver}`, to: { driver, override: driver }, before };
  const client = await ready(board, attacked, shape, { port: proxy.port, dialErrorLimit: 3 });
  await attacked.logOut();
  proxy.arm(afterMilliseconds === undefined ? undefined : { direction: "up", byte: nearlySent(dialogue), afterMilliseconds, how: "reset" });
  const told = await client.attackedOperation();
  await settle(board);
  const at = await glanceAt(board, shape.device);
  const isBack = isSame(at, shape.from) && !hasJournal(at) && at.claim.length === 0;
  const words = `told ${told.is}; is ${inWords(at)}: ${told.words}`;
  const isTold = told.is === "undone" && told.words.includes(`(${errno})`);
  // A link that is cut before the board has the whole request leaves nothing to tell of.
  const isUntouched = told.is === "unknown" && at.writes.length === 0;
  const end = !isBack ? "half-bound" : isTold || isUntouched ? "undone" : "lost";
  const hit = `bind, ${errno}${afterMilliseconds === undefined ? "" : `, and the link is cut after ${afterMilliseconds} ms`}`;
  record({ shape: shape.name, hit, isInside: at.writes.length > 0 || proxy.isHit(), end, words });
}

/** The device is opened between the check and the transaction: stuck, with the holder's name, until it ends. */
async function tryHeld({ board, random, record }: Ground, attacked: Attacked, proxy: LinkProxy, { up }: Dialogue): Promise<void> {
  const client = await ready(board, attacked, giveBack, { port: proxy.port, timeoutSeconds: 4 });
  await attacked.logOut();
  let holder = "";
  const byte = random.between(Math.floor(up * 0.7), Math.floor(up * 0.95));
  const hold = async () => {
    holder = await holdOpen(board, await groupOf(board, giveBack.device), giveBack.device[1]);
  };
  proxy.arm({ direction: "up", byte, how: hold });
  const told = await client.attackedOperation();
  const isInside = proxy.isHit();
  const isNamed = told.is === "stuck" && holder !== "" && told.words.includes(`virtual-machine/${holder}`);
  await board.shell(
    `kill ${holder}; tries=300; until [ -e /sys/bus/pci/devices/${giveBack.device[1]}/driver ] || [ $tries -eq 0 ]; do tries=$((tries - 1)); usleep 100000; done`,
  );
  const words = `told ${told.is}; then ${await driverOf(board, giveBack.device)}`;
  const after = await aftermathOf(board, client.inHandsOf(attacked, board), { ...told, is: "nothing" });
  const isGood = after.end === "undone" || after.end === "done";
  const end = !isGood ? after.end : isNamed ? "stuck" : "lost";
  record({ shape: "held by vfio", hit: `opened at byte ${byte} up`, isInside, end, words: `${words}; ${after.words}; ${told.words}` });
}
