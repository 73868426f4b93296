import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One private key of the matrix: what a user has, made by OpenSSH's own ssh-keygen. */
export interface KeyFile {
  readonly title: string;
  readonly path: string;
  readonly passphrase: string | undefined;
}

const types = [
  ["Ed25519", "ed25519", "256"],
  ["ECDSA 256", "ecdsa", "256"],
  ["ECDSA 384", "ecdsa", "384"],
  ["ECDSA 521", "ecdsa", "521"],
  ["RSA", "rsa", "2048"],
] as const;
const formats = [
  ["OpenSSH", "RFC4716"], // ssh-keygen's word for a private key in its own format
  ["PEM", "PEM"],
  ["PKCS#8", "PKCS8"],
] as const;
const secret = "correct horse";

/** Every type as OpenSSH, PEM and PKCS#8, with and without passphrase, and the lines for authorized_keys. Ed25519 has no PEM form. */
export function makeKeyFiles(folder: string): { files: KeyFile[]; authorized: string[] } {
  const files: KeyFile[] = [];
  const authorized: string[] = [];
  for (const [type, name, bits] of types) {
    const first = join(folder, `${name}${bits}`);
    execFileSync("ssh-keygen", ["-q", "-t", name, "-b", bits, "-N", "", "-C", type, "-f", first]);
    authorized.push(readFileSync(`${first}.pub`, "utf8").trim());
    for (const [format, word] of formats) {
      if (name === "ed25519" && format !== "OpenSSH") continue;
      for (const passphrase of [undefined, secret]) {
        const path = `${first}.${word}${passphrase === undefined ? "" : ".locked"}`;
        copyFileSync(first, path);
        execFileSync("ssh-keygen", ["-q", "-p", "-m", word, "-N", passphrase ?? "", "-f", path], { stdio: "ignore" });
        files.push({ title: `${type}, ${format}${passphrase === undefined ? "" : " with a passphrase"}`, path, passphrase });
      }
    }
  }
  return { files, authorized };
}

/** Ed25519 as PKCS#8, which OpenSSL and Go write and ssh-keygen 9.2 can't; with its line for authorized_keys. */
export function makeEd25519Pkcs8(passphrase: string | undefined): { privateKey: string; publicKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(raw)]);
  const encryption = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString(),
    publicKey: `ssh-ed25519 ${blob.toString("base64")}`,
  };
}

/** The first line of a key's file: it says in which format the key is. */
export const headOf = (path: string) => readFileSync(path, "utf8").split("\n")[0] ?? "";
