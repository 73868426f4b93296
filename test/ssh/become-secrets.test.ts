import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../provider/ssh/connection";
import { makeKey } from "./keys";
import { scratch, whatIsMissing } from "./machine";
import { watchProcesses } from "./proc-watch";
import { connectionTo, makeProject, untilEnd } from "./project";
import { type RealServer, startDropbear, startSshd } from "./real-server";
import { lectureOf, makeWaysToRoot, operatorPassword, rootPassword } from "./ways-to-root";

const missing = whatIsMissing();
const key = makeKey();
const servers: Record<string, RealServer> = {};
let logs = "";

beforeAll(async () => {
  if (missing !== undefined) return;
  const made = makeWaysToRoot(key);
  logs = made.logs;
  writeFileSync(lectureOf(logs), "Think before you type.\n");
  const options = { lifetime: "file" } as const;
  [servers.OpenSSH, servers.dropbear] = await Promise.all([
    startSshd(made.machine, ["LogLevel DEBUG3", "PasswordAuthentication yes"], options),
    startDropbear(made.machine, [], options),
  ]);
});

const to = (name: string, user: string, fields: Record<string, unknown>) => {
  const { port = 0, hostKey } = servers[name] ?? {};
  return connectionTo(port, { user, hostKey, dialErrorLimit: 20, ...fields }); // past MaxStartups
};

/** Runs something by the way that is asked for; how it ends doesn't matter here. Passwords that the schema refuses are tried too. */
async function tries(name: string, user: string, fields: Record<string, unknown>, becomePassword?: string): Promise<string> {
  try {
    const board = await connect({ ...to(name, user, { privateKey: key.privateKey, ...fields }), becomePassword });
    return await board
      .run(untilEnd("sleep 0.2; id -u; echo END\n"))
      .then(({ stdout }) => stdout, String)
      .finally(() => board.end());
  } catch (error) {
    return String(error);
  }
}

/** Every text in a folder, decompressed where sudo's recordings are. */
const textsIn = (folder: string) => execFileSync("sh", ["-c", 'find "$0" -type f -exec zcat -f {} +', folder], { encoding: "latin1" });

describe.skipIf(missing !== undefined)(`the password that makes us root${missing === undefined ? "" : ` (${missing})`}`, () => {
  it.each(["OpenSSH", "dropbear"])("is in no process's arguments or environment, on either side of %s", async (name) => {
    makeProject();
    const asOperator = { privateKey: undefined, password: operatorPassword, become: "sudo" };
    const answers: string[] = [];
    const seen = await watchProcesses([operatorPassword, rootPassword], async () => {
      for (const user of ["operator", "recorded", "fish", "tcsh"]) answers.push(await tries(name, user, asOperator, operatorPassword));
      answers.push(await tries(name, "stranger", { become: "su" }, rootPassword));
    });
    expect(answers.map((answer) => answer.endsWith("0\nEND\n"))).toEqual(Array(5).fill(true));
    expect(seen.programs).toEqual(expect.arrayContaining(["sudo", "su"]));
    expect(seen.leaks).toEqual([]);
    expect(seen.rounds).toBeGreaterThan(5);
  });

  it("would be found by that watch, if it was in an argument", async () => {
    const marked = "a-marked-value";
    const seen = await watchProcesses([marked], async () => void execFileSync("sh", ["-c", "sleep 0.3", marked]));
    expect(seen.leaks).toEqual(["sh cmdline"]);
  });

  it("is never run by a shell: not where nothing asks for it, not where it is wrong, not where it has two lines", async () => {
    makeProject();
    const folder = scratch();
    execFileSync("chmod", ["777", folder]);
    const canary = join(folder, "canary");
    const touch = `touch ${canary}`;
    const all: Promise<string>[] = [];
    for (const name of ["OpenSSH", "dropbear"]) {
      for (const user of ["free", "root", "operator", "once", "insulted", "stranger", "terminal", "narrow", "sh", "bash", "fish", "tcsh"]) {
        for (const becomePassword of [touch, `${touch}\n${touch}`, `${operatorPassword}\n${touch}`, `\n;${touch}\n`]) {
          all.push(tries(name, user, { become: "sudo" }, becomePassword));
          if (user === "root" || user === "fish") all.push(tries(name, user, { become: "su" }, becomePassword));
        }
      }
    }
    const answers = await Promise.all(all);
    expect(existsSync(canary)).toBe(false);
    // Free and root need no password, and the first of two lines is the right one for seven more.
    expect(answers.filter((answer) => answer.endsWith("0\nEND\n")).length).toBe(2 * (2 * 4 + 4 + 7));
  });

  it("is in no log: sshd's at DEBUG3, dropbear's, sudo's own, and what sudo records of input and output", async () => {
    makeProject();
    await tries("OpenSSH", "recorded", { become: "sudo" }, operatorPassword);
    const recordings = textsIn(join(logs, "recorded"));
    expect(recordings).toContain("sleep 0.2; id -u; echo END");
    const sudoLog = readFileSync(join(logs, "sudo.log"), "utf8");
    expect(sudoLog).toContain("USER=root");
    const said = [servers.OpenSSH?.log(), servers.dropbear?.log(), recordings, sudoLog, textsIn(logs)];
    for (const log of said) {
      expect(log).not.toContain("touch /");
      for (const secret of [operatorPassword, rootPassword]) expect(log).not.toContain(Buffer.from(secret).toString("latin1"));
      for (const secret of [operatorPassword, rootPassword]) expect(log).not.toContain(secret);
    }
  });
});
