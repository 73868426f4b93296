import { generateKeyPairSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { utils } from "ssh2";
import { describe, expect, it } from "vitest";
import { connectionSchema } from "../../provider/schema";
import { checkCredentials } from "../../provider/ssh/connection";
import { pkcs8ToSsh2 } from "../../provider/ssh/pkcs8";
import { makeKey } from "./keys";
import { expectError, makeProject } from "./project";

const key = makeKey();
const locked = makeKey("ed25519", "correct horse");
const check = (fields: Record<string, unknown>) => checkCredentials(connectionSchema.parse({ host: "10.0.0.21", ...fields }));
const nothing = "Nothing was sent to the board.";
const cannot = (what: string, why: string) => `Cannot use ${what} for root@10.0.0.21:22: ${why}. ${nothing}`;

describe("checkCredentials", () => {
  it("takes a key as text, as a path beside Pulumi.yaml, with its passphrase, a password, and an agent's socket", () => {
    const project = makeProject();
    project.write("id", key.privateKey);
    check({ privateKey: key.privateKey });
    check({ privateKeyPath: "id" });
    check({ privateKeyPath: join(project.folder, "id") });
    check({ privateKey: locked.privateKey, privateKeyPassword: "correct horse" });
    check({ password: "x" });
    check({ agentSocketPath: "agent.socket" });
  });

  it("says that there is nothing to log in with", async () => {
    makeProject();
    const message = `There is nothing to log in to root@10.0.0.21:22 with. ${nothing} Give connection a privateKey, a privateKeyPath, a password or an agentSocketPath, or run an agent (SSH_AUTH_SOCK).`;
    await expectError(() => check({}), "invalid", message, "connection");
  });

  it("says that a key file isn't there", async () => {
    const { folder } = makeProject();
    const message = `${cannot(`connection.privateKeyPath (${folder}/id)`, "there is no such file")} Relative paths start at the folder that holds Pulumi.yaml.`;
    await expectError(() => check({ privateKeyPath: "id" }), "invalid", message, "connection.privateKeyPath");
  });

  it("says that a key file can't be read", async () => {
    const { folder } = makeProject();
    mkdirSync(join(folder, "id"));
    const why = "it can't be read: EISDIR: illegal operation on a directory, read";
    const message = `${cannot(`connection.privateKeyPath (${folder}/id)`, why)} Relative paths start at the folder that holds Pulumi.yaml.`;
    await expectError(() => check({ privateKeyPath: "id" }), "invalid", message, "connection.privateKeyPath");
  });

  it("says that a text is no key", async () => {
    makeProject();
    const message = `${cannot("connection.privateKey", "it is no private key")} Give an OpenSSH or PEM private key, whole, from BEGIN to END.`;
    await expectError(() => check({ privateKey: "swordfish" }), "invalid", message, "connection.privateKey");
  });

  it("says that a key is the public half", async () => {
    makeProject();
    const message = `${cannot("connection.privateKey", "it is a public key")} Give the private half (the file without .pub).`;
    await expectError(() => check({ privateKey: key.publicKey }), "invalid", message, "connection.privateKey");
  });

  it("says that a key is cut off, without showing any of it", async () => {
    makeProject();
    const cut = key.privateKey.replace(/\n.*\n-----END/, "\n-----END");
    const why = "it can't be read (Malformed OpenSSH private key)";
    const message = `${cannot("connection.privateKey", why)} Make a new key with ssh-keygen -t ed25519.`;
    await expectError(() => check({ privateKey: cut }), "invalid", message, "connection.privateKey");
  });

  it("says that a key needs a passphrase", async () => {
    makeProject();
    const message = `${cannot("connection.privateKey", "it is encrypted and needs a passphrase")} Set connection.privateKeyPassword.`;
    await expectError(() => check({ privateKey: locked.privateKey }), "invalid", message, "connection.privateKey");
  });

  it("says that a passphrase is wrong, also of a key that was opened with the right one before", async () => {
    makeProject();
    check({ privateKey: locked.privateKey, privateKeyPassword: "correct horse" });
    const message = `${cannot("connection.privateKey", "the passphrase is wrong")} Check connection.privateKeyPassword.`;
    await expectError(
      () => check({ privateKey: locked.privateKey, privateKeyPassword: "swordfish" }),
      "invalid",
      message,
      "connection.privateKey",
    );
  });

  it("names the jump host's property and the board behind it", async () => {
    makeProject();
    const proxy = { host: "gate", user: "me", privateKey: "swordfish" };
    const message = `Cannot use connection.proxy.privateKey for the jump host me@gate:22 (on the way to root@10.0.0.21:22): it is no private key. ${nothing} Give an OpenSSH or PEM private key, whole, from BEGIN to END.`;
    await expectError(() => check({ password: "x", proxy }), "invalid", message, "connection.proxy.privateKey");
  });

  it("says that hostKey holds no key", async () => {
    makeProject();
    const message = `connection.hostKey holds a line that is no public key. ${nothing} Write it as "ssh-ed25519 AAAA…", one key a line; \`ssh-keyscan\` prints such lines.`;
    await expectError(() => check({ password: "x", hostKey: "SHA256:abc" }), "invalid", message, "connection.hostKey");
    await expectError(() => check({ password: "x", hostKey: `@revoked * ${key.publicKey}` }), "invalid", message, "connection.hostKey");
    await expectError(() => check({ password: "x", hostKey: "# nothing" }), "invalid", message, "connection.hostKey");
  });
});

describe("PKCS#8 keys, which @pulumi/command takes and ssh2 does not", () => {
  const pairs = [
    ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["ECDSA", generateKeyPairSync("ec", { namedCurve: "P-384" })],
    ...Array.from({ length: 20 }, () => ["Ed25519", generateKeyPairSync("ed25519")] as const),
  ] as const;

  it("are read as the same key, plain or encrypted", () => {
    for (const [name, { privateKey }] of pairs) {
      const plain = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      const closed = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "p" }).toString();
      const [fromPlain, fromClosed] = [utils.parseKey(pkcs8ToSsh2(plain, undefined)), utils.parseKey(pkcs8ToSsh2(closed, "p"))];
      if (fromPlain instanceof Error || fromClosed instanceof Error) throw new Error(`${name} is not read`);
      expect(fromPlain.isPrivateKey()).toBe(true);
      expect(fromClosed.getPublicSSH()).toEqual(fromPlain.getPublicSSH());
      expect(fromPlain.verify("text", fromClosed.sign("text"))).toBe(true);
    }
  });

  it("get the same words as others when the passphrase is missing or wrong", async () => {
    makeProject();
    const [, { privateKey }] = pairs[0];
    const closed = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "p" }).toString();
    const missing = `${cannot("connection.privateKey", "it is encrypted and needs a passphrase")} Set connection.privateKeyPassword.`;
    await expectError(() => check({ privateKey: closed }), "invalid", missing, "connection.privateKey");
    const wrong = `${cannot("connection.privateKey", "the passphrase is wrong")} Check connection.privateKeyPassword.`;
    await expectError(() => check({ privateKey: closed, privateKeyPassword: "q" }), "invalid", wrong, "connection.privateKey");
  });
});
