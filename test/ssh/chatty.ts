import type { MadeUser } from "./machine";

/** What a chatty machine prints: noise, escapes, and lines that look like an answer, or like a request, of the protocol. */
export const chatter = [
  "Welcome to board-7",
  "\u001b]0;board-7\u0007\u001b[31mred\u001b[0m",
  "devbind end 3",
  "000000000000000000000000 end 0",
  "000000000000000000000000 held /sys",
  "devbind 1 000000000000000000000000 look 0 end-000000000000000000000000",
];

/** Commands that print it to stdout, and to both. A csh has no way to print to stderr alone. */
export const prints = chatter.map((line) => `echo '${line}'`).join("\n");
export const printsTwice = `${prints}\n${chatter.map((line) => `echo '${line}' >&2`).join("\n")}`;

/** What OpenSSH or the shell reads before a command, and a command of a terminal's, which complains. */
const sh = `${printsTwice}\nstty -echo\n`;
const csh = `${prints}\nstty -echo\n`;

/** A user for each login shell, who prints it from every file that this shell may read. */
export const chattyUsers: readonly MadeUser[] = [
  { name: "sh", files: { ".profile": sh, ".ssh/rc": sh } },
  { name: "bash", shell: "/bin/bash", files: { ".profile": sh, ".bashrc": sh, ".bash_profile": sh } },
  { name: "fish", shell: "/usr/bin/fish", files: { ".config/fish/config.fish": sh } },
  { name: "tcsh", shell: "/bin/tcsh", files: { ".cshrc": csh, ".login": csh } },
];
