import { describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { makeKey } from "./keys";
import { connectionTo, expectError, logsIn, makeProject, serverFor } from "./project";

const key = makeKey();
const other = makeKey();
const nothing = "Nothing was sent to the board.";

describe("ways in", () => {
  it("logs in with a private key, and runs a command", async () => {
    makeProject();
    const server = await serverFor({ publicKeys: [key.publicKey] });
    expect(await logsIn(connectionTo(server.port, { privateKey: key.privateKey, hostKey: server.hostKey }))).toBe("in\nEND\n");
    expect([server.logins, server.execs]).toEqual([1, ["exec sh -s"]]);
  });

  it("logs in with RSA and ECDSA keys, and with one that has a passphrase", async () => {
    makeProject();
    const keys = [makeKey("rsa"), makeKey("ecdsa"), makeKey("ed25519", "open")];
    const server = await serverFor({ publicKeys: keys.map((pair) => pair.publicKey) });
    for (const { privateKey } of keys) {
      const fields = { privateKey, privateKeyPassword: "open", hostKey: server.hostKey };
      expect(await logsIn(connectionTo(server.port, fields))).toBe("in\nEND\n");
    }
    expect(server.logins).toBe(3);
  });

  it("logs in with a password", async () => {
    makeProject();
    const server = await serverFor({ password: "swordfish" });
    expect(await logsIn(connectionTo(server.port, { password: "swordfish", hostKey: server.hostKey }))).toBe("in\nEND\n");
  });

  it("answers a password prompt where the server only knows keyboard-interactive", async () => {
    makeProject();
    const server = await serverFor({ promptAnswer: "swordfish" });
    expect(await logsIn(connectionTo(server.port, { password: "swordfish", hostKey: server.hostKey }))).toBe("in\nEND\n");
  });

  it("takes the password when the key isn't taken", async () => {
    makeProject();
    const server = await serverFor({ publicKeys: [other.publicKey], password: "swordfish" });
    const fields = { privateKey: key.privateKey, password: "swordfish", hostKey: server.hostKey };
    expect(await logsIn(connectionTo(server.port, fields))).toBe("in\nEND\n");
  });

  it("says who was refused, with what and what is offered, and doesn't dial again", async () => {
    makeProject();
    const server = await serverFor({ publicKeys: [other.publicKey], password: "swordfish" });
    const fields = { privateKey: key.privateKey, password: "wrong", hostKey: server.hostKey, dialErrorLimit: 10 };
    const message = `root@127.0.0.1:${server.port} let nobody in: it took none of: the private key, the password. It offers: publickey, password. ${nothing} Check the user and the credentials in connection, and the other side's authorized_keys and sshd_config.`;
    await expectError(() => connect(connectionTo(server.port, fields)), "denied", message, "connection");
    expect([server.connections, server.logins]).toEqual([1, 0]);
  });

  it("never sends the password to a server that takes none, and says why an agent was no help", async () => {
    makeProject();
    const server = await serverFor({ publicKeys: [other.publicKey] });
    const fields = { password: "swordfish", agentSocketPath: "none.socket", hostKey: server.hostKey };
    const failed = `root@127.0.0.1:${server.port} let nobody in: it took none of: the agent's keys. It offers: publickey.`;
    const note = "The agent could not be used: Failed to connect to agent.";
    const todo = "Check the user and the credentials in connection, and the other side's authorized_keys and sshd_config.";
    await expectError(() => connect(connectionTo(server.port, fields)), "denied", `${failed} ${note} ${nothing} ${todo}`, "connection");
  });

  it("says that a server hung up after a refusal, as dropbear and sshd do after some, and doesn't dial again", async () => {
    makeProject();
    const server = await serverFor({ publicKeys: [other.publicKey], password: "swordfish", closesAtRefusal: true });
    const message = `root@127.0.0.1:${server.port} let nobody in: it took none of: the private key, the password. It offers: publickey, password. It closed the connection. ${nothing} Check the user and the credentials in connection, and the other side's authorized_keys and sshd_config.`;
    const connection = connectionTo(server.port, {
      privateKey: key.privateKey,
      password: "swordfish",
      hostKey: server.hostKey,
      dialErrorLimit: 5,
    });
    await expectError(() => connect(connection), "denied", message, "connection");
    expect(server.connections).toBe(1);
  });

  it("says that a password has expired", async () => {
    makeProject();
    const server = await serverFor({ password: "swordfish", passwordExpired: true });
    const message = `root@127.0.0.1:${server.port} wants the password changed before it lets anybody in. ${nothing} Log in by hand, change it, and set connection.password.`;
    const connection = connectionTo(server.port, { password: "swordfish", hostKey: server.hostKey });
    await expectError(() => connect(connection), "denied", message, "connection.password");
  });

  it("says so when the server offers no way that we have something for", async () => {
    makeProject();
    const server = await serverFor({ publicKeys: [other.publicKey] });
    const message = `root@127.0.0.1:${server.port} let nobody in: it offers no way in that we have something for. It offers: publickey. ${nothing} Check the user and the credentials in connection, and the other side's authorized_keys and sshd_config.`;
    await expectError(
      () => connect(connectionTo(server.port, { password: "x", hostKey: server.hostKey })),
      "denied",
      message,
      "connection",
    );
  });
});
