import { join } from "node:path";
import { chattyUsers } from "./chatty";
import type { KeyPair } from "./keys";
import { type Machine, type MadeUser, makeMachine, scratch } from "./machine";

/** What an operator types; and root's own, for su. Any shell would read these words as its own. */
export const operatorPassword = 'it\'s $HOME `id` "q" \\n %s ümlaut; exit 3 # ';
export const rootPassword = "root's & own | one";

/** A line of sudoers for each user, who is named by what is special about it. */
const sudoers = (log: string) => `
Defaults env_reset, use_pty, !mailerpath, logfile=${log}/sudo.log
Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"
Defaults:terminal requiretty
Defaults:once passwd_tries=1, insults
Defaults:insulted insults, badpass_message="%s %n"
Defaults:lectured lecture=always, lecture_file=${log}/lecture
Defaults:recorded log_input, log_output, iolog_dir=${log}/recorded
Defaults:nopty !use_pty
Defaults:roots rootpw
root ALL=(ALL:ALL) ALL
operator,expired,terminal,once,insulted,lectured,recorded,nopty,roots ALL=(ALL:ALL) ALL
sh,bash,fish,tcsh ALL=(ALL:ALL) ALL
free ALL=(ALL:ALL) NOPASSWD: ALL
narrow ALL=(root) /usr/bin/id
`;
const doasRules = "permit nopass dancer\npermit operator\npermit nopass narrow as root cmd id\ndeny stranger\n";
const names = [
  "operator",
  "expired",
  "terminal",
  "once",
  "insulted",
  "lectured",
  "recorded",
  "nopty",
  "roots",
  "free",
  "narrow",
  "stranger",
  "dancer",
];

/** A machine with all these users, who log in with one key; its logs are in the folder `logs`. */
export function makeWaysToRoot(key: KeyPair): { machine: Machine; logs: string } {
  const logs = scratch("file");
  const users: MadeUser[] = [...names.map((name) => ({ name })), ...chattyUsers].map((user) => ({
    ...user,
    keys: [key.publicKey],
    password: operatorPassword,
    passwordChanged: user.name === "expired" ? 0 : undefined,
  }));
  const etc = { sudoers: sudoers(logs), "doas.conf": doasRules };
  return {
    machine: makeMachine({ users: [{ name: "root", password: rootPassword, keys: [key.publicKey] }, ...users], etc, lifetime: "file" }),
    logs,
  };
}

export const lectureOf = (logs: string) => join(logs, "lecture");
