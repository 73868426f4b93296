import { describe, it } from "vitest";
import { Attacks } from "./hostile";
import { no, number, packet, text, type Wire, yes } from "./hostile-packets";
import type { Hostility } from "./hostile-server";

/** Boards that let us in, take our command, and send for ever what is no answer to it. */
const attacks = new Attacks();

const cutOff =
  /^root@\S+ sent more than \d+ bytes that nobody had asked for\. The connection was cut\. How far the command came is not known\./;
const first = number(0);
const block = text("x".repeat(30_000));
const keepAlive = text("keepalive@openssh.com");
const address = [text("127.0.0.1"), number(80)];
const channel = [first, number(2 ** 20), number(32_768)];

const running = (attack: (wire: Wire) => void): Hostility => ({
  session: (wire) => attack(wire.openChannel().takeCommand()),
});
const flooding = (type: number, ...parts: Buffer[]) => running((wire) => wire.flood(type, ...parts));
/** It reads no answer: what we say to each must not pile up. */
const deafAndFlooding = (type: number, ...parts: Buffer[]) =>
  running((wire) => {
    wire.turnDeaf();
    wire.flood(type, ...parts);
  });

describe.concurrent("a board that sends for ever what nobody asked for", () => {
  it.for<[string, Hostility]>([
    ["packets to be ignored", flooding(packet.ignore, block)],
    ["notes for debugging", flooding(packet.debug, yes, text("\u001b[2J".repeat(5000)), text(""))],
    ["room in the window", flooding(packet.windowAdjust, first, number(0xffffffff))],
    ["requests", flooding(packet.globalRequest, keepAlive, yes)],
    ["requests, and reads no answer", deafAndFlooding(packet.globalRequest, keepAlive, yes)],
    ["requests for a channel, and reads no answer", deafAndFlooding(packet.channelRequest, first, keepAlive, yes)],
    [
      "host keys to be proved",
      { ...flooding(packet.globalRequest, text("hostkeys-00@openssh.com"), no, ...new Array(300).fill(text("key"))), ident: "OpenSSH_9.9" },
    ],
    ["sessions of its own, and reads no answer", deafAndFlooding(packet.channelOpen, text("session"), ...channel)],
    ["forwarded connections", flooding(packet.channelOpen, text("forwarded-tcpip"), ...channel, ...address, ...address)],
    ["windows of X11", flooding(packet.channelOpen, text("x11"), ...channel, ...address)],
    ["wishes for our agent", flooding(packet.channelOpen, text("auth-agent@openssh.com"), ...channel)],
    ["output of a channel that there isn't", flooding(packet.channelData, number(7), block)],
    [
      "output before it takes the command",
      {
        session: (wire) => wire.openChannel().flood(packet.channelData, first, block),
      },
    ],
    [
      "output after the end of all output",
      running((wire) => {
        wire.send(packet.channelEof, first);
        wire.flood(packet.channelData, first, block);
      }),
    ],
    [
      "new keys",
      {
        session: (_wire, connection) => {
          const again = () => setImmediate(() => connection.rekey(again));
          again();
        },
      },
    ],
  ])("is cut off: %s", async ([, hostility], { signal }) => {
    await attacks.failsWith("protocol", cutOff, { work: "run", hostility, signal });
  });
});
