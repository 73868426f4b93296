import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { fingerprint, keyFromText } from "../../provider/ssh/known-hosts";
import { makeKey } from "./keys";
import { connectionTo, expectError, makeProject, serverFor, serverThatSays, untilEnd } from "./project";

const key = makeKey();
const other = makeKey();
const nothing = "Nothing was sent to the board.";

function printOf(publicKey: string): string {
  const shown = keyFromText(...(publicKey.split(" ") as [string, string]));
  return shown === undefined ? "" : `${shown.type} ${fingerprint(shown)}`;
}

/** Logs in, runs one command and closes. */
async function logsIn(connection: Parameters<typeof connect>[0]): Promise<string> {
  const board = await connect(connection);
  try {
    return (await board.run(untilEnd("echo in; echo END\n"))).stdout;
  } finally {
    board.end();
  }
}

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

describe("host keys", () => {
  const fields = { password: "swordfish" };
  const server = () => serverFor({ password: "swordfish" });

  it("refuses an unknown key before any login, with fingerprint and the line to add", async () => {
    const { folder, home } = makeProject();
    const { port, hostKey, ...counts } = await server();
    const message = `The host key of root@127.0.0.1:${port} is not known: it shows ${printOf(hostKey)}, and ${home}/.ssh/known_hosts and ${folder}/known_hosts have no line for it. ${nothing} If that is the board's fingerprint, add this line to ${folder}/known_hosts: [127.0.0.1]:${port} ${hostKey}`;
    await expectError(() => connect(connectionTo(port, { ...fields, dialErrorLimit: 5 })), "untrusted", message);
    expect(counts.logins).toBe(0);
  });

  it("trusts the line that it said to add", async () => {
    const project = makeProject();
    const { port, knownHostsLine } = await server();
    project.write("known_hosts", `${knownHostsLine}\n`);
    expect(await logsIn(connectionTo(port, fields))).toBe("in\nEND\n");
  });

  it("refuses a changed key with both fingerprints, the old one's line and what to do after a re-flash", async () => {
    const project = makeProject();
    const { port, hostKey } = await server();
    const file = project.write("known_hosts", `# the lab\n[127.0.0.1]:${port} ${other.publicKey}\n`);
    const message = `The host key of root@127.0.0.1:${port} has changed: it shows ${printOf(hostKey)}, but ${file}:2 has ${printOf(other.publicKey)}. ${nothing} If the board was re-flashed, remove line 2 from ${file} and add this one: [127.0.0.1]:${port} ${hostKey}. If it was not, somebody else may be answering: find out first.`;
    await expectError(() => connect(connectionTo(port, { ...fields, hostKeyChecking: "accept-new" })), "untrusted", message);
    expect(readFileSync(file, "utf8")).toBe(`# the lab\n[127.0.0.1]:${port} ${other.publicKey}\n`);
  });

  it("refuses a revoked key", async () => {
    const project = makeProject();
    const { port, hostKey } = await server();
    const file = project.write("known_hosts", `@revoked * ${hostKey}\n[127.0.0.1]:${port} ${hostKey}\n`);
    const message = `The host key of root@127.0.0.1:${port} is revoked: ${file}:1 marks ${printOf(hostKey)} as @revoked. ${nothing} Give the machine a new host key. Do not log in to it until you know why this one was revoked.`;
    await expectError(() => connect(connectionTo(port, fields)), "untrusted", message);
  });

  it("refuses a key that isn't the given hostKey, naming the property", async () => {
    makeProject();
    const { port, hostKey } = await server();
    const message = `The host key of root@127.0.0.1:${port} is not the one in connection.hostKey: it shows ${printOf(hostKey)}, expected is ${printOf(other.publicKey)}. ${nothing} If the board was re-flashed, set connection.hostKey to "${hostKey}". If it was not, somebody else may be answering: find out first.`;
    await expectError(
      () => connect(connectionTo(port, { ...fields, hostKey: other.publicKey })),
      "untrusted",
      message,
      "connection.hostKey",
    );
  });

  it("writes a new key beside Pulumi.yaml with accept-new, once, and is silent and strict from then on", async () => {
    const { folder, write } = makeProject();
    write("known_hosts", `board-8 ${other.publicKey}`); // no newline at its end
    const { port, knownHostsLine } = await server();
    const connection = connectionTo(port, { ...fields, hostKeyChecking: "accept-new" });
    await Promise.all([logsIn(connection), logsIn(connection), logsIn(connection)]);
    await logsIn(connection);
    expect(readFileSync(join(folder, "known_hosts"), "utf8")).toBe(`board-8 ${other.publicKey}\n${knownHostsLine}\n`);
    expect(await logsIn(connectionTo(port, fields))).toBe("in\nEND\n");
  });

  it("writes whole lines when several processes write at once", async () => {
    const { write } = makeProject();
    const file = write("known_hosts", "");
    const child = join(__dirname, "remember-child.ts");
    const ended = ["a", "b", "c"].map((name) =>
      promisify(execFile)(process.execPath, ["--import", "tsx", child, file, name], { cwd: join(__dirname, "..", "..") }),
    );
    await Promise.all(ended);
    const lines = readFileSync(file, "utf8").split("\n");
    const expected = ["a", "b", "c"].flatMap((name) => Array.from({ length: 100 }, (_, index) => `${name}${index} ${"x".repeat(500)}`));
    expect(lines.sort()).toEqual(["", ...expected].sort());
  });

  it("lets nobody in whose new key can't be written down", async () => {
    const { folder } = makeProject();
    const { port, ...counts } = await server();
    const connection = connectionTo(port, { ...fields, hostKeyChecking: "accept-new", knownHosts: "no/such/file" });
    const message = `The host key of root@127.0.0.1:${port} is new and could not be written to ${folder}/no/such/file: ENOENT: no such file or directory, open '${folder}/no/such/file'. ${nothing} Make that file writable, or add the board's key to it by hand.`;
    await expectError(() => connect(connection), "untrusted", message);
    expect(counts.logins).toBe(0);
  });

  it("asks a server with several keys for the one that is known", async () => {
    const project = makeProject();
    const hostKeys = [makeKey("ed25519"), makeKey("ecdsa"), makeKey("rsa")];
    const { port } = await serverFor({ password: "swordfish", hostKeys });
    for (const { publicKey } of hostKeys) {
      project.write("known_hosts", `[127.0.0.1]:${port} ${publicKey}\n`);
      expect(await logsIn(connectionTo(port, fields))).toBe("in\nEND\n");
    }
  });

  it("checks nothing when it is switched off by name", async () => {
    makeProject();
    const { port } = await server();
    expect(await logsIn(connectionTo(port, { ...fields, hostKeyChecking: "off" }))).toBe("in\nEND\n");
  });
});

describe("the network", () => {
  const check = (property: string) => `Check that it is on, that ${property}.host and port are right and that an SSH server listens there.`;

  /** A port of this machine where nobody listens. */
  async function closedPort(): Promise<number> {
    const server = await serverFor();
    await server.close();
    return server.port;
  }

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
});
