import { execFileSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import type { Connection } from "../../provider/schema";
import { connect } from "../../provider/ssh/connection";
import { withConnection } from "../../provider/ssh/pool";
import { makeKey } from "./keys";
import { afterwards, connectionTo, errorOf, makeProject, untilEnd } from "./project";
import { type RealServer, startAgent, startDropbear, startSshd, whatIsMissing } from "./real-server";

const missing = whatIsMissing();
const key = makeKey();
const servers = [
  ["OpenSSH", startSshd],
  ["dropbear", startDropbear],
] as const;

it("has what the tests against real servers need, on a machine that says CI=true", () => {
  if (process.env.CI === "true") expect(missing).toBeUndefined();
});

/** As a user would: a board that is just starting is dialed again. */
function to(server: RealServer, fields: Record<string, unknown> = {}): Connection {
  return connectionTo(server.port, { privateKey: key.privateKey, hostKey: server.hostKey, dialErrorLimit: 20, ...fields });
}

const runOn = (connection: Connection, input: string) => withConnection(connection, (board) => board.run(untilEnd(input)));

describe.skipIf(missing !== undefined)(`real servers${missing === undefined ? "" : ` (${missing})`}`, () => {
  describe.each(servers)("%s", (_name, start) => {
    it("lets us in with a key, and runs a script from stdin", async () => {
      makeProject();
      const answer = await runOn(to(await start(key.publicKey)), 'echo "$0 in"; echo warn >&2; echo END\n');
      expect([answer.stdout, answer.complete]).toEqual(["sh in\nEND\n", true]);
    });

    it("brings the exit code and stderr of a command that ends by itself, and stdin has ended for it", async () => {
      makeProject();
      const request = { ...untilEnd("cat; echo warn >&2; exit 7\n"), isComplete: () => false };
      const answer = await withConnection(to(await start(key.publicKey)), (board) => board.run(request));
      expect(answer).toEqual({ stdout: "", stderr: "warn\n", complete: false, exitCode: 7 });
    });

    it("doesn't let us in with another key", async () => {
      makeProject();
      const server = await start(makeKey().publicKey);
      const error = await errorOf(() => connect(to(server)));
      expect(error.kind).toBe("denied");
      expect(error.message).toContain("it took none of: the private key. It offers: publickey");
    });

    it("lets us in with a key of an agent", async () => {
      makeProject();
      const server = await start(key.publicKey);
      const agentSocketPath = await startAgent(key.privateKey);
      expect((await runOn(to(server, { privateKey: undefined, agentSocketPath }), "echo END\n")).complete).toBe(true);
      vi.stubEnv("SSH_AUTH_SOCK", agentSocketPath);
      expect((await runOn(to(server, { privateKey: undefined }), "echo END\n")).complete).toBe(true);
    });

    it("shows the host key that ssh-keyscan writes down and ssh-keygen hashes", async () => {
      const { write } = makeProject();
      const server = await start(key.publicKey);
      await runOn(to(server), "echo END\n");
      const scanned = execFileSync("ssh-keyscan", ["-p", String(server.port), "-t", "ed25519", "127.0.0.1"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const file = write("known_hosts", scanned.toString());
      execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
      expect((await runOn(to(server, { hostKey: undefined }), "echo END\n")).complete).toBe(true);
    });

    it("runs more commands at once than it has sessions, though each lingers after its end marker", async () => {
      makeProject();
      const connection = to(await start(key.publicKey));
      const answers = await Promise.all(Array.from({ length: 24 }, () => runOn(connection, "echo END; sleep 0.3\n")));
      expect(answers.every((answer) => answer.complete)).toBe(true);
    });

    it("brings five megabytes whole", async () => {
      makeProject();
      const connection = to(await start(key.publicKey));
      const request = { ...untilEnd("head -c 5000000 /dev/zero | tr '\\0' x; echo END\n"), maximumBytes: 6_000_000 };
      const answer = await withConnection(connection, (board) => board.run(request));
      expect(answer.stdout.length).toBe(5_000_004);
    });

    it("answers when it is asked for a sign of life", async () => {
      makeProject();
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      afterwards(() => vi.useRealTimers());
      const board = await connect(to(await start(key.publicKey)));
      afterwards(() => board.end());
      const running = board.run(untilEnd("read line; sleep 1; echo END\n"));
      for (let asked = 0; asked < 6; asked++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        vi.advanceTimersByTime(10_000);
      }
      expect((await running).complete).toBe(true);
    });

    it("leads on to another server as a jump host", async () => {
      makeProject();
      const [gate, board] = await Promise.all([start(key.publicKey), startDropbear(key.publicKey)]);
      await runOn(to(board), "echo END\n");
      const proxy = { host: "127.0.0.1", port: gate.port, privateKey: key.privateKey, hostKey: gate.hostKey, dialErrorLimit: 20 };
      expect((await runOn(to(board, { proxy }), "echo END\n")).complete).toBe(true);
    });

    it("says that the board behind it refuses, when it leads nowhere", async () => {
      makeProject();
      const gate = await start(key.publicKey);
      const proxy = { host: "127.0.0.1", port: gate.port, privateKey: key.privateKey, hostKey: gate.hostKey, dialErrorLimit: 20 };
      const error = await errorOf(() => connect(connectionTo(1, { privateKey: key.privateKey, hostKeyChecking: "off", proxy })));
      expect([error.kind, error.message]).toEqual([
        "unreachable",
        expect.stringMatching(/^Cannot reach root@127.0.0.1:1: the jump host says: .* \(after 1 dial\)\./),
      ]);
    });
  });

  it("checks the host key again at each rekey, and goes on", async () => {
    makeProject();
    const server = await startSshd(key.publicKey, ["RekeyLimit 500K", "LogLevel DEBUG1"]);
    const request = { ...untilEnd("head -c 3000000 /dev/zero | tr '\\0' x; echo END\n"), maximumBytes: 6_000_000 };
    const answer = await withConnection(to(server), (board) => board.run(request));
    expect(answer.stdout.length).toBe(3_000_004);
    expect(server.log().split("rekey").length).toBeGreaterThan(3);
  });

  it("gets in past MaxStartups, however many dial at once", async () => {
    makeProject();
    const server = await startSshd(key.publicKey, ["MaxStartups 2:100:3"]);
    await runOn(to(server), "echo END\n");
    const logIn = async () => {
      const board = await connect(to(server));
      const answer = await board.run(untilEnd("echo END\n"));
      board.end();
      return answer.complete;
    };
    expect(await Promise.all(Array.from({ length: 12 }, logIn))).toEqual(Array(12).fill(true));
  });

  it("says that forwarding is forbidden on a jump host", async () => {
    makeProject();
    const gate = await startSshd(key.publicKey, ["AllowTcpForwarding no"]);
    const proxy = {
      host: "127.0.0.1",
      port: gate.port,
      user: "root",
      privateKey: key.privateKey,
      hostKey: gate.hostKey,
      dialErrorLimit: 20,
    };
    const error = await errorOf(() => connect(connectionTo(2, { privateKey: key.privateKey, hostKeyChecking: "off", proxy })));
    expect([error.kind, error.message]).toEqual([
      "denied",
      `The jump host root@127.0.0.1:${gate.port} (on the way to root@127.0.0.1:2) lets us in, but does not lead on to root@127.0.0.1:2: open failed. Nothing was sent to the board. Check AllowTcpForwarding and PermitOpen in its sshd_config.`,
    ]);
  });
});
