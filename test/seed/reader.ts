import type { Board } from "../boards/board";
import type { DeviceName } from "../kernel/eyes";

/** What a reader has seen of a device. */
export interface Watched {
  polls: number;
  /** The driver's name at each change, from the first poll on; "" where there was none. */
  drivers: string[];
}

const file = "/tmp/reader";

/** Follows the link and nothing else, by what the shell has built in: one look is one system call, and there is no pause. */
const script = ([bus, name]: DeviceName) => `cd /; exec 2>/dev/null; last=-; polls=0
trap 'echo "polls $polls"; exit' TERM
while :; do
  if cd -P '/sys/bus/${bus}/devices/${name}/driver'; then now=\${PWD##*/}; else now=; fi
  polls=$((polls + 1))
  [ "$now" = "$last" ] || { echo "driver $now"; last=$now; }
done`;

/** A process on a board that reads which driver a device has, without pause. */
export interface Reader {
  /** How often it has seen the device without driver so far. */
  gaps(): Promise<number>;
  stop(): Promise<Watched>;
}

/** Starts one; it has had its first look when this resolves. */
export async function startReader(board: Board, device: DeviceName): Promise<Reader> {
  const quoted = script(device).replaceAll("'", "'\\''");
  const process = await board.shell(`setsid sh -c '${quoted}' </dev/null >${file} 2>/dev/null & echo $!`);
  const until = (word: string) =>
    `tries=200; until grep -q '^${word} ' ${file}; do tries=$((tries - 1)); [ $tries -gt 0 ] || exit 1; usleep 50000; done`;
  await board.shell(until("driver"));
  return {
    gaps: async () => Number(await board.shell(`grep -c '^driver $' ${file} || true`)),
    async stop() {
      const lines = (await board.shell(`kill ${process}; ${until("polls")}; cat ${file}; rm ${file}`)).split("\n");
      const after = (word: string) => lines.filter((line) => line.split(" ")[0] === word).map((line) => line.slice(word.length + 1).trim());
      return { polls: Number(after("polls")[0]), drivers: after("driver") };
    },
  };
}
