import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { connectionSchema } from "../../provider/schema";
import { gatherTrust, judge, preferredTypes } from "../../provider/ssh/host-keys";
import {
  fingerprint,
  keyFromBlob,
  keyFromText,
  knownHostsName,
  namesMatch,
  type PublicKey,
  parseKnownHosts,
} from "../../provider/ssh/known-hosts";
import { hopsOf } from "../../provider/ssh/target";
import { makeKey } from "./keys";
import { errorOf, makeProject } from "./project";

const [first, second, ecdsa, rsa] = [makeKey().publicKey, makeKey().publicKey, makeKey("ecdsa").publicKey, makeKey("rsa").publicKey];

function keyOf(line: string): PublicKey {
  const key = keyFromText(...(line.split(" ") as [string, string]));
  if (key === undefined) throw new Error(`no key: ${line}`);
  return key;
}

function trustFor(file: string, fields: Record<string, unknown> = {}) {
  const project = makeProject();
  const path = project.write("known_hosts", file);
  const connection = connectionSchema.parse({ host: "board-7", password: "x", ...fields });
  const [board] = hopsOf(connection);
  if (board === undefined) throw new Error("no board");
  return { trust: gatherTrust(connection, board.hop, board.target), target: board.target, path, project };
}

function verdictOn(file: string, shown: string, fields: Record<string, unknown> = {}) {
  const { trust, target } = trustFor(file, fields);
  const verdict = judge(trust, keyOf(shown), target);
  if (!verdict.trusted) return verdict.error.message.replace(/^.*? (is not known|has changed|is revoked|is not the one).*$/, "$1");
  return verdict.addLine ?? "trusted";
}

describe("names in a known_hosts file", () => {
  it.each([
    ["board-7", "board-7", true],
    ["Board-7", "board-7", true],
    ["board-7", "board-77", false],
    ["a,board-7,b", "board-7", true],
    ["board-*", "board-7", true],
    ["board-?", "board-7", true],
    ["board-?", "board-77", false],
    ["*.lab,board-*", "x.lab", true],
    ["*,!board-7", "board-7", false],
    ["!board-7,*", "board-7", false],
    ["*,!board-7", "board-8", true],
    ["!board-7", "board-8", false],
    ["[board-7]:2222", "[board-7]:2222", true],
    ["[board-*]:2222", "[board-7]:2222", true],
    ["board-7", "[board-7]:2222", false],
    ["[board-7]:2222", "board-7", false],
    ["10.0.0.*", "10.0.0.21", true],
    ["b.ard", "board", false],
    ["*a*b*c", "xxaxxbxxc", true],
    ["*a*b*c", "xxaxxbxx", false],
    ["", "board-7", false],
  ])("%s means %s: %s", (names, name, expected) => expect(namesMatch(names, name)).toBe(expected));

  it("a pattern of many stars costs no more than its length times the name's", () => {
    expect(namesMatch(`${"*a".repeat(5000)}b`, "a".repeat(5000))).toBe(false);
  });

  it("hashed names are compared as ssh-keygen -H writes them, with and without port", () => {
    const project = makeProject();
    const file = project.write("hashed", `board-7 ${first}\n[board-7]:2222 ${second}\n`);
    execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
    const lines = parseKnownHosts(execFileSync("cat", [file], { encoding: "utf8" }), file);
    expect(lines.map((line) => line.names.startsWith("|1|"))).toEqual([true, true]);
    expect(lines.map((line) => namesMatch(line.names, knownHostsName("Board-7", 22)))).toEqual([true, false]);
    expect(lines.map((line) => namesMatch(line.names, knownHostsName("board-7", 2222)))).toEqual([false, true]);
  });

  it("hashed names of another version or without hash mean nobody", () => {
    expect(namesMatch("|2|AAAA|BBBB", "board-7")).toBe(false);
    expect(namesMatch("|1|AAAA", "board-7")).toBe(false);
    expect(namesMatch("|1|AAAA|", "board-7")).toBe(false);
  });

  it("IPv6 addresses are named without brackets at port 22 and with them elsewhere", () => {
    expect(knownHostsName("[FE80::1]", 22)).toBe("fe80::1");
    expect(knownHostsName("fe80::1", 2222)).toBe("[fe80::1]:2222");
  });
});

