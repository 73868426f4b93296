import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { DevbindError } from "../../provider/errors";
import { connect } from "../../provider/ssh/connection";
import { startAgent } from "./agent";
import { makeKey } from "./keys";
import { type Machine, makeMachine, whatIsMissing } from "./machine";
import { connectionTo, makeProject, untilEnd } from "./project";
import { type RealServer, startDropbear, startSshd } from "./real-server";

const missing = whatIsMissing();
const keys = { gate: makeKey(), board: makeKey("ecdsa"), home: makeKey("rsa"), other: makeKey() };
let machine: Machine;
let gate: RealServer;
let inner: RealServer;
let board: RealServer;

/** The clients' own home is that of the machine's root: OpenSSH's client asks passwd(5) for it, and HOME for some things. */
beforeAll(async () => {
  if (missing !== undefined) return;
  const files = { ".ssh/keys/gate": keys.gate.privateKey, ".ssh/keys/board": keys.board.privateKey, ".ssh/id_rsa": keys.home.privateKey };
  const users = [
    { name: "root", files },
    { name: "gate", keys: [keys.gate.publicKey] },
    { name: "board", keys: [keys.board.publicKey] },
    { name: "lab", keys: [keys.home.publicKey] },
  ];
  machine = makeMachine({ users, lifetime: "file" });
  [gate, inner, board] = await Promise.all([
    startSshd(machine, ["AllowUsers gate"], { lifetime: "file" }),
    startDropbear(machine, ["-s"], { lifetime: "file" }),
    startSshd(machine, ["AllowUsers board lab", "MaxAuthTries 2"], { lifetime: "file" }),
  ]);
  inHome("known_hosts", [gate, inner, board].map((server) => `[127.0.0.1]:${server.port} ${server.hostKey}\n`).join(""), 0o600);
  for (const name of ["keys/gate", "keys/board", "id_rsa"])
    await promisify(execFile)("chmod", ["600", join(machine.home("root"), ".ssh", name)]);
});

