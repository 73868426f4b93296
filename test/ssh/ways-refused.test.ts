import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { look } from "../../provider/board/board";
import { connect } from "../../provider/ssh/connection";
import { startAgent } from "./agent";
import { makeKey } from "./keys";
import { makeMachine, scratch, whatIsMissing } from "./machine";
import { connectionTo, errorOf, logsIn, makeProject } from "./project";
import { type RealServer, startSshd } from "./real-server";

const missing = whatIsMissing();
const folder = missing === undefined ? scratch("file") : "";
const [plain, certified] = [join(folder, "plain"), join(folder, "certified")];
const password = "swordfish";
let server: RealServer;
const to = (fields: Record<string, unknown>) => connectionTo(server.port, { user: "operator", hostKey: server.hostKey, ...fields });

/** Two keys, and a certificate for the second: the authority is trusted by the server, which knows only the first key itself. */
function makeCertificate(): void {
  const authority = join(folder, "authority");
  for (const file of [plain, certified, authority]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "operator", "-n", "operator", "-V", "+1d", `${certified}.pub`]);
}

beforeAll(async () => {
  if (missing !== undefined) return;
  makeCertificate();
  const keys = [readFileSync(`${plain}.pub`, "utf8").trim()];
  const expired = { "pam.d/sshd": "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n" };
  const users = [
    { name: "operator", keys, password },
    { name: "expired", password, passwordChanged: 0 },
    { name: "service", keys, shell: "/usr/sbin/nologin" },
  ];
  const machine = makeMachine({ users, etc: expired, lifetime: "file" });
  const lines = [`TrustedUserCAKeys ${folder}/authority.pub`, "PasswordAuthentication yes", "UsePAM yes", "MaxAuthTries 3"];
  server = await startSshd(machine, lines, { lifetime: "file" });
});

describe.skipIf(missing !== undefined)(`a real sshd lets nobody in${missing === undefined ? "" : ` (${missing})`}`, () => {
  it("whose key is only good with a certificate: the message says that a certificate can't be shown", async () => {
    makeProject();
    const ssh = ["-F", "none", "-i", certified, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
    const words = [...ssh, "-p", String(server.port), "operator@127.0.0.1", "echo in"];
    expect(execFileSync("ssh", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })).toBe("in\n");
    const error = await errorOf(() => connect(to({ privateKeyPath: certified })));
    expect([error.kind, error.property]).toEqual(["denied", "connection"]);
    expect(error.message).toMatch(/a certificate|The certificate/);
    expect(error.message).toContain(`${certified}-cert.pub`);
  });

  it("unless one of the agent's plain keys is good, whatever certificates it holds beside", async () => {
    makeProject();
    const certificate = readFileSync(`${certified}-cert.pub`, "utf8");
    const keys = [certified, plain].map((file) => readFileSync(file, "utf8"));
    expect(await logsIn(to({ agentSocketPath: await startAgent(keys, certificate) }))).toBe("in\nEND\n");
  });

  it("says nothing of certificates where none stands beside the key", async () => {
    makeProject();
    const file = join(folder, "other");
    writeFileSync(file, makeKey().privateKey, { mode: 0o600 });
    expect((await errorOf(() => connect(to({ privateKeyPath: file })))).message).not.toMatch(/certificate/i);
  });

  it("who comes with more keys than MaxAuthTries allows, and says how it ended", async () => {
    makeProject();
    const agentSocketPath = await startAgent([1, 2, 3, 4].map(() => makeKey().privateKey));
    const error = await errorOf(() => connect(to({ agentSocketPath, dialErrorLimit: 5 })));
    expect([error.kind, error.property]).toEqual(["denied", "connection"]);
    expect(error.message).toContain("it took none of: the agent's keys");
    expect(error.message).toContain("Too many authentication failures");
  });

  it("but takes the private key before an agent's many", async () => {
    makeProject();
    const agentSocketPath = await startAgent([1, 2, 3, 4].map(() => makeKey().privateKey));
    expect(await logsIn(to({ privateKeyPath: plain, agentSocketPath }))).toBe("in\nEND\n");
  });

  it("whose password has expired, in the server's own words", async () => {
    makeProject();
    const error = await errorOf(() => look(to({ user: "expired", password }), []));
    expect(error.message).toContain("expired");
    expect(error.message).not.toContain(password);
  });

  it("whose login shell is none, in that shell's own words or by its exit code", async () => {
    makeProject();
    const error = await errorOf(() => look(to({ user: "service", privateKeyPath: plain }), []));
    expect(error.kind).toBe("protocol");
    expect(error.message).toContain(`The shell on service@127.0.0.1:${server.port} ended with exit code 1`);
  });
});
