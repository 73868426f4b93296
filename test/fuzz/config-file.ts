import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { connectionSchema } from "../../provider/schema";
import { hopsOf } from "../../provider/ssh/target";
import { expectPlain, expectWorded } from "./expectations";
import { type Ground, property } from "./frame";
import { canary, hostileText, shortText } from "./hostile";

/** What stands for the folder that the file lies in. */
const here = "@HERE@";

const value = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "board-7",
      "*",
      "gate",
      "gate,board-*",
      "!board-7",
      "22",
      "0",
      "yes",
      "none",
      "root@gate:2222",
      "a,b",
      "%h",
      '"x y"',
    ),
  },
  { weight: 2, arbitrary: shortText.map((text) => text.replaceAll("/", "_")) },
);
const keyword = fc.constantFrom(
  "HostName",
  "Port",
  "User",
  "IdentityFile",
  "IdentitiesOnly",
  "IdentityAgent",
  "HostKeyAlias",
  "UserKnownHostsFile",
  "ProxyJump",
  "CertificateFile",
  "host",
  "PORT",
);
const running = fc.constantFrom(
  `Match exec "touch ${here}/${canary}"`,
  `ProxyCommand touch ${here}/${canary}`,
  `LocalCommand touch ${here}/${canary}`,
  "CanonicalizeHostname yes",
);

const line = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(keyword, fc.constantFrom(" ", "=", " = ", "\t"), value).map((parts) => parts.join("")) },
  { weight: 3, arbitrary: value.map((pattern) => `Host ${pattern}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("all", "host", "user", "originalhost", "final", "exec"), value)
      .map((parts) => `Match ${parts.join(" ")}`),
  },
  { weight: 1, arbitrary: fc.constantFrom(`Include ${here}/config`, `Include ${here}/c*`, `Include ${here}/nowhere`, `Include ${here}`) },
  { weight: 1, arbitrary: running },
  { weight: 1, arbitrary: hostileText },
);

const files = fc.record({
  lines: fc.array(line, { maxLength: 8 }),
  newline: fc.constantFrom("\n", "\r\n", "\n  "),
  fields: fc.constantFrom(
    {},
    { user: "root" },
    { port: 2222 },
    { proxy: { host: "gate" } },
    { jumps: [{ host: "gate" }, { host: "board-7" }] },
  ),
});

interface Written {
  lines: string[];
  newline: string;
  fields: object;
}

function readBack(configFile: string, fields: object): string {
  const connection = connectionSchema.parse({ host: "board-7", password: "x", configFile, ...fields });
  try {
    const hops = hopsOf(connection);
    for (const { target } of hops) expectPlain(target.address, "an address");
    return hops.length > 1 ? "jumps" : "one machine";
  } catch (error) {
    const { property: named = "" } = expectWorded(error, "invalid");
    if (!named.startsWith("connection")) throw new Error(`an error names "${named}"`);
    return "refused";
  }
}

/** One config file after the other, in a folder where nothing else may appear. */
function openFolder(): Ground<Written> {
  const folder = mkdtempSync(join(tmpdir(), "devbind-fuzz-"));
  const configFile = join(folder, "config");
  const meets = ({ lines, newline, fields }: Written): string => {
    writeFileSync(configFile, lines.join(newline).replaceAll(here, folder));
    const end = readBack(configFile, fields);
    if (existsSync(join(folder, canary))) throw new Error("a command of the config file was run");
    return end;
  };
  return { meets, close: () => rmSync(folder, { recursive: true, force: true }) };
}

export const ofConfigFile = property({
  name: "connection.configFile: it is read as far as it is understood, or refused in words; nothing in it is run",
  share: 4_000,
  ends: ["one machine", "jumps", "refused"],
  cases: files,
  open: openFolder,
});
