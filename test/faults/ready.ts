import type { Board } from "../boards/board";
import type { Attacked } from "./attacked";
import { Client, type Way } from "./client";
import { puttingBack } from "./glance";
import type { Shape } from "./shapes";

/** How the client goes to the board, and what is made ready beside its device. */
interface Readiness extends Way {
  /** Others are ready on this board already: what they have there stays. */
  isBesideOthers?: boolean;
  /** Run on the board last. */
  arm?: string;
}

/** The device as it is before the attack, and its client: one that holds the device already, where the attack is on giving it back. */
export async function ready(board: Board, attacked: Attacked, shape: Shape, readiness: Readiness = {}): Promise<Client> {
  const { isBesideOthers = false, arm = ":", ...way } = readiness;
  const clean = isBesideOthers ? ":" : "rm -rf /run/devbind";
  await board.shell(`${clean}; (${puttingBack(shape.device, shape.from)}); ${shape.before ?? ":"}; ${shape.isDelete ? ":" : arm}`);
  const client = new Client(attacked, board, shape, way);
  if (!shape.isDelete) return client;
  const told = await client.take();
  if (told.is !== "done") throw new Error(`the resource to be given up could not be made: ${told.words}`);
  await board.shell(`rm -f /run/devbind/*/outcome.*; echo >/sys/kernel/debug/tracing/trace; ${arm}`);
  return client;
}