describe("lines of a known_hosts file", () => {
  it("keeps line numbers, markers and comments apart, and skips what is no key", () => {
    const text = `# comment\n\nboard-7 ${first} me@here\r\n\t@revoked * ${second}\n@cert-authority *.lab ${ecdsa}\n@unknown a ${first}\nboard-8 ssh-rsa ${first.split(" ")[1]}\nboard-9 ssh-ed25519\nx y z\n`;
    const lines = parseKnownHosts(text, "f");
    expect(lines.map(({ marker, names, line }) => [marker, names, line])).toEqual([
      ["", "board-7", 3],
      ["@revoked", "*", 4],
      ["@cert-authority", "*.lab", 5],
    ]);
  });

  it("tells the fingerprint that ssh-keygen tells", () => {
    const project = makeProject();
    const told = execFileSync("ssh-keygen", ["-lf", project.write("k.pub", `${first}\n`)], { encoding: "utf8" });
    expect(told).toContain(` ${fingerprint(keyOf(first))} `);
  });

  it("takes no key from bytes that are none", () => {
    for (const bytes of [[], [0, 0, 0, 200, 1, 2, 3, 4, 5], [0, 0, 0, 0, 1, 2, 3, 4, 5], [0, 0, 0, 3, 65, 10, 66, 4, 5]]) {
      expect(keyFromBlob(Buffer.from(bytes))).toBeUndefined();
    }
  });
});

describe("the judgement of a host key", () => {
  it.each([
    ["a known key is trusted", `board-7 ${first}\n`, first, {}, "trusted"],
    ["one of several known keys is trusted", `board-7 ${second}\nboard-7 ${first}\n`, first, {}, "trusted"],
    ["a key of another machine is not known", `board-8 ${first}\n`, first, {}, "is not known"],
    ["another key of the same type has changed", `board-7 ${second}\n`, first, {}, "has changed"],
    ["a key of another type has changed too", `board-7 ${ecdsa}\n`, first, {}, "has changed"],
    ["a changed key is refused with accept-new as well", `board-7 ${second}\n`, first, { hostKeyChecking: "accept-new" }, "has changed"],
    ["a new key is to be written with accept-new", "", first, { hostKeyChecking: "accept-new" }, `board-7 ${first}`],
    [
      "a new key at another port is to be written with it",
      "",
      first,
      { hostKeyChecking: "accept-new", port: 2222 },
      `[board-7]:2222 ${first}`,
    ],
    ["a revoked key is refused though it is known", `board-7 ${first}\n@revoked board-* ${first}\n`, first, {}, "is revoked"],
    ["a key revoked for another machine is trusted here", `board-7 ${first}\n@revoked board-8 ${first}\n`, first, {}, "trusted"],
    ["a certificate authority's line trusts no plain key", `@cert-authority board-7 ${first}\n`, first, {}, "is not known"],
    ["another port of a known host shows its key", `board-7 ${first}\n`, first, { port: 2222 }, "trusted"],
    ["another port of a known host shows another key", `board-7 ${second}\n`, first, { port: 2222 }, "is not known"],
    [
      "a key revoked for the host is so at each port",
      `@revoked board-7 ${first}\n[board-7]:2222 ${first}\n`,
      first,
      { port: 2222 },
      "is revoked",
    ],
    ["hostKey is the only authority where it is given", `board-7 ${first}\n`, first, { hostKey: second }, "is not the one"],
    ["hostKey may hold several lines, also with names", "", first, { hostKey: `${second} c\nboard-9 ${first}\n` }, "trusted"],
    ["hostKeyChecking off trusts anything, by its name", `board-7 ${second}\n`, first, { hostKeyChecking: "off" }, "trusted"],
  ])("%s", (_promise, file, shown, fields, expected) => expect(verdictOn(file, shown, fields)).toBe(expected));

  it("asks first for the types that are known, so that no board is refused for showing another of its keys", () => {
    expect(preferredTypes(trustFor(`board-7 ${rsa}\n`).trust)).toEqual([
      "rsa-sha2-512",
      "rsa-sha2-256",
      "ssh-rsa",
      "ssh-ed25519",
      "ecdsa-sha2-nistp256",
      "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521",
    ]);
    expect(preferredTypes(trustFor("", { hostKey: ecdsa }).trust)[0]).toBe("ecdsa-sha2-nistp256");
    expect(preferredTypes(trustFor(`@revoked board-7 ${rsa}\n`).trust)[0]).toBe("ssh-ed25519");
    expect(preferredTypes(trustFor(`board-7 ${rsa}\n`, { port: 2222 }).trust)[0]).toBe("rsa-sha2-512");
  });

  it("knownHosts replaces the usual files, and relative paths start beside Pulumi.yaml", () => {
    const { trust, project } = trustFor(`board-7 ${first}\n`, { knownHosts: ["keys/lab", "~/other"] });
    expect(trust.known).toEqual([]);
    expect(trust.files).toEqual([`${project.folder}/keys/lab`, `${project.home}/other`]);
    expect(trust.writeTo).toBe(`${project.folder}/keys/lab`);
  });

  it("a known_hosts file that is there and can't be read refuses, for it may revoke the key", async () => {
    const error = await errorOf(() => trustFor("", { knownHosts: "." }));
    expect(error.kind).toBe("untrusted");
    expect(error.message).toMatch(
      /^Cannot check the host key of root@board-7:22: \S+\/project can't be read: EISDIR: [^.]*\. Nothing was sent to the board\. Make that file readable\.$/,
    );
  });
});
