import { utils } from "ssh2";

export interface KeyPair {
  /** The private half as text, openssh-key-v1. */
  readonly privateKey: string;
  /** "ssh-ed25519 AAAA…", without comment. */
  readonly publicKey: string;
}

/** A new key pair. `ssh2` 1.17 makes about one Ed25519 key in 200 that it can't read itself; so what can't be read is made again. */
export function makeKey(type: "ed25519" | "ecdsa" | "rsa" = "ed25519", passphrase?: string): KeyPair {
  const encryption = passphrase === undefined ? { comment: "" } : { passphrase, cipher: "aes256-ctr", rounds: 4 };
  for (;;) {
    const made =
      type === "ed25519"
        ? utils.generateKeyPairSync("ed25519", { ...encryption })
        : type === "ecdsa"
          ? utils.generateKeyPairSync("ecdsa", { bits: 256, ...encryption })
          : utils.generateKeyPairSync("rsa", { bits: 2048, ...encryption });
    const readable = !(utils.parseKey(made.private, passphrase) instanceof Error) && !(utils.parseKey(made.public) instanceof Error);
    if (readable) return { privateKey: made.private, publicKey: made.public.trim().split(" ").slice(0, 2).join(" ") };
  }
}