function inHome(name: string, text: string, mode = 0o644): void {
  const path = join(machine.home("root"), ".ssh", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}

const who = 'set -- $SSH_CONNECTION; echo "$USER on $4"';

/** As whom and on which port OpenSSH's own client runs a command by this file; undefined: it doesn't get in. */
async function bySsh(file: string, agent: string): Promise<string | undefined> {
  const options = ["-F", file, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null"];
  const [program = "", ...words] = machine.inside(["ssh", ...options, "board-7", who]);
  const { stdout } = await promisify(execFile)(program, words, {
    env: { ...process.env, HOME: machine.home("root"), SSH_AUTH_SOCK: agent },
  }).catch(() => ({
    stdout: undefined,
  }));
  return stdout;
}

async function byUs(file: string, agent: string): Promise<string | undefined> {
  vi.stubEnv("HOME", machine.home("root"));
  vi.stubEnv("SSH_AUTH_SOCK", agent);
  try {
    const fields = { host: "board-7", port: undefined, configFile: file, hostKeyChecking: "strict" };
    const connected = await connect(connectionTo(1, fields));
    const { stdout } = await connected.run(untilEnd(`${who}; echo END\n`));
    connected.end();
    return stdout.replace("END\n", "");
  } catch (error) {
    if (!(error instanceof DevbindError)) throw error;
    return undefined;
  }
}

const asBoard = "User board\n  IdentityFile ~/.ssh/keys/board\n";
const here = "HostName 127.0.0.1\n  Port BOARD\n";
const gates =
  "Host gate inner\n  HostName 127.0.0.1\n  User gate\n  IdentityFile ~/.ssh/keys/gate\nHost gate\n  Port GATE\nHost inner\n  Port INNER\n";

/** Config files; BOARD, GATE and INNER are the servers' ports, DIR is the project's folder. The agent holds these keys. */
const files: readonly (readonly [string, string, { in: string | undefined; agent?: (keyof typeof keys)[] }])[] = [
  ["HostName, Port, User and IdentityFile", `Host board-7\n  ${here}  ${asBoard}`, { in: "board" }],
  ["the home's own keys, where none is named", `Host board-*\n  ${here}  User lab\n`, { in: "lab" }],
  ["another user, whose key isn't there", `Host board-*\n  ${here}  User board\n`, { in: undefined }],
  ["patterns and Match", `Host board-?\n  ${here}Match host 127.0.0.1\n  ${asBoard}`, { in: "board" }],
  ["tokens in a path", `Host board-7\n  ${here}  User board\n  IdentityFile %d/.ssh/keys/%r\n`, { in: "board" }],
  ["one jump host", `Host board-7\n  ${here}  ${asBoard}  ProxyJump gate\n${gates}`, { in: "board" }],
  ["two jump hosts", `Host board-7\n  ${here}  ${asBoard}  ProxyJump gate,inner\n${gates}`, { in: "board" }],
  [
    "a jump host's own jump host",
    `Host board-7\n  ${here}  ${asBoard}  ProxyJump inner\nHost inner\n  ProxyJump gate\n${gates}`,
    { in: "board" },
  ],
  ["a jump host that lets us not in", `Host board-7\n  ${here}  ${asBoard}  ProxyJump root@gate\n${gates}`, { in: undefined }],
  ["an Include by a pattern, from ~/.ssh", `Include lab.d/*.conf\nHost *\n  ${here}`, { in: "board" }],
  ["UserKnownHostsFile that knows it", `Host board-7\n  ${here}  ${asBoard}  UserKnownHostsFile DIR/team_hosts\n`, { in: "board" }],
  ["UserKnownHostsFile that knows nothing", `Host board-7\n  ${here}  ${asBoard}  UserKnownHostsFile DIR/none\n`, { in: undefined }],
  [
    "HostKeyAlias that is known",
    `Host board-7\n  ${here}  ${asBoard}  UserKnownHostsFile DIR/team_hosts\n  HostKeyAlias Seven\n`,
    { in: "board" },
  ],
  ["HostKeyAlias that is not known", `Host board-7\n  ${here}  ${asBoard}  HostKeyAlias eight\n`, { in: undefined }],
  ["an agent's key", `Host board-7\n  ${here}  User board\n`, { in: "board", agent: ["board"] }],
  [
    "an agent's many keys, past MaxAuthTries",
    `Host board-7\n  ${here}  User board\n`,
    { in: undefined, agent: ["other", "gate", "board"] },
  ],
  [
    "IdentitiesOnly, and the agent has many",
    `Host board-7\n  ${here}  ${asBoard}  IdentitiesOnly yes\n`,
    { in: "board", agent: ["other", "gate", "home"] },
  ],
  [
    "IdentitiesOnly, by the public half",
    `Host board-7\n  ${here}  User board\n  IdentityFile DIR/board.pub\n  IdentitiesOnly yes\n`,
    { in: "board", agent: ["other", "gate", "board"] },
  ],
  [
    "IdentitiesOnly, and the right key is the agent's alone",
    `Host board-7\n  ${here}  User board\n  IdentityFile ~/.ssh/keys/gate\n  IdentitiesOnly yes\n`,
    { in: undefined, agent: ["board"] },
  ],
  ["IdentityAgent none", `Host board-7\n  ${here}  User board\n  IdentityAgent none\n`, { in: undefined, agent: ["board"] }],
  ["IdentityAgent by its path", `Host board-7\n  ${here}  User board\n  IdentityAgent DIR/agent\n`, { in: "board", agent: [] }],
];

describe.skipIf(missing !== undefined)(
  `by an OpenSSH config file we get where OpenSSH's own client gets${missing ? ` (${missing})` : ""}`,
  () => {
    it.each(files)("%s", async (_title, text, expected) => {
      const { folder, write } = makeProject();
      const ports = { BOARD: board.port, GATE: gate.port, INNER: inner.port, DIR: folder };
      const filled = Object.entries(ports).reduce((all, [word, value]) => all.replaceAll(word, String(value)), text);
      write("team_hosts", `[127.0.0.1]:${board.port},seven ${board.hostKey}\n`);
      write("board.pub", `${keys.board.publicKey}\n`);
      inHome("lab.d/1.conf", `Host board-7\n  ${asBoard}`);
      const agent = await startAgent((expected.agent ?? []).map((name) => keys[name].privateKey));
      const file = write("config", filled.replace(`${folder}/agent`, await startAgent(keys.board.privateKey)));
      const said = expected.in === undefined ? undefined : `${expected.in} on ${board.port}\n`;
      expect({ theirs: await bySsh(file, agent), ours: await byUs(file, agent) }).toEqual({ theirs: said, ours: said });
    });
  },
);
