import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { look } from "../../provider/board/board";
import { chattyUsers } from "./chatty";
import { makeKey } from "./keys";
import { makeMachine, whatIsMissing } from "./machine";
import { connectionTo, errorOf, makeProject, untilEnd } from "./project";
import { type RealServer, startDropbear, startSshd } from "./real-server";
import { lectureOf, makeWaysToRoot, operatorPassword, rootPassword } from "./ways-to-root";
import { connect } from "../../provider/ssh/connection";

const missing = whatIsMissing();
const key = makeKey();
const root = { name: "root", password: rootPassword };
const onlyWheel = { "pam.d/su": "auth required pam_wheel.so\nauth required pam_unix.so\naccount required pam_unix.so\n" };
const servers: Record<string, RealServer> = {};
let logs = "";

beforeAll(async () => {
  if (missing !== undefined) return;
  const made = makeWaysToRoot(key);
  logs = made.logs;
  writeFileSync(lectureOf(logs), "devbind-000000000000000000000000\nPassword:\nWe trust you have received the usual lecture.\n");
  const options = { lifetime: "file" } as const;
  const bare = makeMachine({ users: [{ name: "operator", keys: [key.publicKey] }], without: ["sudo", "doas", "su"], ...options });
  const wheel = makeMachine({ users: [root, { name: "operator", keys: [key.publicKey] }], etc: onlyWheel, ...options });
  [servers.OpenSSH, servers.dropbear, servers.bare, servers.wheel] = await Promise.all([
    startSshd(made.machine, [], options),
    startDropbear(made.machine, ["-s"], options),
    startSshd(bare, [], options),
    startSshd(wheel, [], options),
  ]);
});

const to = (name: string, user: string, fields: Record<string, unknown>) =>
  connectionTo(servers[name]?.port ?? 0, { user, privateKey: key.privateKey, hostKey: servers[name]?.hostKey, ...fields });

/** Who we are there, and what is left of the session's own words. */
async function becomes(name: string, user: string, fields: Record<string, unknown>): Promise<string[]> {
  const board = await connect(to(name, user, fields));
  try {
    const { stdout } = await board.run(untilEnd('id -u; echo "$SSH_CONNECTION"; echo END\n'));
    return stdout.split("\n");
  } finally {
    board.end();
  }
}
const rootOver = (name: string) => ["0", expect.stringMatching(new RegExp(`^127.0.0.1 \\d+ 127.0.0.1 ${servers[name]?.port}$`)), "END", ""];

/** How we become root there, as which user, and with what. */
const ways: readonly [string, string, Record<string, unknown>][] = [
  ["sudo with a password", "operator", { become: "sudo", becomePassword: operatorPassword }],
  ["sudo without a password", "free", { become: "sudo" }],
  ["sudo that needs none, though one is given", "free", { become: "sudo", becomePassword: operatorPassword }],
  ["sudo that prints a lecture, with a colon at its end", "lectured", { become: "sudo", becomePassword: operatorPassword }],
  ["sudo that records what goes in and out", "recorded", { become: "sudo", becomePassword: operatorPassword }],
  ["sudo that makes no terminal of its own", "nopty", { become: "sudo", becomePassword: operatorPassword }],
  ["sudo that asks for root's password", "roots", { become: "sudo", becomePassword: rootPassword }],
  ["sudo that allows one try", "once", { become: "sudo", becomePassword: operatorPassword }],
  ["doas without a password", "dancer", { become: "doas" }],
  ["su with root's password", "stranger", { become: "su", becomePassword: rootPassword }],
  ["sudo of root itself", "root", { become: "sudo" }],
];

