import { describe, it } from "vitest";
import { Attacks } from "./hostile";
import { number, packet, text, type Wire } from "./hostile-packets";
import type { Hostility } from "./hostile-server";

/** Jump hosts that let us in, and do not lead on to the board. */
const attacks = new Attacks();

const closed = /^Cannot reach root@board.invalid:\d+: it took the connection and closed it during the handshake/;
const first = number(0);
const jumping = (attack: (wire: Wire) => void): Hostility => ({ forward: attack });
const leadingTo = (attack: (wire: Wire) => void) => jumping((wire) => attack(wire.openChannel()));

describe.concurrent("a jump host that does not lead on", () => {
  it.for<[string, "protocol" | "unreachable" | "denied", RegExp, Hostility]>([
    [
      "but to garbage",
      "protocol",
      /^Cannot speak SSH with root@board.invalid:\d+: Header line too long\./,
      leadingTo((wire) => wire.flood(packet.channelData, first, text("x".repeat(30_000)))),
    ],
    [
      "but to errors",
      "unreachable",
      closed,
      leadingTo((wire) => wire.flood(packet.extendedData, first, number(1), text("x".repeat(30_000)))),
    ],
    [
      "but to a way that takes no bytes at once",
      "unreachable",
      /the jump host says: /,
      jumping((wire) => void wire.openChannel({ packetSize: 0 })),
    ],
    [
      "but to an end that goes on",
      "unreachable",
      closed,
      leadingTo((wire) => {
        wire.send(packet.channelEof, first);
        for (const data of ["x", "y"]) wire.send(packet.extendedData, first, number(1), text(data));
      }),
    ],
    [
      "and says so in words that a terminal would obey",
      "denied",
      /^The jump host root@\S+ .* lets us in, but does not lead on to root@board.invalid:\d+: go away\./,
      jumping((wire) =>
        wire.send(packet.channelOpenFailure, first, number(1), text("\u001b]0;owned\u0007\u001b[2Jgo away\r\n\u202e"), text("")),
      ),
    ],
  ])("gets an error, and no more: %s", async ([, kind, says, hostility], { signal }) => {
    await attacks.failsWith(kind, says, { work: "look", hostility, signal, isJump: true });
  });
});
