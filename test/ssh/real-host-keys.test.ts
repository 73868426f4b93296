import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Connection } from "../../provider/schema";
import { connect } from "../../provider/ssh/connection";
import { makeKey } from "./keys";
import { makeMachine, scratch, whatIsMissing } from "./machine";
import { connectionTo, errorOf, logsIn, makeProject, printOf } from "./project";
import { type RealServer, type ServerOptions, startDropbear, startSshd } from "./real-server";
import { realSsh } from "./ssh-client";

const missing = whatIsMissing();
const key = makeKey();
const other = makeKey().publicKey;
const certified = missing === undefined ? scratch("file") : "";
let three: RealServer; // Ed25519, ECDSA and RSA
let withCertificate: RealServer;

beforeAll(async () => {
  if (missing !== undefined) return;
  const machine = makeMachine({ users: [{ name: "root", keys: [key.publicKey] }], lifetime: "file" });
  const [authority, host] = [join(certified, "authority"), join(certified, "host")];
  for (const file of [authority, host]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "board", "-h", "-n", "127.0.0.1", `${host}.pub`]);
  [three, withCertificate] = await Promise.all([
    startSshd(machine, [], { hostKeyTypes: ["ed25519", "ecdsa", "rsa"], lifetime: "file" }),
    startSshd(machine, [`HostKey ${host}`, `HostCertificate ${host}-cert.pub`], { lifetime: "file" }),
  ]);
});

const to = (port: number, fields: Record<string, unknown> = {}): Connection =>
  connectionTo(port, { privateKey: key.privateKey, dialErrorLimit: 5, ...fields });

/** Does what the message says, to the letter: removes the line that it names, and adds the one that it shows to the file that it names. */
function follow(message: string): void {
  const add = /add this line to (\S+): (.+)$/.exec(message);
  const change = /remove line (\d+) from (\S+) and add this one: (.+?)\. If it was not/.exec(message);
  const [file = "", line = ""] = add?.slice(1) ?? change?.slice(2) ?? [];
  expect(line).not.toBe("");
  const lines = change === null ? [] : readFileSync(file, "utf8").split("\n");
  lines.splice(Number(change?.[1]) - 1, 1);
  if (change !== null) writeFileSync(file, lines.join("\n"));
  appendFileSync(file, `${line}\n`);
}

