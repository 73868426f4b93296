import type { Board } from "../boards/board";

/** Who is killed at a write: the script that waits, the writer that it started, or both. */
export type Victim = "script" | "writer" | "both";

/**
 * Put at the end of the script: every write of it, to sysfs and to its state folder, is counted, and at the write that a file on the
 * board names its processes are killed, once. Write 0 kills nobody and notes them all.
 */
const counting = `
hits=0
hit() {
  [ -n "\${me-}" ] || return 0
  hits=$((hits + 1)) kill_at='' victim=''
  read -r kill_at victim 2>/dev/null </tmp/devbind-kill || return 0
  [ "$kill_at" != 0 ] || echo "$hits $*" >>/tmp/devbind-hits
  [ "$kill_at" = "$hits" ] || return 0
  command mv /tmp/devbind-kill /tmp/devbind-killed
  echo "$hits $*" >/tmp/devbind-killed
  [ "$victim" = writer ] || kill -9 $$
  [ "$victim" = script ] || kill -9 "\${me%%.*}"
}
put() { put_uncounted "$@"; set -- $? "$1" "$2"; hit "put" "$2" "$3"; return "$1"; }
ln() { command ln "$@"; set -- $? "$*"; hit "ln" "$2"; return "$1"; }
rm() { command rm "$@"; set -- $? "$*"; hit "rm" "$2"; return "$1"; }
mv() { hit "before mv" "$*"; command mv "$@"; set -- $? "$*"; hit "mv" "$2"; return "$1"; }
`;

/** The script with its writes counted. Refuses a script whose words have changed, since it would count less. */
export function withHits(script: string): string {
  const changes: [from: RegExp, to: string][] = [
    [/^put\(\) \{$/m, "put_uncounted() {"],
    [/^( *)if ! (text=\$\(modprobe .*\)); then$/m, '$1$2; was=$?; hit modprobe "$value"\n$1if [ "$was" -ne 0 ]; then'],
    [/ write="echo .*;;$/m, ' write="put \\"\\$$text_$$step\\" \\"\\$$path_$$step\\"" ;;'],
  ];
  return (
    changes.reduce((text, [from, to]) => {
      if (!from.test(text)) throw new Error(`the script no longer says ${from.source}`);
      return text.replace(from, to);
    }, script) + counting
  );
}

/** The command that makes the next transaction be killed at the write of that number. */
export const armed = (write: number, victim: Victim) => `rm -f /tmp/devbind-killed; echo "${write} ${victim}" >/tmp/devbind-kill`;
/** The command that makes the next transaction note its writes. */
export const noting = "rm -f /tmp/devbind-hits; echo 0 nobody >/tmp/devbind-kill";

/** Every write that was noted, in order. */
export async function notedOn(board: Board): Promise<string[]> {
  return (await board.shell("cat /tmp/devbind-hits")).split("\n");
}

/** The write at which somebody was killed; undefined where it did not come to that. */
export async function killedAt(board: Board): Promise<string | undefined> {
  return (await board.shell("cat /tmp/devbind-killed 2>/dev/null || true")) || undefined;
}
