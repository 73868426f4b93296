import type { Board } from "../boards/board";
import type { DeviceName } from "../kernel/eyes";

/** The driver and the override that a device has; null for none. */
export interface State {
  driver: string | null;
  override: string | null;
}

/** A device and what is kept of it on its board, by the test's own eyes and in one command. */
export interface Glance extends State {
  /** The state folder's journals, locks and leftovers: all but claims and told outcomes. */
  left: string[];
  /** The outcomes that are told, one line each. */
  outcomes: string[];
  /** What the device's claim says, one line each; empty for none. */
  claim: string[];
  /** What the kernel was told since this was asked last. */
  writes: string[];
}

const trace = "/sys/kernel/debug/tracing/trace";

/** Reads it all, and makes the witness forget what it saw. */
export async function glanceAt(board: Board, [bus, name]: DeviceName): Promise<Glance> {
  const device = `/sys/bus/${bus}/devices/${name}`;
  const text = await board.shell(
    [
      `readlink ${device}/driver | sed 's|.*/||'`,
      `cat ${device}/driver_override 2>/dev/null`,
      "ls -1A /run/devbind/*/ 2>/dev/null | grep -v -e ^claim -e ^outcome",
      "cat /run/devbind/*/outcome.* 2>/dev/null",
      `cat '/run/devbind/'*'/claim.${bus},${name}' 2>/dev/null`,
      `cat ${trace} && echo >${trace}`,
    ].join("; echo ---; "),
  );
  const [driver = "", override = "", left = "", outcomes = "", claim = "", seen = ""] = text.split(/^---$/m).map((part) => part.trim());
  const lines = (part: string) => (part === "" ? [] : part.split("\n"));
  return {
    driver: driver || null,
    override: override === "(null)" || override === "" ? null : override,
    left: lines(left),
    outcomes: lines(outcomes),
    claim: lines(claim),
    writes: [...seen.matchAll(/ (override|unbind|bind): \([^)]*\) text="([^"]*)"/g)].map(([, word, what]) => `${word} ${what}`.trim()),
  };
}

export const isSame = (one: State, other: State): boolean => one.driver === other.driver && one.override === other.override;
export const inWords = ({ driver, override }: State): string => `${driver ?? "none"} (override ${override ?? "none"})`;
/** Whether some transaction is neither ended nor undone yet. */
export const hasJournal = ({ left }: Glance): boolean => left.some((name) => /^(journal|stuck)\./.test(name));

const isRunning = "ps -o args >/tmp/processes || exit 8; grep -q '^sh -s' /tmp/processes";

/** Waits until no script of ours runs on the board: the world has settled. */
export async function settle(board: Board): Promise<void> {
  const command = `tries=600; while ${isRunning}; do tries=$((tries - 1)); [ $tries -gt 0 ] || exit 9; usleep 100000; done`;
  await board.shell(command, { timeoutSeconds: 150 });
}

/** The command that leaves the device as wanted, and the witness knowing nothing. */
export function puttingBack([bus, name]: DeviceName, { driver, override }: State): string {
  const device = `/sys/bus/${bus}/devices/${name}`;
  return [
    `if [ -e ${device}/driver ]; then echo ${name} >${device}/driver/unbind; fi`,
    `echo '${driver ?? ""}' >${device}/driver_override`,
    ...(driver === null ? [] : [`cd /sys/bus/${bus}/drivers; [ -e ${driver} ] || modprobe ${driver}; echo ${name} >${driver}/bind`]),
    `echo '${override ?? ""}' >${device}/driver_override`,
    `echo >${trace}`,
  ].join("; ");
}