describe.skipIf(missing !== undefined)(`host keys of real servers${missing === undefined ? "" : ` (${missing})`}`, () => {
  it("gets in by doing what the message of an unknown key says", async () => {
    const { folder } = makeProject();
    const error = await errorOf(() => connect(to(three.port)));
    expect([error.kind, error.message]).toEqual(["untrusted", expect.stringContaining(printOf(three.hostKey))]);
    follow(error.message);
    expect(readFileSync(join(folder, "known_hosts"), "utf8")).toBe(`[127.0.0.1]:${three.port} ${three.hostKey}\n`);
    expect(await logsIn(to(three.port))).toBe("in\nEND\n");
  });

  it.each(["OpenSSH", "dropbear"])("gets in to a re-flashed board by doing what the message of a changed key says: %s", async (name) => {
    const { home } = makeProject();
    const start = (options: ServerOptions = {}) =>
      name === "OpenSSH" ? startSshd(key.publicKey, [], options) : startDropbear(key.publicKey, ["-s"], options);
    const before = await start();
    await logsIn(to(before.port, { hostKeyChecking: "accept-new" }));
    await before.end();
    const file = join(home, ".ssh", "known_hosts");
    writeFileSync(file, `# the lab\n[127.0.0.1]:${before.port} ${before.hostKey}\nboard-8 ${other}\n`);
    const after = await start({ port: before.port });
    const error = await errorOf(() => connect(to(after.port, { hostKeyChecking: "accept-new" })));
    expect(error.kind).toBe("untrusted");
    expect(error.message).toContain(`${file}:2 has ${printOf(before.hostKey)}`);
    follow(error.message);
    expect(await logsIn(to(after.port))).toBe("in\nEND\n");
  });

  it("knows a board by any one of its keys", async () => {
    const { write } = makeProject();
    expect(three.hostKeys.map((line) => line.split(" ")[0])).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]);
    for (const hostKey of three.hostKeys) {
      write("known_hosts", `[127.0.0.1]:${three.port} ${hostKey}\n`);
      expect(await logsIn(to(three.port))).toBe("in\nEND\n");
      expect(await logsIn(to(three.port, { knownHosts: "/nowhere", hostKey }))).toBe("in\nEND\n");
    }
  });

  it("gets in by doing what the message says, whichever of several old keys the file still has", async () => {
    const [ed25519, ecdsa, rsa] = [makeKey("ed25519"), makeKey("ecdsa"), makeKey("rsa")].map((made) => made.publicKey);
    for (const old of [[rsa], [ecdsa, rsa], [ed25519, ecdsa, rsa], [rsa, ed25519]]) {
      const { write } = makeProject();
      write("known_hosts", old.map((line) => `[127.0.0.1]:${three.port} ${line}\n`).join(""));
      follow((await errorOf(() => connect(to(three.port)))).message);
      expect(await logsIn(to(three.port))).toBe("in\nEND\n");
    }
  });

  it("takes several hostKey lines, of which one is the board's", async () => {
    makeProject();
    const hostKey = `# board-7, before and after\n${other}\nboard-7,10.0.0.7 ${three.hostKey} root@board-7\n`;
    expect(await logsIn(to(three.port, { hostKey }))).toBe("in\nEND\n");
    const error = await errorOf(() => connect(to(three.port, { hostKey: `${other}\n${makeKey("rsa").publicKey}` })));
    expect([error.kind, error.property]).toEqual(["untrusted", "connection.hostKey"]);
  });

  it("writes with accept-new what OpenSSH's own client then takes, and takes what that wrote, hashed too", async () => {
    const { folder } = makeProject();
    await logsIn(to(three.port, { hostKeyChecking: "accept-new" }));
    const strict = ["-F", "none", "-p", String(three.port), "-o", "StrictHostKeyChecking=yes"];
    const ours = join(folder, "known_hosts");
    expect(await realSsh(key.privateKey, [...strict, "-o", `UserKnownHostsFile=${ours}`, "root@127.0.0.1"])).toBe("in\n");
    const theirs = join(folder, "theirs");
    const accepting = ["-F", "none", "-p", String(three.port), "-o", "StrictHostKeyChecking=accept-new", "-o", "HashKnownHosts=yes"];
    await realSsh(key.privateKey, [...accepting, "-o", `UserKnownHostsFile=${theirs}`, "root@127.0.0.1"]);
    expect(readFileSync(theirs, "utf8")).toMatch(/^\|1\|/);
    expect(await logsIn(to(three.port, { knownHosts: theirs }))).toBe("in\nEND\n");
  });

  it("says that a @cert-authority line is not used, where OpenSSH's own client gets in by it", async () => {
    const { write } = makeProject();
    const authority = readFileSync(join(certified, "authority.pub"), "utf8");
    const file = write("known_hosts", `# the lab's authority\n@cert-authority *,[127.0.0.1]:* ${authority}`);
    const words = ["-F", "none", "-p", String(withCertificate.port), "-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${file}`];
    expect(await realSsh(key.privateKey, [...words, "root@127.0.0.1"])).toBe("in\n");
    const error = await errorOf(() => connect(to(withCertificate.port)));
    expect(error.kind).toBe("untrusted");
    expect(error.message).toContain(`The @cert-authority line at ${file}:2 is not used`);
    follow(error.message);
    expect(await logsIn(to(withCertificate.port))).toBe("in\nEND\n");
  });

  it("checks nothing with off, also where the key is known to be another", async () => {
    const { write } = makeProject();
    write("known_hosts", `[127.0.0.1]:${three.port} ${other}\n`);
    expect(await logsIn(to(three.port, { hostKeyChecking: "off" }))).toBe("in\nEND\n");
  });
});
