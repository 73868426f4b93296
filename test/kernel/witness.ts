import type { Board, BoardKind } from "../boards/board";

const tracing = "/sys/kernel/debug/tracing";

const onPc =
  "p:override driver_set_override text=+0(%dx):string\np:unbind unbind_store text=+0(%si):string\np:bind bind_store text=+0(%si):string";

/** The kernel's own functions behind the files, and where each processor passes the text that was written. */
const probes: Partial<Record<BoardKind, string>> = {
  arm64:
    "p:override driver_set_override text=+0(%x2):string\np:unbind unbind_store text=+0(%x1):string\np:bind bind_store text=+0(%x1):string",
  exynos:
    "p:override driver_set_override text=+0(%r2):string\np:unbind unbind_store text=+0(%r1):string\np:bind bind_store text=+0(%r1):string",
  x86: onPc,
  debian: onPc,
};

/** From now on, and until the board's next boot, the kernel notes every write to an override, unbind or bind file; user-mode Linux can't. */
export async function watchWrites(board: Board): Promise<void> {
  if (!seesWrites(board)) return;
  await board.shell(`cd ${tracing} && echo '${probes[board.kind]}' >kprobe_events && echo 1 >events/kprobes/enable && echo >trace`);
}

export const seesWrites = ({ kind }: Board) => probes[kind] !== undefined;

/** What was written since it was asked last, in order: `override vfio-pci`, `unbind 0000:00:01.0`, `override` for a cleared one. */
export async function writesOn(board: Board): Promise<string[]> {
  const trace = await board.shell(`cat ${tracing}/trace && echo >${tracing}/trace`);
  return [...trace.matchAll(/ (override|unbind|bind): \([^)]*\) text="([^"]*)"/g)].map(([, word, text = ""]) => `${word} ${text}`.trim());
}
