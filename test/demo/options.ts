import { parseArgs } from "node:util";

export const usage = `npm run demo
    boots a board in QEMU and plays the story on it

npm run demo -- --board [user@]host[:port]
    plays it on a board of your own, after asking which device; the host key must be in known_hosts, as for ssh
    --device <bus>/<name>   the device, such as pci/0000:01:00.0
    --driver <driver>       the driver that shall have it for the length of the story, such as vfio-pci
    --key <file>            the private key; else the SSH agent's keys, else one of ~/.ssh/id_ed25519, id_ecdsa, id_rsa
    --yes                   don't ask; needs --device and --driver, and is needed where there is no terminal`;

/** A board of one's own. */
export interface OwnBoard {
  user: string;
  host: string;
  port: number;
}

export interface Options {
  help: boolean;
  board?: OwnBoard;
  device?: { bus: string; device: string };
  driver?: string;
  key?: string;
  /** Only with a device and a driver. */
  yes: boolean;
}

/** Reads the command line. Refuses what it doesn't know, with the usage. */
export function readOptions(words: string[]): Options {
  const { values } = parse(words);
  const { help = false, key, driver, yes = false } = values;
  const board = values.board === undefined ? undefined : readBoard(values.board);
  const device = values.device === undefined ? undefined : readDevice(values.device);
  if (board === undefined && (device || driver || key || yes)) throw refusal("these options are for --board");
  if (yes && (device === undefined || driver === undefined)) throw refusal("--yes needs --device and --driver");
  return { help, board, device, driver, key, yes };
}

function parse(words: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({ args: words, options: { help: flag, board: text, device: text, driver: text, key: text, yes: flag } });
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error));
  }
}

const refusal = (why: string) => new Error(`${why}\n\n${usage}`);

function readBoard(text: string): OwnBoard {
  const found = /^(?:([^@\s-][^@\s]*)@)?(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._][A-Za-z0-9._-]*)(?::(\d{1,5}))?$/.exec(text);
  const [, user = "root", host = "", port = "22"] = found ?? [];
  if (found === null) throw refusal(`--board ${text} is not [user@]host[:port] (IPv6 in brackets)`);
  return { user, host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

/** "pci/0000:01:00.0" */
export function readDevice(text: string): { bus: string; device: string } {
  const [, bus = "", device = ""] = /^([^/\s']+)\/([^/']+)$/.exec(text) ?? [];
  if (bus === "" || device === "") throw refusal(`"${text}" is not <bus>/<name>, such as pci/0000:01:00.0`);
  return { bus, device };
}
