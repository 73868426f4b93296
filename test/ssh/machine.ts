import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Lifetime, whenOver } from "./project";

export interface MadeUser {
  readonly name: string;
  /** Default: /bin/sh. */
  readonly shell?: string;
  /** Default: none that anything would take. */
  readonly password?: string;
  /** The day, counted from 1970, of its last change; 0: it has expired. */
  readonly passwordChanged?: number;
  /** Public keys, one a line of authorized_keys. */
  readonly keys?: readonly string[];
  /** Files of the home, by their paths in it: `.config/fish/config.fish`. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface MachineOptions {
  /** `root` is there in any case. */
  readonly users?: readonly MadeUser[];
  /** Files of /etc, added or in the place of the machine's: `doas.conf`. */
  readonly etc?: Readonly<Record<string, string>>;
  /** Programs of /usr/bin that are not installed. */
  readonly without?: readonly string[];
  /** Default: gone after the test. */
  readonly lifetime?: Lifetime;
}

/** What servers see in the place of this machine: other users, homes, /etc and /run. */
export interface Machine {
  readonly folder: string;
  home(user: string): string;
  /** The command as it is to be spawned to run in there, as root; it ends with the process that spawned it. */
  inside(command: readonly string[]): string[];
}

/**
 * A mount namespace of its own: /run, /var/log and sudo's memory are empty, /etc is a copy with our files over it. Nothing of the
 * machine is touched, and no line of a log reaches its journal, whose socket is in /run.
 */
const script = `set -e
for folder in /run /var/log /var/lib/sudo; do [ ! -d "$folder" ] || mount -t tmpfs none "$folder"; done
mkdir /run/sshd /run/etc /run/programs /run/kept
cp -a /etc/. /run/etc && cp -a "$0/etc/." /run/etc && mount --bind /run/etc /etc
if [ "$1" != "" ]; then
  mount --bind /usr/bin /run/programs && ln -s /run/programs/* /run/kept
  for program in $1; do rm -f "/run/kept/$program"; done
  mount --bind /run/kept /usr/bin
fi
shift
exec setpriv --pdeathsig KILL "$@"`;

/** Why the tests against real servers can't run here, in words that enable them; undefined when they can. */
export function whatIsMissing(): string | undefined {
  const programs = ["sbin/sshd", "sbin/dropbear", "bin/dropbearkey", "bin/ssh", "bin/ssh-agent", "bin/sudo", "bin/doas", "bin/fish"];
  const missing = [...programs.map((path) => `/usr/${path}`), "/bin/tcsh"].filter((path) => !existsSync(path));
  if (missing.length > 0) return `${missing.join(", ")} missing: run test/boards/install-tools.sh`;
  const tried = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/run"], { stdio: "ignore" });
  return tried.status === 0 ? undefined : "no mount namespace: run as root, in a container with --cap-add SYS_ADMIN";
}

/** A folder that everybody may read, gone when its time is over. */
export function scratch(lifetime: Lifetime = "test"): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "devbind-machine-")));
  chmodSync(folder, 0o755);
  whenOver(lifetime, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function makeMachine(options: MachineOptions = {}): Machine {
  const folder = scratch(options.lifetime);
  const home = (user: string) => join(folder, "home", user);
  const given = options.users ?? [];
  const users = given.some((user) => user.name === "root") ? given : [{ name: "root" }, ...given];
  const numbered = users.map((user, index) => ({ user, id: user.name === "root" ? 0 : 2000 + index }));
  for (const { user, id } of numbered) makeHome(user, id, home(user.name));
  for (const [name, text] of Object.entries({ ...accounts(numbered, home), ...permissions, ...pam, ...options.etc })) {
    const path = join(folder, "etc", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: isPrivate(name) ? 0o440 : 0o644 });
  }
  const inside = (command: readonly string[]) => [
    "unshare",
    "-m",
    "sh",
    "-c",
    script,
    folder,
    options.without?.join(" ") ?? "",
    ...command,
  ];
  return { folder, home, inside };
}

const isPrivate = (name: string) => name === "shadow" || name === "doas.conf" || name.startsWith("sudoers");

function makeHome(user: MadeUser, id: number, home: string): void {
  const files = { ...user.files, ...(user.keys ? { ".ssh/authorized_keys": `${user.keys.join("\n")}\n` } : {}) };
  mkdirSync(home, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true, mode: 0o755 });
    writeFileSync(join(home, name), text, { mode: 0o644 });
  }
  execFileSync("chown", ["-R", `${id}:${id}`, home]);
  chownSync(dirname(home), 0, 0);
}

type Numbered = readonly { user: MadeUser; id: number }[];

/** The user databases, read from these files alone. */
function accounts(users: Numbered, home: (user: string) => string): Record<string, string> {
  const lines = (own: readonly string[], line: (user: MadeUser, id: number) => string) =>
    [...own, ...users.map(({ user, id }) => line(user, id))].map((text) => `${text}\n`).join("");
  return {
    passwd: lines(
      ["sshd:x:1999:65534::/run/sshd:/usr/sbin/nologin", "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin"],
      ({ name, shell }, id) => `${name}:x:${id}:${id}::${home(name)}:${shell ?? "/bin/sh"}`,
    ),
    shadow: lines(
      ["sshd:*:20000::::::", "nobody:*:20000::::::"],
      ({ name, password, passwordChanged = 20_000 }) => `${name}:${hashOf(password)}:${passwordChanged}:0:99999:7:::`,
    ),
    group: lines(["tty:x:5:", "sudo:x:27:", "shadow:x:42:", "nogroup:x:65534:"], ({ name }, id) => `${name}:x:${id}:`),
    "nsswitch.conf": ["passwd", "group", "shadow", "hosts"].map((name) => `${name}: files\n`).join(""),
    shells: "/bin/sh\n/bin/bash\n/usr/bin/fish\n/bin/tcsh\n",
  };
}

/** As on a fresh Debian, where nothing else is said; mail to the administrator would leave the machine. */
const permissions = {
  sudoers: 'Defaults env_reset, use_pty, !mailerpath\nDefaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"\nroot ALL=(ALL:ALL) ALL\n',
  "doas.conf": "permit root\n",
};

/** As Debian has it, without the two seconds after a wrong password and what only some machines have (pam_systemd). */
const login = "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n";
const pam = {
  "pam.d/sshd": `${login}session optional pam_motd.so\n`,
  "pam.d/sudo": login,
  "pam.d/doas": login,
  "pam.d/su": `auth sufficient pam_rootok.so\n${login}`,
  "pam.d/other": login,
};

/** A line for shadow(5); "*" for a password that nobody can give. */
function hashOf(password: string | undefined): string {
  if (password === undefined) return "*";
  const program = "local $/; print crypt(<STDIN>, '$6$devbind$')";
  return execFileSync("perl", ["-e", program], { input: password, encoding: "utf8" });
}
