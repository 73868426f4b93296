import { describe, expect, it } from "vitest";
import { Attacks } from "./hostile";
import { boardLine, deviceLine, printing } from "./hostile-answers";
import { no, number, packet, text, type Wire } from "./hostile-packets";
import type { Hostility } from "./hostile-server";

/** Boards that let us in, and break the rules of the channel that the command runs on. */
const attacks = new Attacks();

const unknownProgress = "How far the command came is not known\\.";
const lost = (why: string) =>
  new RegExp(`^The connection to root@\\S+ was lost while a command was running there: ${why}\\. ${unknownProgress}`);
const late = new RegExp(`^root@\\S+ did not answer a command within 2 seconds\\. ${unknownProgress}`);
const tooMuch = new RegExp(
  `^root@\\S+ sent more than 1000000 bytes in answer to one command\\. The answer was thrown away and the command was cut off\\. ${unknownProgress}`,
);
const notAnswered = (how: string) => new RegExp(`^The shell on root@\\S+ ${how} before the script had answered`);

const first = number(0);
const block = text("x".repeat(30_000));
const errorsOf = (data: Buffer) => [first, number(1), data];
const obeyed = text("\u001b]0;owned\u0007\u001b[2Jgo away\r\n\u202e");

const session = (attack: (wire: Wire) => void): Hostility => ({ session: attack });
const running = (attack: (wire: Wire) => void) => session((wire) => attack(wire.openChannel().takeCommand()));
const ending = (...exit: Buffer[]) =>
  running((wire) => {
    wire.send(packet.channelRequest, first, ...exit);
    wire.send(packet.channelEof, first);
    wire.send(packet.channelClose, first);
  });
/** Says that no more comes, and goes on in the same breath. */
const goingOn = (wire: Wire) => {
  wire.send(packet.channelEof, first);
  for (const data of ["x", "y"]) wire.send(packet.extendedData, ...errorsOf(text(data)));
};

describe.concurrent("a board whose command never comes to an end", () => {
  it.for<[string, Hostility]>([
    ["it never opens the channel", session(() => {})],
    ["it never takes the command", session((wire) => wire.openChannel())],
    ["its window never opens", session((wire) => wire.openChannel({ window: 0 }).takeCommand())],
    ["it says that there is no more, and never closes", running((wire) => wire.send(packet.channelEof, first))],
    ["it goes on after the end", running(goingOn)],
    ["it goes on after the end, before it takes the command", session((wire) => goingOn(wire.openChannel()))],
  ])("is given up in time: %s", async ([, hostility], { signal }) => {
    await attacks.failsWith("unreachable", late, { work: "run for two seconds", hostility, signal });
  });

  it.for<[string, Hostility]>([
    ["of output", running((wire) => wire.flood(packet.channelData, first, block))],
    ["of errors", running((wire) => wire.flood(packet.extendedData, ...errorsOf(block)))],
    ["of output, byte for byte", running((wire) => wire.flood(packet.channelData, first, text("é".repeat(100))))],
  ])("is cut off when it sends more than its window: %s", async ([, hostility], { signal }) => {
    await attacks.failsWith("protocol", tooMuch, { work: "run", hostility, signal });
  });

  it("is believed when it has answered, and then goes on for ever", async ({ signal }) => {
    const answer = (nonce: string) => [boardLine(), deviceLine(), "end 2"].map((line) => `${nonce} ${line}\n`).join("");
    const hostility = printing(answer, { after: "endless" });
    expect(await attacks.answers({ work: "look", hostility, signal })).toMatchObject({ board: { hostName: "h" } });
  });
});

describe.concurrent("a board that breaks a rule", () => {
  it.for<[string, "unreachable" | "denied", RegExp, Hostility]>([
    [
      "it takes data by no bytes at once",
      "unreachable",
      lost("it takes data in crumbs only"),
      session((wire) => wire.openChannel({ packetSize: 0 }).takeCommand()),
    ],
    [
      "its output is cut",
      "unreachable",
      lost("Inbound: Malformed CHANNEL_DATA packet"),
      running((wire) => wire.send(packet.channelData, first)),
    ],
    ["its exit is cut", "unreachable", lost("Inbound: Malformed CHANNEL_REQUEST packet"), ending(text("exit-status"), no)],
    [
      "it ends a channel that there can't be",
      "unreachable",
      lost("Invalid channel id: 4294967295"),
      running((wire) => wire.send(packet.channelEof, number(0xffffffff))),
    ],
    [
      "it opens no channel, in words that a terminal would obey",
      "denied",
      /^root@\S+ let us in, but runs no command for us: go away\./,
      session((wire) => wire.send(packet.channelOpenFailure, first, number(1), obeyed, text(""))),
    ],
    [
      "it leaves in words that a terminal would obey",
      "unreachable",
      lost("go away"),
      running((wire) => wire.send(packet.disconnect, number(2), obeyed, text(""))),
    ],
  ])("gets an error, and no more: %s", async ([, kind, says, hostility], { signal }) => {
    await attacks.failsWith(kind, says, { work: "run", hostility, signal });
  });

  it.for<[string, string, Hostility]>([
    ["a code that there can't be", "ended with exit code 4294967295", ending(text("exit-status"), no, number(0xffffffff))],
    ["a signal that a terminal would obey", "was ended", ending(text("exit-signal"), no, obeyed, no, obeyed, obeyed)],
  ])("is told of by %s", async ([, how, hostility], { signal }) => {
    await attacks.failsWith("protocol", notAnswered(how), { work: "look", hostility, signal });
  });
});
