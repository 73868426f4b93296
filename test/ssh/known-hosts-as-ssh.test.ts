import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeKey } from "./keys";
import { scratch, whatIsMissing } from "./machine";
import { connectionTo, errorOf, logsIn, makeProject } from "./project";
import { type RealServer, startSshd } from "./real-server";
import { realSsh } from "./ssh-client";

const missing = whatIsMissing();
const key = makeKey();
const other = makeKey().publicKey;
let server: RealServer;
beforeAll(async () => {
  if (missing === undefined) server = await startSshd(key.publicKey, [], { hostKeyTypes: ["ed25519", "rsa"], lifetime: "file" });
});

/** Texts of a known_hosts file, where HERE is the server as `[127.0.0.1]:port`, KEY and RSA its keys, and OTHER another one. */
const files: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["the key", "HERE KEY"],
  ["the key of another type", "HERE RSA"],
  ["the key with a comment, behind spaces", "  HERE   KEY root@board  "],
  ["the key with carriage returns", "HERE KEY\r\nboard-8 OTHER\r"],
  ["another key", "HERE OTHER"],
  ["another key first", "HERE OTHER\nHERE KEY"],
  ["the host without its port", "127.0.0.1 KEY"],
  ["the host without its port, another key", "127.0.0.1 OTHER"],
  ["the host without its port, and with it another key", "127.0.0.1 KEY\nHERE OTHER"],
  ["the port in another way", "127.0.0.1:PORT KEY"],
  ["a list of names", "board-7,HERE,board-8 KEY"],
  ["a pattern", "[127.0.0.*]:* KEY"],
  ["a pattern of single characters", "[127.?.?.?]:PORT KEY"],
  ["everything", "* KEY"],
  ["everything but us", "*,!HERE KEY"],
  ["everything but others", "*,!board-9 KEY"],
  ["not a name after a match", "HERE,!HERE KEY"],
  ["in capital letters", "LOCALHOST,HERE KEY"],
  ["revoked", "@revoked HERE KEY"],
  ["revoked everywhere, and known here", "@revoked * KEY\nHERE KEY"],
  ["known here, and revoked below", "HERE KEY\n@revoked * KEY"],
  ["another one revoked", "@revoked * OTHER\nHERE KEY"],
  ["revoked elsewhere", "@revoked board-9 KEY\nHERE KEY"],
  ["another key, and the right one of another type", "HERE OTHER\nHERE RSA"],
  ["a mark that nobody knows", "@trusted HERE KEY"],
  ["an authority's line, and the key itself", "@cert-authority * OTHER\nHERE KEY"],
  ["an authority's line alone", "@cert-authority * KEY"],
  ["a comment", "# HERE KEY"],
  ["a comment mark inside the names", "#HERE,HERE KEY"],
  ["a broken line before it", "HERE ssh-ed25519 AAAA\nnonsense\nHERE KEY"],
  ["a broken key", "HERE ssh-ed25519 AAAA"],
  ["the type of another key", "HERE TYPELESS"],
  ["hashed", "HASHED KEY"],
  ["hashed, another key", "HASHED OTHER"],
  ["hashed in a way of the future", "|2|HASH KEY"],
  ["no newline at its end", "board-8 OTHER\nHERE KEY"],
];

/** `|1|salt|hash` of a name, as ssh-keygen -H writes it. */
function hashed(name: string): string {
  const file = join(scratch(), "hashed");
  writeFileSync(file, `${name} ${other}\n`);
  execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
  return execFileSync("cut", ["-d", " ", "-f", "1", file], { encoding: "utf8" }).trim();
}

function fill(text: string): string {
  const here = `[127.0.0.1]:${server.port}`;
  const [ed25519 = "", rsa = ""] = server.hostKeys;
  const values = {
    HASHED: text.includes("HASHED") ? hashed(here) : "",
    HERE: here,
    PORT: String(server.port),
    KEY: ed25519,
    RSA: rsa,
    OTHER: other,
  };
  const typeless = `ssh-rsa ${ed25519.split(" ")[1]}`;
  return Object.entries({ ...values, TYPELESS: typeless }).reduce((filled, [word, value]) => filled.replaceAll(word, value), text);
}

function theirs(file: string): Promise<string | undefined> {
  const words = ["-F", "none", "-p", String(server.port), "-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${file}`];
  return realSsh(key.privateKey, [...words, "root@127.0.0.1"]);
}

describe.skipIf(missing !== undefined)(`a known_hosts file is judged as OpenSSH's own client does${missing ? ` (${missing})` : ""}`, () => {
  it.each(files)("%s", async (_title, text) => {
    const { write } = makeProject();
    const file = write("known", fill(text));
    const connection = connectionTo(server.port, { privateKey: key.privateKey, knownHosts: "known" });
    if ((await theirs(file)) === "in\n") expect(await logsIn(connection)).toBe("in\nEND\n");
    else expect((await errorOf(() => logsIn(connection))).kind).toBe("untrusted");
  });

  it("but a key that is revoked for the host without its port is refused, which OpenSSH's own client takes", async () => {
    const { write } = makeProject();
    const file = write("known", fill("@revoked 127.0.0.1 KEY\nHERE KEY"));
    expect(await theirs(file)).toBe("in\n");
    const connection = connectionTo(server.port, { privateKey: key.privateKey, knownHosts: "known" });
    expect((await errorOf(() => logsIn(connection))).message).toContain(`is revoked: ${file}:1 marks`);
  });
});
