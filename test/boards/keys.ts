import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "./cache";
import { run } from "./run";

/** The two key pairs of this cache, made once: every board answers with the one and lets the other in. */
export interface Keys {
  userPrivateKey: string;
  userPrivateKeyPath: string;
  userPublicKey: string;
  hostPublicKey: string;
  /** Knows the host key under the name `hostAlias`, since a board's port is another each time. */
  knownHostsPath: string;
  hostPrivateKeyPath: string;
  /** The same as dropbear reads it. */
  dropbearKeyPath: string;
}

/** Give it to ssh as HostKeyAlias. */
export const hostAlias = "devbind-board";

/** Finds the key pairs or makes them. */
export async function findKeys(): Promise<Keys> {
  const folder = await cached("login", async (building) => {
    for (const name of ["user", "host"]) {
      await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", `pulumi-devbind test ${name}`, "-f", join(building, name)]);
    }
    await run("dropbearconvert", ["openssh", "dropbear", join(building, "host"), join(building, "host.dropbear")]);
    await writeFile(join(building, "known_hosts"), `${hostAlias} ${await publicKey(building, "host")}\n`);
  });
  return {
    userPrivateKey: await readFile(join(folder, "user"), "utf8"),
    userPrivateKeyPath: join(folder, "user"),
    userPublicKey: await publicKey(folder, "user"),
    hostPublicKey: await publicKey(folder, "host"),
    knownHostsPath: join(folder, "known_hosts"),
    hostPrivateKeyPath: join(folder, "host"),
    dropbearKeyPath: join(folder, "host.dropbear"),
  };
}

/** The kind of key and the key, without the comment. */
async function publicKey(folder: string, name: string): Promise<string> {
  const [kind, key] = (await readFile(join(folder, `${name}.pub`), "utf8")).split(" ");
  return `${kind} ${key}`;
}
