import { readdirSync, readlinkSync } from "node:fs";
import { hostname, release } from "node:os";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { look } from "../../provider/board/board";
import { connect } from "../../provider/ssh/connection";
import { chatter, chattyUsers, printsTwice } from "./chatty";
import { makeKey } from "./keys";
import { type Machine, makeMachine, whatIsMissing } from "./machine";
import { connectionTo, errorOf, logsIn, makeProject } from "./project";
import { type RealServer, startDropbear, startSocketActivated, startSshd } from "./real-server";

const missing = whatIsMissing();
const key = makeKey();
const login = { privateKey: key.privateKey };
const users = [{ name: "root" }, ...chattyUsers].map((user) => ({ ...user, keys: [key.publicKey] }));

const only = (...lines: string[]) => lines;
const hardened = [
  only("Ciphers chacha20-poly1305@openssh.com"),
  only("Ciphers aes256-gcm@openssh.com"),
  only("Ciphers aes256-ctr", "MACs hmac-sha2-512-etm@openssh.com"),
  only("KexAlgorithms curve25519-sha256"),
  only("HostKeyAlgorithms ssh-ed25519"),
  only("PubkeyAcceptedAlgorithms ssh-ed25519", "PasswordAuthentication no"),
  only("MaxAuthTries 1"),
  only("LoginGraceTime 1", "ClientAliveInterval 1"),
  only("MaxSessions 1", "MaxStartups 1"),
  only("PermitTTY no", "DisableForwarding yes", "AllowUsers root sh bash fish tcsh", "PermitRootLogin prohibit-password"),
  only("RekeyLimit 16K", "Compression yes"),
  only("SetEnv LC_ALL=tlh_KL PATH=/bin", "UsePAM yes"),
];

/** A device of this machine, if it has one, and one that it has not: a look only reads. */
async function looksAround(server: RealServer, user = "root"): Promise<void> {
  const folder = "/sys/bus/platform/devices";
  const [present = "none.0"] = readdirSync(folder);
  const items = ["nothing.0", present].map((device) => ({ bus: "platform", device, driver: "vfio-platform", module: null }));
  const connection = connectionTo(server.port, { ...login, user, hostKey: server.hostKey });
  const { board, devices } = await look(connection, items);
  expect(board).toMatchObject({ hostName: hostname(), kernel: release(), isRoot: user === "root", condition: "quiet" });
  expect(devices.map((device) => [device.name, device.isBusPresent, device.isPresent])).toEqual([
    ["nothing.0", true, false],
    [present, true, present !== "none.0"],
  ]);
  expect(devices[1]?.driver ?? null).toBe(driverOf(join(folder, present)));
}

function driverOf(device: string): string | null {
  try {
    return basename(readlinkSync(join(device, "driver")));
  } catch {
    return null;
  }
}

describe.skipIf(missing !== undefined)(`a look is answered by${missing === undefined ? "" : ` (${missing})`}`, () => {
  let machine: Machine;
  beforeAll(() => {
    machine = makeMachine({
      users,
      etc: { motd: `${chatter.join("\n")}\n`, issue: `${chatter.join("\n").repeat(10)}\n` },
      lifetime: "file",
    });
  });

  it.each(hardened.map((lines) => [lines.join(", "), lines] as const))("OpenSSH with %s", async (_title, lines) => {
    makeProject();
    await looksAround(await startSshd(machine, lines));
  });

  it("OpenSSH with a banner and a message of the day, both with escapes and forged lines", async () => {
    makeProject();
    const server = await startSshd(machine, [`Banner ${machine.folder}/etc/issue`, "PrintMotd yes", "UsePAM yes", "PrintLastLog yes"]);
    await looksAround(server);
    const error = await errorOf(() => connect(connectionTo(server.port, { privateKey: makeKey().privateKey, hostKey: server.hostKey })));
    expect(error.message).not.toContain("board-7");
  });

  it("OpenSSH whose ForceCommand prints before it runs what was asked for", async () => {
    makeProject();
    const forced = printsTwice.replaceAll("\n", "; ");
    await looksAround(await startSshd(machine, [`ForceCommand ${forced}; eval "$SSH_ORIGINAL_COMMAND"`]));
  });

  it("OpenSSH that is started for each connection by a socket, as by systemd", async () => {
    makeProject();
    const server = await startSocketActivated(machine);
    await looksAround(server);
    expect(await logsIn(connectionTo(server.port, { ...login, hostKey: server.hostKey }))).toBe("in\nEND\n");
  });

  it("dropbear as it comes, and one that takes keys alone", async () => {
    makeProject();
    await looksAround(await startDropbear(machine, []));
    await looksAround(await startDropbear(machine, ["-s", "-g", "-j", "-k", "-T", "1"]));
  });

  it("dropbear for a user where root may not log in, and then says so for root", async () => {
    makeProject();
    const server = await startDropbear(machine, ["-s", "-w"]);
    await looksAround(server, "sh");
    expect((await errorOf(() => looksAround(server))).kind).toBe("denied");
  });

  it.each(chattyUsers.map((user) => user.name))(
    "a login shell whose files print forged lines to stdout and stderr, over OpenSSH and dropbear: %s",
    async (user) => {
      makeProject();
      const server = await startSshd(machine);
      const said = await logsIn(connectionTo(server.port, { ...login, user, hostKey: server.hostKey }));
      expect(said).toBe(`${chatter.join("\n")}\nin\nEND\n`);
      await looksAround(server, user);
      await looksAround(await startDropbear(machine), user);
    },
  );
});

describe.skipIf(missing !== undefined)("a server is refused with a clear word", () => {
  it("that exchanges keys only in ways that we don't have", async () => {
    makeProject();
    const server = await startSshd(key.publicKey, ["KexAlgorithms sntrup761x25519-sha512@openssh.com"]);
    const error = await errorOf(() => looksAround(server));
    expect([error.kind, error.message]).toEqual([
      "protocol",
      expect.stringMatching(/^Cannot speak SSH with root@127\.0\.0\.1:\d+: .*no matching key exchange algorithm/),
    ]);
  });

  it.each(["PermitRootLogin no", "DenyUsers root", "AllowGroups nogroup"])("whose rule keeps us out: %s", async (line) => {
    makeProject();
    const error = await errorOf(async () => looksAround(await startSshd(key.publicKey, [line])));
    expect([error.kind, error.property]).toEqual(["denied", "connection"]);
  });
});
