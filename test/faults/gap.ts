import { type Board, bootBoard } from "../boards/board";
import { connectionTo } from "../kernel/binding";
import { type DeviceName, moveByHand } from "../kernel/eyes";
import { type Attacked, openAttacked } from "./attacked";

/**
 * `npx tsx test/faults/gap.ts [rounds]`: how long a device is without a driver, by the kernel's own clock: from the return of
 * unbind_store to the call of bind_store. Our transaction and two bare builtin echoes of one shell take turns on the same board.
 */
const tracing = "/sys/kernel/debug/tracing";
const card: DeviceName = ["pci", "0000:00:01.0"];
const generator: DeviceName = ["platform", "a003c00.virtio_mmio"];

interface Move {
  device: DeviceName;
  from: string;
  to: string;
}
const moves: Move[] = [
  { device: card, from: "e1000e", to: "vfio-pci" },
  { device: generator, from: "virtio-mmio", to: "virtio-mmio" },
];

async function watchGaps(board: Board): Promise<void> {
  const probes = "r:unbound unbind_store\\np:binding bind_store";
  await board.shell(`cd ${tracing} && printf '${probes}\\n' >kprobe_events && echo 1 >events/kprobes/enable && echo >trace`);
}

/** The microseconds of the only gap since this was asked last. */
async function gapOn(board: Board): Promise<number> {
  const trace = await board.shell(`cat ${tracing}/trace && echo >${tracing}/trace`);
  const times = [...trace.matchAll(/ (\d+)\.(\d{6}): (unbound|binding):/g)].map(([, seconds, micros, word]) => ({
    word,
    at: Number(seconds) * 1_000_000 + Number(micros),
  }));
  const [unbound, binding] = times;
  if (times.length !== 2 || unbound?.word !== "unbound" || binding?.word !== "binding")
    throw new Error(`expected one unbind and one bind, and the kernel saw:\n${trace}`);
  return binding.at - unbound.at;
}

/** Both begin from the same state: the first driver, and the override that lets the second one in. */
async function setBack(board: Board, { device, from, to }: Move): Promise<void> {
  await moveByHand(board, device, from);
  if (from !== to) await board.shell(`echo ${to} >/sys/bus/${device[0]}/devices/${device[1]}/driver_override`);
  await board.shell(`echo >${tracing}/trace`);
}

async function ours(board: Board, attacked: Attacked, { device: [bus, device], to }: Move, round: number): Promise<number> {
  const inputs = { connection: connectionTo(board), claimant: "org/lab/dev/gap", bus, device, driver: to, triggers: [round] };
  await attacked.call(1, "update", { bindings: [{ id: "gap", olds: { ...inputs, triggers: [] }, news: inputs }] });
  return gapOn(board);
}

async function bare(board: Board, { device: [bus, name], from, to }: Move): Promise<number> {
  const drivers = `/sys/bus/${bus}/drivers`;
  await board.shell(`exec sh -c 'echo ${name} >${drivers}/${from}/unbind; echo ${name} >${drivers}/${to}/bind'`);
  return gapOn(board);
}

const median = (values: number[]): number => [...values].sort((first, second) => first - second)[Math.floor(values.length / 2)] ?? 0;

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 15);
  const board = await bootBoard("arm64", { onProgress: (line) => console.log(line) });
  const attacked = await openAttacked();
  try {
    await board.shell("modprobe vfio_pci");
    await watchGaps(board);
    for (const move of moves) {
      const gaps = { ours: [] as number[], bare: [] as number[] };
      for (let round = 1; round <= rounds; round++) {
        await setBack(board, move);
        gaps.ours.push(await ours(board, attacked, move, round));
        await setBack(board, move);
        gaps.bare.push(await bare(board, move));
      }
      const [own, echoes] = [median(gaps.ours), median(gaps.bare)];
      console.log(`${move.device[1]} ${move.from} to ${move.to}: ours ${gaps.ours.join(" ")}; bare ${gaps.bare.join(" ")}`);
      console.log(`gap: ours ${own} µs, two bare echoes ${echoes} µs, ratio ${(own / echoes).toFixed(2)}`);
    }
  } finally {
    await attacked.close();
    await board.close();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
