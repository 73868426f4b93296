import { randomBytes } from "node:crypto";
import { describe, it } from "vitest";
import { Attacks } from "./hostile";
import { number, packet, plainKexInit, plainPacket, pour, text } from "./hostile-packets";
import type { Hostility } from "./hostile-server";

/** What says things on the board's port before there is any key: whoever is in the way can. */
const attacks = new Attacks();

const identification = Buffer.from("SSH-2.0-hostile\r\n");
const notSsh = (why: string) => new RegExp(`^Cannot speak SSH with root@\\S+: ${why}\\. Nothing was sent to the board\\.`);
/** The limit that is met first hangs on how the network cuts it: `ssh2`'s 8192 bytes a line and 1024 lines, or ours. */
const cutOff =
  /^(root@\S+ sent more than \d+ bytes that nobody had asked for|Cannot speak SSH with root@\S+: (Header line too long|Max greeting lines exceeded))\. Nothing was sent to the board\./;

/** Says something once. */
const saying = (...parts: Buffer[]): Hostility => ({ socket: (client) => client.write(Buffer.concat(parts)) });
/** Says something at once, and something else for ever. */
const pouring = (first: string | Buffer, endless: string | Buffer): Hostility => ({
  socket: (client) => {
    client.write(first);
    pour(client, () => client.write(endless));
  },
});

describe.concurrent("a server that never comes to an end", () => {
  it.for<[string, RegExp, Hostility]>([
    ["of its garbage", cutOff, pouring("", Buffer.from(randomBytes(65_536).map((byte) => byte | 0x20)))],
    ["of its first line", cutOff, pouring("", "x".repeat(65_536))],
    ["of its first line, in small pieces", cutOff, pouring("x".repeat(100), "x".repeat(1000))],
    ["of the lines before its identification", cutOff, pouring("", `${"x".repeat(70)}\r\n`)],
    ["of its identification", cutOff, pouring("SSH-2.0-", "x".repeat(65_536))],
    ["of a packet", notSsh("Bad packet length"), pouring(identification, Buffer.alloc(65_536, 0xff))],
    ["of packets that say nothing", cutOff, pouring(identification, plainPacket(packet.ignore, text("")))],
    ["of key exchanges", notSsh("Received extra KEXINIT during handshake"), pouring(identification, plainKexInit("curve25519-sha256"))],
  ])("is cut off: %s", async ([, says, hostility], { signal }) => {
    await attacks.failsWith("protocol", says, { work: "look", hostility, signal });
  });

  it.for<[string, Hostility]>([
    ["says nothing", saying()],
    ["says who it is, and no more", saying(identification)],
  ])("and %s is given up in time", async ([, hostility], { signal }) => {
    const says = /it took the connection, but did not finish the SSH handshake within 2 s/;
    await attacks.failsWith("unreachable", says, { work: "look", hostility, signal, connection: { perDialTimeout: 2 } });
  });
});

describe.concurrent("a server that wants too much before it has shown a key", () => {
  // 2^21701 - 1 is a prime, and to find that out takes hours.
  const prime = Buffer.concat([Buffer.from([0x1f]), Buffer.alloc(2712, 0xff)]);
  const group = plainPacket(packet.groupExchangeGroup, text(prime), text(Buffer.from([2])));
  const goodbye = plainPacket(packet.disconnect, number(2), text("\u001b]0;owned\u0007\u001b[2Jgo away\r\n\u202e"), text(""));

  it.for<[string, RegExp, Hostility]>([
    [
      "keys exchanged in a group of its choice",
      notSsh("Handshake failed: no matching key exchange algorithm"),
      saying(identification, plainKexInit("diffie-hellman-group-exchange-sha256"), group),
    ],
    [
      "to be believed that the login is over",
      notSsh("Received unexpected packet type 52"),
      saying(identification, plainKexInit("curve25519-sha256"), plainPacket(packet.authSuccess)),
    ],
    ["to be quoted with what a terminal would obey", notSsh("go away"), saying(identification, goodbye)],
  ])("does not get it: %s", async ([, says, hostility], { signal }) => {
    await attacks.failsWith("protocol", says, { work: "look", hostility, signal });
  });
});
