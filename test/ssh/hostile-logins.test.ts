import { describe, it } from "vitest";
import { Attacks } from "./hostile";
import { no, number, packet, text, yes } from "./hostile-packets";
import type { Hostility, SshHostility } from "./hostile-server";
import { makeKey } from "./keys";

/** Servers that have the board's key, and let nobody in. */
const attacks = new Attacks();

const key = makeKey();
const unasked = /^root@\S+ sent more than \d+ bytes that nobody had asked for\. Nothing was sent to the board\./;
const denied = (why: string) => new RegExp(`^root@\\S+ let nobody in: ${why} Nothing was sent to the board\\.`);

/** Lets the client try one way in, and does something else then. */
const asking = (
  method: "password" | "keyboard-interactive" | "publickey",
  attack: NonNullable<SshHostility["authentication"]>,
): Hostility => ({
  authentication: (context, wire, connection) => {
    if (context.method === "none") context.reject([method]);
    else attack(context, wire, connection);
  },
});
const prompts = (count: number) => [text(""), text(""), text(""), number(count)];
const prompt = [...prompts(1), text("Password: "), no];

describe.concurrent("a server that never comes to an end", () => {
  it.for<[string, Hostility]>([
    ["of its banners", { authentication: (_context, wire) => wire.flood(packet.authBanner, text("\u001b[2J".repeat(5000)), text("")) }],
    ["of its prompts", asking("keyboard-interactive", (_context, wire) => wire.flood(packet.authQuestion, ...prompt))],
    [
      "of its prompts, and reads no answer",
      asking("keyboard-interactive", (_context, wire) => {
        wire.turnDeaf();
        wire.flood(packet.authQuestion, ...prompt);
      }),
    ],
    ["of questions without a prompt", asking("keyboard-interactive", (_context, wire) => wire.flood(packet.authQuestion, ...prompts(0)))],
    [
      "of new keys",
      asking("password", (_context, _wire, connection) => {
        const again = () => setImmediate(() => connection.rekey(again));
        again();
      }),
    ],
  ])("is cut off: %s", async ([, hostility], { signal }) => {
    await attacks.failsWith("protocol", unasked, { work: "look", hostility, signal });
  });

  it("is cut off: of signatures that it wants", async ({ signal }) => {
    const blob = Buffer.from(key.publicKey.split(" ")[1] ?? "", "base64");
    const hostility = asking("publickey", (_context, wire) => {
      wire.turnDeaf();
      wire.flood(packet.authQuestion, text("ssh-ed25519"), text(blob));
    });
    const connection = { password: undefined, privateKey: key.privateKey };
    await attacks.failsWith("protocol", unasked, { work: "look", hostility, signal, connection });
  });

  it("is given up in time where it says nothing", async ({ signal }) => {
    const says = /it took the connection, but did not finish the (login|SSH handshake) within 3 s/;
    const hostility = asking("password", () => {});
    await attacks.failsWith("unreachable", says, { work: "look", hostility, signal, connection: { perDialTimeout: 3 } });
  });
});

describe.concurrent("a server that lets nobody in", () => {
  const passwordTaken = "it took none of: the password\\. It offers: password\\.";
  const refusal = (methods: string) => [text(methods), no];
  const colourful = `\u001b[31mred\u001b[0m,${"x".repeat(20_000)},password`;

  it.for<[string, RegExp, Hostility]>([
    [
      "and asks thirty million things at once",
      denied(".* It says: it asks for too many answers at once\\."),
      asking("keyboard-interactive", (_context, wire) => wire.send(packet.authQuestion, ...prompts(33_554_431))),
    ],
    ["for ever", denied(passwordTaken), asking("password", (_context, wire) => wire.flood(packet.authFailure, ...refusal("password")))],
    [
      "but half, for ever",
      denied(passwordTaken),
      asking("password", (_context, wire) => wire.flood(packet.authFailure, text("password"), yes)),
    ],
    [
      "but by ways that a terminal would obey",
      denied("it took none of: the password\\. It offers: red, x{40}…, password\\."),
      asking("password", (_context, wire) => wire.flood(packet.authFailure, ...refusal(colourful))),
    ],
  ])("is told of as it is: %s", async ([, says, hostility], { signal }) => {
    await attacks.failsWith("denied", says, { work: "look", hostility, signal });
  });

  it("who doesn't send compressed packets, which could be a thousand times larger inside", async ({ signal }) => {
    const says = /^Cannot speak SSH with root@\S+: Handshake failed: no matching C->S compression\. Nothing was sent to the board\./;
    const hostility = { algorithms: { compress: ["zlib@openssh.com" as const, "zlib" as const] } };
    await attacks.failsWith("protocol", says, { work: "look", hostility, signal });
  });
});
