import { watchWrites } from "../kernel/witness";
import { aftermathOf } from "./aftermath";
import { openAttacked } from "./attacked";
import { type Dialogue, measure, nearlySent } from "./dialogue";
import type { Case } from "./frame";
import { openProxy } from "./proxy";
import { ready } from "./ready";
import { type Shape, shapeOf } from "./shapes";

/** They begin where the board is after a boot, since that is what a reset goes back to. */
const bootShapes = ["pci rebind", "pci unbind", "amba unbind"].map(shapeOf);

/** The board is reset, or loses its power and gets it again, in the middle of a dialogue. */
export const power: Case = {
  name: "power",
  async play({ board, random, trials, record }) {
    const [attacked, proxy] = [await openAttacked(), await openProxy(board.port)];
    const dialogues = new Map<Shape, Dialogue>();
    try {
      for (let trial = 0; trial < trials(2, 16); trial++) {
        const shape = random.one(bootShapes);
        const dialogue = dialogues.get(shape) ?? (await measure(board, attacked, proxy, shape));
        dialogues.set(shape, dialogue);
        const { up } = dialogue;
        const isReset = trial % 2 === 0;
        const [byte, afterMilliseconds] = [
          random.between(Math.floor(up * 0.5), nearlySent(dialogue)),
          random.one([0, random.between(1, dialogue.workMilliseconds)]),
        ];
        const client = await ready(board, attacked, shape, { port: proxy.port });
        await attacked.logOut();
        let isUp: Promise<void> | undefined;
        const isCut = new Promise<void>((resolve) => {
          const how = async () => {
            isUp = isReset ? board.reset() : board.powerOff().then(() => board.powerOn());
            resolve();
          };
          proxy.arm({ direction: "up", byte, afterMilliseconds, how });
        });
        const { words } = await client.attackedOperation();
        const isInside = isUp !== undefined;
        // A dialogue that was quicker than measured leaves a cut behind that still comes.
        if (proxy.isHit()) await isCut.then(() => isUp).then(() => watchWrites(board));
        await attacked.logOut();
        const verdict = await aftermathOf(board, client.inHandsOf(attacked, board), { is: "nothing", words });
        const hit = `${isReset ? "reset" : "off and on"} at byte ${byte} up and ${afterMilliseconds} ms`;
        record({ shape: shape.name, hit, isInside, ...verdict });
      }
    } finally {
      await Promise.all([attacked.close(), proxy.close()]);
    }
  },
};
