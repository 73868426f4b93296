import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Connection } from "../../provider/schema";
import { connect } from "../../provider/ssh/connection";
import { startAgent } from "./agent";
import { headOf, makeEd25519Pkcs8, makeKeyFiles } from "./key-files";
import { makeKey } from "./keys";
import { makeMachine, scratch, whatIsMissing } from "./machine";
import { connectionTo, errorOf, logsIn, makeProject } from "./project";
import { type RealServer, startDropbear, startSshd } from "./real-server";

const missing = whatIsMissing();
const folder = missing === undefined ? scratch("file") : "";
const { files, authorized } = missing === undefined ? makeKeyFiles(folder) : { files: [], authorized: [] };
const openPkcs8 = makeEd25519Pkcs8(undefined);
const lockedPkcs8 = makeEd25519Pkcs8("correct horse");
const password = "a password, with 'all' \"sorts\" of $(signs) \\ and ümläuts";
const servers: Record<string, RealServer> = {};
const to = (name: string, fields: Record<string, unknown>): Connection =>
  connectionTo(servers[name]?.port ?? 0, { user: "operator", hostKey: servers[name]?.hostKey, ...fields });

beforeAll(async () => {
  if (missing !== undefined) return;
  const keys = [...authorized, openPkcs8.publicKey, lockedPkcs8.publicKey];
  const machine = makeMachine({ users: [{ name: "operator", password, keys }], lifetime: "file" });
  const start = { lifetime: "file" } as const;
  [servers.OpenSSH, servers.dropbear, servers.passwords, servers.prompts, servers.twoPrompts] = await Promise.all([
    startSshd(machine, ["LogLevel DEBUG"], start),
    startDropbear(machine, [], start),
    startSshd(machine, ["PasswordAuthentication yes", "PubkeyAuthentication no"], start),
    startSshd(machine, ["KbdInteractiveAuthentication yes", "PubkeyAuthentication no", "UsePAM yes"], start),
    startSshd(machine, ["AuthenticationMethods publickey,password", "PasswordAuthentication yes"], start),
  ]);
});

describe.skipIf(missing !== undefined)(`ways into real servers${missing === undefined ? "" : ` (${missing})`}`, () => {
  it("has every format of the matrix for real", () => {
    const heads = new Set(files.map((file) => headOf(file.path).replace(/-----(BEGIN )?/g, "")));
    expect([...heads].sort()).toEqual(["EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY"]);
    expect(files.length).toBe(2 + 4 * 6);
  });

  describe.each(["OpenSSH", "dropbear"])("%s", (name) => {
    it.each(files.map((file) => [file.title, file] as const))("takes a key: %s", async (_title, { path, passphrase }) => {
      makeProject();
      const connection = to(name, { privateKey: readFileSync(path, "utf8"), privateKeyPassword: passphrase });
      expect(await logsIn(connection)).toBe("in\nEND\n");
    });

    it("takes an Ed25519 key as PKCS#8, with and without a passphrase", async () => {
      makeProject();
      expect(await logsIn(to(name, { privateKey: openPkcs8.privateKey }))).toBe("in\nEND\n");
      const locked = { privateKey: lockedPkcs8.privateKey, privateKeyPassword: "correct horse" };
      expect(await logsIn(to(name, locked))).toBe("in\nEND\n");
    });

    it("takes a key from a file beside Pulumi.yaml, from one in the home, and from one at an absolute path", async () => {
      const project = makeProject();
      const [file] = files;
      copyFileSync(file?.path ?? "", join(project.folder, "id"));
      copyFileSync(file?.path ?? "", join(project.home, ".ssh", "id"));
      for (const privateKeyPath of ["id", "~/.ssh/id", file?.path]) expect(await logsIn(to(name, { privateKeyPath }))).toBe("in\nEND\n");
    });

    it("takes the keys of an agent of each type, by its socket's path and by SSH_AUTH_SOCK", async () => {
      makeProject();
      for (const path of files.filter((file) => file.passphrase === undefined && file.path.endsWith("RFC4716"))) {
        const agentSocketPath = await startAgent(readFileSync(path.path, "utf8"));
        expect(await logsIn(to(name, { agentSocketPath }))).toBe("in\nEND\n");
        vi.stubEnv("SSH_AUTH_SOCK", agentSocketPath);
        expect(await logsIn(to(name, {}))).toBe("in\nEND\n");
      }
    });

    it("takes the second key of an agent whose first it doesn't know", async () => {
      makeProject();
      const agentSocketPath = await startAgent([makeKey().privateKey, readFileSync(files[0]?.path ?? "", "utf8")]);
      expect(await logsIn(to(name, { agentSocketPath }))).toBe("in\nEND\n");
    });
  });

  it("signs with RSA and SHA-2, by sshd's own account, from a file and by an agent", async () => {
    makeProject();
    const privateKey = readFileSync(files.find((file) => file.title === "RSA, OpenSSH")?.path ?? "", "utf8");
    await logsIn(to("OpenSSH", { privateKey }));
    await logsIn(to("OpenSSH", { agentSocketPath: await startAgent(privateKey) }));
    const used = () => new Set(servers.OpenSSH?.log().match(/pkalg \S*rsa\S*/g));
    await expect.poll(() => used().size).toBeGreaterThan(0);
    expect([...used()].filter((algorithm) => !/^pkalg rsa-sha2-(256|512)$/.test(algorithm))).toEqual([]);
  });

  it.each([
    ["OpenSSH", "passwords"],
    ["OpenSSH that only prompts (PAM)", "prompts"],
    ["dropbear", "dropbear"],
  ])("takes a password: %s", async (_title, name) => {
    makeProject();
    expect(await logsIn(to(name, { password }))).toBe("in\nEND\n");
  });

  it.each([
    ["OpenSSH", "passwords", "the password", "password"],
    ["OpenSSH that only prompts (PAM)", "prompts", "the password at its prompt", "keyboard-interactive"],
    ["dropbear", "dropbear", "the password", "publickey, password"],
  ])("doesn't take a wrong password, and says what was tried: %s", async (_title, name, tried, offered) => {
    makeProject();
    const error = await errorOf(() => connect(to(name, { password: "wrong", dialErrorLimit: 5 })));
    expect([error.kind, error.property]).toEqual(["denied", "connection"]);
    expect(error.message).toContain(`let nobody in: it took none of: ${tried}. It offers: ${offered}.`);
    expect(error.message).not.toContain("wrong");
  });

  it("goes on with the password where a key alone is not enough", async () => {
    makeProject();
    const privateKeyPath = files[0]?.path;
    expect(await logsIn(to("twoPrompts", { privateKeyPath, password }))).toBe("in\nEND\n");
  });
});
