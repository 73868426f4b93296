import { look, newTransactionId, type Outcome } from "../board/board";
import type { Place } from "../inventory";
import type { Connection } from "../schema";
import { addressOf } from "../ssh/connection";
import type { Transaction, TransactionDevice } from "../transaction";
import { applyOnce } from "./apply";
import { notWritten } from "./outcome";
import { deviceAt } from "./request";

const timeoutSeconds = 60;
const nothing = { timeoutSeconds, force: false, confirmSeconds: null, afterRebind: [], steps: [] };

/**
 * Has the board undo what dead writers left, as it does before any transaction: all of them, whoever they belong to. One that an
 * earlier undo could not bring back is tried once more, since its devices are named. Nothing else is written to a device.
 * @throws DevbindError "busy" or "refused" where the board does not get to it, or what the connection says
 */
export async function undoInterrupted(connection: Connection, claimant: string, places: readonly Place[]): Promise<void> {
  const items = places.map(({ bus, device }) => ({ bus, device, driver: null, module: null }));
  const { devices } = await look(connection, items, { timeoutSeconds });
  const named = places.map(({ bus, device }, index): TransactionDevice => {
    const { driver, override, hasOverride, isPresent } = deviceAt({ devices }, index);
    const seen = { driver, override, hasOverride, ...(!isPresent && { isGone: true }) };
    return { bus, device, driver: null, module: null, seen, wish: {}, claim: "keep", past: { driver: null, override: null } };
  });
  const outcome = await send(connection, { ...nothing, id: newTransactionId(), claimant, devices: named });
  // The undo comes first; what it moved, the transaction finds moved.
  if (outcome.outcome.is !== "done" && outcome.outcome.is !== "moved") throw failed(outcome, places, connection);
}

/**
 * Drops a claimant's claims on devices, wherever these are now, with what keeps them over a reboot; ids that were added and modules that
 * were loaded for them are taken back where nobody uses them. The devices stay on their drivers.
 * @throws DevbindError "busy" or "refused" (nothing released), or what the connection says
 */
export async function releaseClaims(connection: Connection, claimant: string, places: readonly Place[]): Promise<void> {
  const left = places.map(({ bus, device }) => ({ bus, device }));
  const outcome = await send(connection, { ...nothing, id: newTransactionId(), claimant, devices: [], left });
  if (outcome.outcome.is !== "done") throw failed(outcome, places, connection);
}

interface Sent {
  outcome: Outcome;
  transaction: Transaction;
}

async function send(connection: Connection, transaction: Transaction): Promise<Sent> {
  const { outcome } = await applyOnce(connection, transaction, () => look(connection, [], { timeoutSeconds }));
  return { outcome, transaction };
}

const failed = ({ outcome, transaction }: Sent, places: readonly Place[], connection: Connection): Error =>
  notWritten(outcome, places.map(({ device }) => device).join(", "), addressOf(connection), transaction);
