import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { addCard, dropping, fileOf, hasUnit, keeping, keptFiles, reboot, runSystemd } from "./kept";
import type { Device } from "./kernel";
import { until } from "./processes";
import { claimant, type Transaction } from "./requests";
import { promise, useBoard } from "./setup";
import { dash, type Shell, shells } from "./shells";

const made = useBoard();
const tools = ["mkdir", "mv", "ln", "rm", "rmdir", "cat", "sync"];

/**
 * Where it is killed: after which command that touches /etc (the writes between two of them are files that nobody reads before the
 * next one), with or without the script that waits for it.
 */
interface Kill {
  at: number;
  withScript: boolean;
}

/** What a tool does after its work: where a transaction's writer called it, it counts, and kills the writer at the number that is asked for. */
const killer = (root: string, { at, withScript }: Kill): string => `
p=$PPID writer=
while [ "$p" -gt 1 ]; do
  parent=$(/bin/sed 's/^[^)]*) [^ ]* \\([0-9]*\\).*/\\1/' /proc/$p/stat)
  [ "$parent" != ${process.pid} ] || break
  writer="$writer $p" p=$parent
done
[ "$p" -gt 1 ] && [ -n "$writer" ] || exit "$result"
echo x >>${root}/count
[ "$(/bin/grep -c x ${root}/count)" = ${at} ] || exit "$result"
/bin/touch ${root}/count.hit
kill -9 $writer ${withScript ? "$p" : ""}
`;

/** Tools that do their work, and may then kill who called them for something in /etc. */
function addKillers(kill: Kill): void {
  const { board } = made;
  for (const tool of tools) {
    const work =
      tool === "sync" ? "result=0" : `/bin/${tool} "$@"\nresult=$?\ncase $* in *etc/devbind* | *etc/systemd*) ;; *) exit "$result" ;; esac`;
    board.write(`bin/${tool}`, `#!/bin/sh\n${work}\n${killer(board.root, kill)}\n`, 0o755);
  }
}

const removeKillers = () => tools.forEach((tool) => void rmSync(join(made.board.root, "bin", tool), { force: true }));

const changes: [title: string, change: (card: Device) => Transaction][] = [
  ["first", (card) => keeping(card, "vfio-pci")],
  ["other", (card) => keeping(card, "vfio-pci", claimant)],
  ["same driver", (card) => keeping(card, "stub", claimant)],
  ["none", (card) => dropping(card, claimant)],
];

async function scene(isFirst: boolean): Promise<Device> {
  const { board } = made;
  board.reset();
  board.hurry();
  runSystemd(board);
  const card = addCard(board);
  if (!isFirst) await board.apply(dash, { id: "old", ...keeping(card, "stub") });
  return card;
}

const state = (card: Device) => [card.driver, card.override, fileOf(made.board, card)];

/** Kills one change; says whether it came to that. Whatever reads the files now, or at the next boot, reads the old or the new. */
async function isWhole(shell: Shell, kill: Kill, [title, change]: (typeof changes)[number], isPowerCut: boolean): Promise<boolean> {
  const { board } = made;
  const card = await scene(title === "first");
  const old = state(card);
  addKillers(kill);
  const id = "new";
  const { outcome } = await board.apply(shell, { timeoutSeconds: 200, id, ...change(card) });
  const isHit = board.has("count.hit");
  removeKillers();
  runSystemd(board);
  const seen = state(card);
  const isNew = (file: unknown) => (title === "none" ? file === undefined : String(file).includes("transaction new\n"));
  const words = JSON.stringify({ kill, title, isPowerCut, outcome });
  expect(seen[2] === old[2] || isNew(seen[2]), `${words}: ${String(seen[2])}`).toBe(true);
  if (outcome.is === "done") expect(isNew(seen[2]), words).toBe(true);
  if (isPowerCut) {
    await reboot(board, shell, card);
    const file = fileOf(board, card);
    expect(file === old[2] || isNew(file), `${words}: ${String(file)}`).toBe(true);
    if (outcome.is === "done") expect(isNew(file), words).toBe(true);
    const told = /wish ([^,]*),/.exec(file ?? "")?.[1];
    if (!isHit || keptFiles(board).includes("at-boot.sh")) expect(card.driver, words).toBe(told ?? "e1000e");
  } else {
    await board.apply(shell, { timeoutSeconds: 200, wishes: [{ device: { ...card, driver: "nobody's" } }], steps: [] });
    const is = state(card);
    if (outcome.is === "done") expect(isNew(is[2]), words).toBe(true);
    else if (outcome.is === "undone" || !isNew(is[2])) expect(is, words).toEqual(old);
    expect(
      keptFiles(board).filter((name) => /^(new|replaced|undecided)/.test(name)),
      words,
    ).toEqual([]);
    const isKept = is[2] !== undefined;
    expect([keptFiles(board).length, isKept && hasUnit(board)], words).toEqual([isKept ? 3 : 0, isKept]);
  }
  return isHit;
}

const kills = Array.from({ length: 16 }, (_, index) => index + 1).flatMap((at) =>
  [false, true].map((withScript): Kill => ({ at, withScript })),
);

/** So many of the kills must come to something. */
async function holds(shell: Shell, every: number): Promise<void> {
  let hits = 0;
  const cases = kills.flatMap((kill) => changes.flatMap((change) => [false, true].map((isPowerCut) => ({ kill, change, isPowerCut }))));
  const some = cases.filter((_, index) => index % every === 0);
  for (const { kill, change, isPowerCut } of some) if (await isWhole(shell, kill, change, isPowerCut)) hits++;
  await until("all is quiet", () => made.board.stateFiles().every((name) => !/^(lock|new)/.test(name)));
  expect(hits, `of ${some.length}`).toBeGreaterThan(some.length / 3);
  if (process.env.DEVBIND_RUNS) console.info(`${shell.name}: ${hits} hits of ${some.length}`);
}

describe("what is kept over a reboot, in a transaction that is killed after any write", () => {
  const title = "is the old or the new and whole, also at the next boot; and the next apply leaves no half of it";
  // busybox ash has these tools in itself, whatever PATH says.
  const others = shells.filter(({ name }) => name !== "busybox ash");
  const isAll = process.env.DEVBIND_RUNS !== undefined;
  for (const shell of others)
    promise(shell, `${title}: in ${shell.name}`, () => holds(shell, shell !== dash ? 61 : isAll ? 1 : 5), isAll ? 3000 : 900);
});
