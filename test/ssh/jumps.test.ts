import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { makeKey } from "./keys";
import { makeMachine, whatIsMissing } from "./machine";
import { freePort, openConnections } from "./process";
import { connectionTo, errorOf, logsIn, makeProject, untilEnd } from "./project";
import { type RealServer, startDropbear, startSshd } from "./real-server";

const missing = whatIsMissing();
const [gateKey, boardKey] = [makeKey("ed25519", "correct horse"), makeKey("ecdsa")];
const password = "sword fish";
/** Gate one takes a password, gate two a key with a passphrase, the board a key of its own; each has its own host key. */
let one: RealServer;
let two: RealServer;
let closed: RealServer;
let board: RealServer;

beforeAll(async () => {
  if (missing !== undefined) return;
  const lifetime = "file";
  const users = [
    { name: "first", password },
    { name: "second", keys: [gateKey.publicKey] },
    { name: "operator", keys: [boardKey.publicKey], password },
  ];
  const machine = makeMachine({ users, etc: { sudoers: "operator ALL=(ALL) ALL\n" }, lifetime });
  [one, two, closed, board] = await Promise.all([
    startSshd(machine, ["PasswordAuthentication yes", "LogLevel DEBUG", "AllowUsers first"], { lifetime }),
    startDropbear(machine, ["-s"], { lifetime }),
    startSshd(machine, ["AllowTcpForwarding no"], { lifetime }),
    startSshd(machine, ["LogLevel DEBUG", "AllowUsers operator"], { lifetime }),
  ]);
});

const toOne = (fields = {}) => ({ host: "127.0.0.1", port: one.port, user: "first", password, hostKey: one.hostKey, ...fields });
const second = { user: "second", privateKey: gateKey.privateKey, privateKeyPassword: "correct horse" };
const toTwo = (fields = {}) => ({ host: "localhost", port: two.port, hostKey: two.hostKey, ...second, ...fields });
const own = { user: "operator", privateKey: boardKey.privateKey };
const through = (jumps: unknown[], fields = {}) => connectionTo(board.port, { ...own, hostKey: board.hostKey, jumps, ...fields });
const way = () => `(on the way to operator@127.0.0.1:${board.port})`;

describe.skipIf(missing !== undefined)(`two jump hosts, then the board${missing === undefined ? "" : ` (${missing})`}`, () => {
  it("are passed one through the other, each with its own user, credentials and host key", async () => {
    makeProject();
    expect(await logsIn(through([toOne(), toTwo()]))).toBe("in\nEND\n");
    expect(one.log()).toContain("Accepted password for first");
    expect(one.log()).toMatch(new RegExp(`server_request_direct_tcpip: .* target localhost port ${two.port}\\b`));
    expect(two.log()).toContain("Pubkey auth succeeded for 'second'");
    expect(board.log()).toContain("Accepted publickey for operator");
  });

  it("are passed in the order they stand in, also when one comes twice", async () => {
    makeProject();
    const before = one.log().split("Accepted password").length;
    expect(await logsIn(through([toTwo(), toOne(), toTwo(), toOne()]))).toBe("in\nEND\n");
    expect(one.log().split("Accepted password").length - before).toBe(2);
  });

  it("lead to a board where we become root, and only there", async () => {
    makeProject();
    const connected = await connect(through([toOne(), toTwo()], { become: "sudo", becomePassword: password }));
    const answer = await connected.run(untilEnd("id -u; echo END\n"));
    connected.end();
    expect(answer.stdout).toBe("0\nEND\n");
  });

  it("are left again when the board is", async () => {
    makeProject();
    const open = () => [one, two, board].map((server) => openConnections(server.port));
    await expect.poll(open, { timeout: 20_000 }).toEqual([0, 0, 0]);
    const connected = await connect(through([toOne(), toTwo()]));
    expect(open()).toEqual([1, 1, 1]);
    connected.end();
    await expect.poll(open, { timeout: 20_000 }).toEqual([0, 0, 0]);
  });

  it("are named when the second is off, shows another key, lets us not in, or doesn't lead on", async () => {
    makeProject();
    const off = await freePort();
    const at = (port: number) => `the jump host second@localhost:${port} ${way()}`;
    const failing: [unknown[], string, string | undefined, string][] = [
      [[toOne(), toTwo({ port: off, dialErrorLimit: 2 })], "unreachable", undefined, `Cannot reach ${at(off)}: the jump host says: `],
      [
        [toOne(), toTwo({ hostKey: one.hostKey })],
        "untrusted",
        "connection.jumps[1].hostKey",
        `The host key of ${at(two.port)} is not the one in connection.jumps[1].hostKey`,
      ],
      [
        [toOne(), toTwo({ user: "first" })],
        "denied",
        "connection.jumps[1]",
        `The jump host first@localhost:${two.port} ${way()} let nobody in`,
      ],
      [
        [toOne(), toTwo({ privateKeyPassword: "wrong" })],
        "invalid",
        "connection.jumps[1].privateKey",
        `Cannot use connection.jumps[1].privateKey for ${at(two.port)}: the passphrase is wrong`,
      ],
      [
        [toOne({ password: "wrong" }), toTwo()],
        "denied",
        "connection.jumps[0]",
        `The jump host first@127.0.0.1:${one.port} ${way()} let nobody in`,
      ],
      [
        [toOne(), toTwo({ port: closed.port, hostKey: closed.hostKey })],
        "denied",
        undefined,
        `The jump host second@localhost:${closed.port} ${way()} lets us in, but does not lead on to operator@127.0.0.1:${board.port}`,
      ],
    ];
    for (const [jumps, kind, property, words] of failing) {
      const error = await errorOf(() => connect(through(jumps)));
      expect([error.kind, error.property, error.message]).toEqual([kind, property, expect.stringContaining(words)]);
    }
  });

  it("are not blamed when the board behind them is off, or lets us not in", async () => {
    makeProject();
    const jumps = [toOne(), toTwo()];
    const denied = await errorOf(() => connect(through(jumps, { privateKey: makeKey().privateKey })));
    expect([denied.kind, denied.property]).toEqual(["denied", "connection"]);
    expect(denied.message).toMatch(new RegExp(`^operator@127\\.0\\.0\\.1:${board.port} let nobody in`));
    const off = await freePort();
    const unreachable = await errorOf(() => connect(through(jumps, { port: off, dialErrorLimit: 2 })));
    expect(unreachable.kind).toBe("unreachable");
    expect(unreachable.message).toMatch(
      new RegExp(`^Cannot reach operator@127\\.0\\.0\\.1:${off}: the jump host says: .* \\(after 2 dials\\)`),
    );
  });

  it("are remembered by accept-new, each under its own name", async () => {
    const { folder } = makeProject();
    const jumps = [toOne({ hostKey: undefined }), toTwo({ hostKey: undefined })];
    await logsIn(through(jumps, { hostKey: undefined, hostKeyChecking: "accept-new" }));

    expect(readFileSync(`${folder}/known_hosts`, "utf8")).toBe(
      `[127.0.0.1]:${one.port} ${one.hostKey}\n[localhost]:${two.port} ${two.hostKey}\n[127.0.0.1]:${board.port} ${board.hostKey}\n`,
    );
    expect(await logsIn(through(jumps, { hostKey: undefined }))).toBe("in\nEND\n");
  });
});
