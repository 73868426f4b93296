import { createPrivateKey, type KeyObject } from "node:crypto";

/**
 * `ssh2` reads no PKCS#8 (`BEGIN PRIVATE KEY`, what OpenSSL and Go write today); `@pulumi/command` does. Such a key is turned into a
 * form that `ssh2` reads (PKCS#1, SEC 1, openssh-key-v1); any other text comes back as it is.
 * @throws Error when the key is encrypted and the passphrase is missing or wrong
 */
export function pkcs8ToSsh2(text: string, passphrase: string | undefined): string {
  if (!/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return text;
  if (/-----BEGIN ENCRYPTED/.test(text) && passphrase === undefined) throw new Error("Encrypted PKCS#8 key, but no passphrase given");
  const key = createPrivateKey({ key: text, passphrase });
  if (key.asymmetricKeyType === "rsa") return key.export({ type: "pkcs1", format: "pem" }).toString();
  if (key.asymmetricKeyType === "ec") return key.export({ type: "sec1", format: "pem" }).toString();
  if (key.asymmetricKeyType === "ed25519") return ed25519ToOpenSsh(key);
  return text;
}

/** The unencrypted openssh-key-v1 format: PROTOCOL.key of the OpenSSH sources. */
function ed25519ToOpenSsh(key: KeyObject): string {
  const { d, x } = key.export({ format: "jwk" });
  const secret = Buffer.from(d ?? "", "base64url");
  const open = Buffer.from(x ?? "", "base64url");
  const type = field("ssh-ed25519");
  const check = Buffer.alloc(8, 1);
  const inner = [check, type, field(open), field(Buffer.concat([secret, open])), field("")];
  const length = Buffer.concat(inner).length;
  const padding = Buffer.from(Array.from({ length: (8 - (length % 8)) % 8 }, (_, index) => index + 1));
  const outer = [
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    Buffer.from([0, 0, 0, 1]),
    field(Buffer.concat([type, field(open)])),
    field(Buffer.concat([...inner, padding])),
  ];
  const base64 = Buffer.concat(outer)
    .toString("base64")
    .replace(/(.{70})/g, "$1\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64.trim()}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** RFC 4251 "string": its length in four bytes, then the bytes. */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
