import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { decode } from "../../provider/board/protocol";
import { bindingSchema } from "../../provider/schema";
import { whyNoFuse } from "../script/fuse";
import type { MadeBoard } from "../script/made-board";
import type { Shell } from "../script/shells";
import { asUtf8, expectSame } from "./expectations";
import { property } from "./frame";
import { canary, shortText } from "./hostile";
import { freshCard, openBoard, shell } from "./made-board";

interface Words {
  shell: Shell;
  words: string[];
  claimAs: string;
}

/** Runs the words as a command after a change, one that writes down what it got. */
async function arrive(board: MadeBoard, { shell: by, words, claimAs }: Words): Promise<string> {
  const connection = { host: "b", password: "x" };
  const wishes = { connection, bus: "pci", device: "a", claimAs, afterRebind: ["/bin/recorder", ...words] };
  const binding = bindingSchema.safeParse(wishes).data;
  if (binding === undefined) return "refused";
  const device = freshCard(board);
  const heard = join(board.root, "heard");
  board.write("recorder", `#!/bin/sh\n[ $# = 0 ] || printf '%s\\0' "$@" >${heard}\n`, 0o755);
  board.write("heard", "");
  const afterRebind = [`${board.root}/recorder`, ...(binding.afterRebind ?? []).slice(1)];
  const transaction = {
    wishes: [{ device, driver: "vfio-pci", override: "vfio-pci", claim: "take" as const }],
    afterRebind,
    claimant: binding.claimAs,
  };
  const { outcome } = await board.apply(by, transaction);
  if (existsSync(join(tmpdir(), canary))) throw new Error("a word was run");
  expectSame(outcome.is, "done", "the outcome");
  const got = readFileSync(heard, "utf8").split("\0").slice(0, -1);
  expectSame(got, words.map(asUtf8), `what afterRebind got in ${by.name}`);
  const [seen] = (await board.look(by, { bus: "pci", name: device.name })).devices;
  expectSame(decode(seen?.claimant ?? "-"), asUtf8(claimAs), `the claimant in ${by.name}`);
  return "arrived";
}

export const ofBoardWords = property<Words>({
  name: "claimAs and afterRebind: what is accepted arrives on a board word for word",
  share: 40,
  ends: ["arrived", "refused"],
  enough: 400,
  cases: fc.record({
    shell,
    words: fc.array(
      shortText.map((text) => text.slice(0, 30)),
      { maxLength: 3 },
    ),
    claimAs: shortText.map((text) => text.slice(0, 40)),
  }),
  open: () => openBoard(arrive),
  missing: whyNoFuse(),
});
