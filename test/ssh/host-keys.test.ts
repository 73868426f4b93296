import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { makeKey } from "./keys";
import { connectionTo, expectError, logsIn, makeProject, printOf, serverFor } from "./project";

const other = makeKey();
const nothing = "Nothing was sent to the board.";

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