const wrong = "not-the-password";
const asks = "asks for a password, and there is none.";
const notTaken = "did not take the password.";
/** And with which property, and which words. */
const failures: readonly [string, string, Record<string, unknown>, string, string][] = [
  ["sudo, expired password", "expired", { become: "sudo", becomePassword: operatorPassword }, "become", "the password for it has expired"],
  ["sudo, wrong password", "operator", { become: "sudo", becomePassword: wrong }, "becomePassword", `sudo ${notTaken}`],
  ["sudo that insults", "insulted", { become: "sudo", becomePassword: wrong }, "becomePassword", `sudo ${notTaken}`],
  ["sudo that allows one try", "once", { become: "sudo", becomePassword: wrong }, "becomePassword", `sudo ${notTaken}`],
  ["sudo that asks, and there is none", "operator", { become: "sudo" }, "becomePassword", `sudo ${asks}`],
  ["sudo that wants a terminal", "terminal", { become: "sudo", becomePassword: operatorPassword }, "become", "sudo wants a terminal there"],
  ["not in sudoers", "stranger", { become: "sudo", becomePassword: operatorPassword }, "become", "its sudoers don't allow this user"],
  [
    "sudo for something else",
    "narrow",
    { become: "sudo", becomePassword: operatorPassword },
    "become",
    "its sudoers don't allow this user",
  ],
  ["doas that asks", "operator", { become: "doas" }, "become", "doas asks for a password there"],
  ["doas that denies", "stranger", { become: "doas" }, "become", "its doas.conf doesn't permit this user"],
  ["doas for something else", "narrow", { become: "doas" }, "become", "its doas.conf doesn't permit this user"],
  ["su, wrong password", "operator", { become: "su", becomePassword: wrong }, "becomePassword", `su ${notTaken}`],
  ["su, and there is no password", "operator", { become: "su" }, "becomePassword", `su ${asks}`],
];

describe.skipIf(missing !== undefined)(`becoming root${missing === undefined ? "" : ` (${missing})`}`, () => {
  describe.each(["OpenSSH", "dropbear"])("over %s", (name) => {
    it.each(ways)("by %s, and the script still knows the session's addresses", async (_title, user, fields) => {
      makeProject();
      expect(await becomes(name, user, fields)).toEqual(rootOver(name));
    });

    it.each(chattyUsers.map((user) => user.name))("from a chatty login shell, by sudo and by su: %s", async (user) => {
      makeProject();
      expect(await becomes(name, user, { become: "sudo", becomePassword: operatorPassword })).toEqual(rootOver(name));
      expect(await becomes(name, user, { become: "su", becomePassword: rootPassword })).toEqual(rootOver(name));
    });

    it("makes a look that of root, many at once over one connection", async () => {
      makeProject();
      const item = { bus: "platform", device: "nothing.0", driver: null, module: null };
      const connection = to(name, "operator", { become: "sudo", becomePassword: operatorPassword });
      const looks = await Promise.all(Array.from({ length: 6 }, () => look(connection, [item])));
      expect(looks.map(({ board }) => board.isRoot)).toEqual(Array(6).fill(true));
      expect((await look(to(name, "operator", {}), [item])).board.isRoot).toBe(false);
    });

    it.each(failures)("is refused with its own words: %s", async (_title, user, fields, property, words) => {
      makeProject();
      const error = await errorOf(() => becomes(name, user, fields));
      expect([error.kind, error.property]).toEqual(["denied", `connection.${property}`]);
      const address = `${user}@127.0.0.1:${servers[name]?.port}`;
      expect(error.message).toContain(`${address} let us in, but ${words}`);
      expect(error.message).toContain("Nothing was written on the board.");
      for (const secret of [operatorPassword, rootPassword, wrong]) expect(error.message).not.toContain(secret);
    });
  });

  it.each(["sudo", "doas", "su"])("says that there is none of it on a board without %s", async (become) => {
    makeProject();
    const error = await errorOf(() => becomes("bare", "operator", { become, ...(become !== "doas" && { becomePassword: wrong }) }));
    expect([error.kind, error.property]).toEqual(["denied", "connection.become"]);
    expect(error.message).toContain(`let us in, but there is no ${become} on it.`);
  });

  it("says that su is for a group, where the password is right and the user is not in it", async () => {
    makeProject();
    const error = await errorOf(() => becomes("wheel", "operator", { become: "su", becomePassword: rootPassword }));
    expect([error.kind, error.property]).toEqual(["denied", "connection.become"]);
    expect(error.message).toContain("let us in, but its su lets only some users become root.");
  });
});
