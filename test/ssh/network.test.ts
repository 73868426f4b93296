import { describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { makeKey } from "./keys";
import { connectionTo, expectError, logsIn, makeProject, printOf, serverFor, serverThatSays } from "./project";

const key = makeKey();
const other = makeKey();
const nothing = "Nothing was sent to the board.";

/** A port of this machine where nobody listens. */
async function closedPort(): Promise<number> {
  const server = await serverFor();
  await server.close();
  return server.port;
}

describe("the network", () => {
  const check = (property: string) => `Check that it is on, that ${property}.host and port are right and that an SSH server listens there.`;

  it("says that a port is refused, after as many dials as are allowed", async () => {
    makeProject();
    const port = await closedPort();
    const message = (dials: string) =>
      `Cannot reach root@127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port} (after ${dials}). ${nothing} ${check("connection")}`;
    await expectError(() => connect(connectionTo(port, { password: "x", dialErrorLimit: 0 })), "unreachable", message("1 dial"));
    await expectError(
      () => connect(connectionTo(port, { password: "x", dialErrorLimit: 10 }), { dials: 2 }),
      "unreachable",
      message("2 dials"),
    );
  });

  it("says that a server takes connections and is silent", async () => {
    makeProject();
    const server = await serverFor({ silent: true });
    const message = `Cannot reach root@127.0.0.1:${server.port}: it took the connection, but did not finish the SSH handshake within 0.2 s (after 2 dials). ${nothing} ${check("connection")}`;
    await expectError(
      () => connect(connectionTo(server.port, { password: "x", perDialTimeout: 0.2, dialErrorLimit: 2 })),
      "unreachable",
      message,
    );
    expect(server.connections).toBe(2);
  });

  it("says that a server closes the connection at once, as sshd does when MaxStartups are under way", async () => {
    makeProject();
    const port = await serverThatSays("Exceeded MaxStartups\r\n");
    const message = `Cannot reach root@127.0.0.1:${port}: it took the connection and closed it during the handshake (after 1 dial). ${nothing} ${check("connection")}`;
    await expectError(() => connect(connectionTo(port, { password: "x" })), "unreachable", message);
  });

  it("dials again when the first connections are reset", async () => {
    makeProject();
    const server = await serverFor({ password: "swordfish", resetFirst: 2 });
    expect(await logsIn(connectionTo(server.port, { password: "swordfish", hostKey: server.hostKey, dialErrorLimit: 3 }))).toBe(
      "in\nEND\n",
    );
    expect([server.connections, server.logins]).toEqual([3, 1]);
  });

  it("says that a name can't be resolved, and doesn't try again", async () => {
    makeProject();
    const message = `Cannot reach root@board.invalid:22: its name can't be resolved: getaddrinfo ENOTFOUND board.invalid. ${nothing} Check connection.host, or write the address.`;
    const connection = connectionTo(22, { host: "board.invalid", password: "x", dialErrorLimit: 10 });
    await expectError(() => connect(connection), "unreachable", message, "connection.host");
  });

  it("says that something else than SSH answers, without its terminal escapes", async () => {
    makeProject();
    const port = await serverThatSays("SSH-1.5-\u001b[31mold\u001b[0m\r\n");
    const message = `Cannot speak SSH with root@127.0.0.1:${port}: Invalid identification string. ${nothing} Check that an SSH server of the last ten years listens on that port.`;
    await expectError(() => connect(connectionTo(port, { password: "x" })), "protocol", message);
  });
});

describe("a jump host", () => {
  it("leads to the board; both logins have their own credentials and host key", async () => {
    makeProject();
    const gate = await serverFor({ password: "gate", forwards: true });
    const board = await serverFor({ publicKeys: [key.publicKey] });
    const proxy = { host: "127.0.0.1", port: gate.port, user: "me", password: "gate", hostKey: gate.hostKey };
    expect(await logsIn(connectionTo(board.port, { privateKey: key.privateKey, hostKey: board.hostKey, proxy }))).toBe("in\nEND\n");
    expect([gate.logins, gate.execs, board.logins]).toEqual([1, [], 1]);
  });

  it("is named when it is the one that failed: unreachable, untrusted, denied, not leading on", async () => {
    makeProject();
    const gate = await serverFor({ password: "gate" });
    const board = await serverFor({ password: "board" });
    const at = `the jump host me@127.0.0.1:${gate.port} (on the way to root@127.0.0.1:${board.port})`;
    const through = (fields: Record<string, unknown>) => {
      const proxy = {
        host: "127.0.0.1",
        port: gate.port,
        user: "me",
        password: "gate",
        hostKey: gate.hostKey,
        dialErrorLimit: 1,
        ...fields,
      };
      return () => connect(connectionTo(board.port, { password: "board", hostKey: board.hostKey, proxy }));
    };
    const deny = `The${at.slice(3)} let nobody in: it took none of: the password. It offers: password. ${nothing} Check the user and the credentials in connection.proxy, and the other side's authorized_keys and sshd_config.`;
    await expectError(through({ password: "wrong" }), "denied", deny, "connection.proxy");
    const untrusted = `The host key of ${at} is not the one in connection.proxy.hostKey: it shows ${printOf(gate.hostKey)}, expected is ${printOf(other.publicKey)}. ${nothing} If the board was re-flashed, set connection.proxy.hostKey to "${gate.hostKey}". If it was not, somebody else may be answering: find out first.`;
    await expectError(through({ hostKey: other.publicKey }), "untrusted", untrusted, "connection.proxy.hostKey");
    const noWayOn = `The${at.slice(3)} lets us in, but does not lead on to root@127.0.0.1:${board.port}: no reason given. ${nothing} Check AllowTcpForwarding and PermitOpen in its sshd_config.`;
    await expectError(through({}), "denied", noWayOn);
    await gate.close();
    const off = `Cannot reach ${at}: connect ECONNREFUSED 127.0.0.1:${gate.port} (after 1 dial). ${nothing} Check that it is on, that connection.proxy.host and port are right and that an SSH server listens there.`;
    await expectError(through({}), "unreachable", off);
  });

  it("is left alone when the board behind it is the one that failed", async () => {
    makeProject();
    const gate = await serverFor({ password: "gate", forwards: true });
    const board = await serverFor({ password: "board" });
    const proxy = { host: "127.0.0.1", port: gate.port, password: "gate", hostKey: gate.hostKey };
    const connection = connectionTo(board.port, { password: "wrong", hostKey: board.hostKey, proxy });
    const message = `root@127.0.0.1:${board.port} let nobody in: it took none of: the password. It offers: password. ${nothing} Check the user and the credentials in connection, and the other side's authorized_keys and sshd_config.`;
    await expectError(() => connect(connection), "denied", message, "connection");
    await expect.poll(() => [gate.open, board.open]).toEqual([0, 0]);
  });

  it("that an OpenSSH config file names is described by that file's words", async () => {
    const { write } = makeProject();
    const port = await closedPort();
    const configFile = write("ssh_config", `Host gate\n  HostName 127.0.0.1\n  Port ${port}\n  User me\nHost board\n  ProxyJump gate\n`);
    const connection = connectionTo(22, { host: "board", port: undefined, password: "board", configFile });
    const nothingThere = `There is nothing to log in to the jump host me@127.0.0.1:${port} (on the way to root@board:22) with. ${nothing} Name an IdentityFile for it in connection.configFile, or run an agent (SSH_AUTH_SOCK).`;
    await expectError(() => connect(connection), "invalid", nothingThere, "connection.configFile");
    write("id", key.privateKey);
    write("ssh_config", `IdentityFile id\nHost gate\n  HostName 127.0.0.1\n  Port ${port}\n  User me\nHost board\n  ProxyJump gate\n`);
    const off = `Cannot reach the jump host me@127.0.0.1:${port} (on the way to root@board:22): connect ECONNREFUSED 127.0.0.1:${port} (after 1 dial). ${nothing} Check that it is on, that its HostName and Port in connection.configFile are right and that an SSH server listens there.`;
    await expectError(() => connect(connection), "unreachable", off);
  });
});
