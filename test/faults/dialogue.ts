import type { Attacked } from "./attacked";
import type { Board } from "../boards/board";
import type { LinkProxy } from "./proxy";
import { ready } from "./ready";
import type { Shape } from "./shapes";

/** A dialogue that was not hurt, from the first byte of its login to the last of its answer. */
export interface Dialogue {
  shape: Shape;
  /** How many bytes each way. */
  up: number;
  down: number;
  /** How long the board worked after nearly all was sent. */
  workMilliseconds: number;
}

/** Runs the shape's operation once over a fresh login, and counts. */
export async function measure(board: Board, attacked: Attacked, proxy: LinkProxy, shape: Shape): Promise<Dialogue> {
  const client = await ready(board, attacked, shape, { port: proxy.port });
  await attacked.logOut();
  proxy.arm();
  const told = await client.attackedOperation();
  if (told.is !== "done") throw new Error(`${shape.name} fails also when nobody attacks it: ${told.words}`);
  const { up, down } = proxy.carried();
  return { shape, up, down, workMilliseconds: Date.now() - proxy.momentOf(nearlySent({ up })) };
}

/** The byte after which the board has its whole second request but for a last piece, so that what comes some time later hits its work. */
export const nearlySent = ({ up }: Pick<Dialogue, "up">): number => Math.floor(up * 0.98);
