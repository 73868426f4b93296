import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Board } from "../boards/board";
import { aimAt } from "../demo-lab/lab-file";
import type { Stack } from "../helpers/pulumi/engine";
import { accelerator, card, clock, generator, otherCard, run, seen } from "./eyes";

/** What an example promises, as the board shows it. */
export interface Example {
  /** How many boards it is run on. */
  boards: number;
  configure(stack: Stack, boards: readonly Board[]): Promise<void>;
  /** Driver and override of each of its devices on one board. */
  eyes(board: Board): Promise<string[]>;
  /** What the eyes see after the first up. */
  up: string[];
  /** Each edit: what the eyes see then, and what the engine does, unchanged resources and names of inputs left out. */
  steps: Record<string, { eyes: string[]; steps: string[] }>;
  /** Something of the board that every step changes, though the eyes may see the same; the whole witness unless told. */
  mark?(board: Board): Promise<string>;
}

async function setAll(stack: Stack, plain: Record<string, string>): Promise<void> {
  const pairs = Object.entries(plain).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
  await stack.command(["config", "set-all", "--stack", stack.name, ...pairs]);
}

/** The folder of a virtio device is another one after each probe of what carries it. */
const virtioFolder = (board: Board) => run(board, "ls -di /sys/devices/platform/a003c00.virtio_mmio/virtio*");

export const examples: Record<string, Example> = {
  first: {
    boards: 1,
    configure: async (stack, [board]) => {
      if (!board) return;
      await setAll(stack, { host: board.host, port: String(board.port), hostKey: board.hostKey, device: card[1] });
      await stack.setConfig("privateKey", board.privateKey, { secret: true });
    },
    eyes: (board) => seen(board, card),
    up: ["vfio-pci", "vfio-pci"],
    steps: {
      "step-1": { eyes: ["", "(null)"], steps: ["update card"] },
      "step-2": { eyes: ["vfio-pci", "vfio-pci"], steps: ["update card"] },
    },
  },
  fleet: {
    boards: 2,
    configure: async (stack, boards) => {
      const list = boards.map(({ host, port, hostKey }, index) => ({ name: `board-${index}`, host, port, hostKey }));
      await setAll(stack, { boards: JSON.stringify(list) });
      await stack.setConfig("privateKey", boards[0]?.privateKey ?? "", { secret: true });
    },
    eyes: (board) => seen(board, card, otherCard),
    up: ["vfio-pci", "vfio-pci", "e1000e", "(null)"],
    steps: {
      "step-1": {
        eyes: ["vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci"],
        steps: ["create board-0-0000:00:02.0", "create board-1-0000:00:02.0"],
      },
    },
  },
  "kept-free": {
    boards: 1,
    configure: async (stack, [board]) => {
      if (!board) return;
      await writeFile(join(stack.folder, "known_hosts"), `${board.knownHostsLine}\n`);
      await setAll(stack, { host: board.host, port: String(board.port), privateKeyPath: board.privateKeyPath });
    },
    eyes: (board) => seen(board, clock),
    up: ["", "(null)"],
    steps: { "step-1": { eyes: ["rtc-pl031", "rtc-pl031"], steps: ["update clock"] } },
  },
  lab: {
    boards: 1,
    configure: async (stack, [board]) => {
      if (!board) return;
      for (const file of ["lab.yaml", "step-1/lab.yaml"]) await aimAt(stack.folder, new Map([["arm-1", board]]), file);
    },
    eyes: (board) => seen(board, card, otherCard, accelerator, clock),
    up: ["vfio-pci", "vfio-pci", "e1000e", "(null)", "vfio-pci", "vfio-pci", "", "(null)"],
    steps: {
      "step-1": {
        eyes: ["vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci", "", "(null)", "", "(null)"],
        steps: ["update bench-arm-1"],
      },
    },
  },
  triggers: {
    boards: 1,
    configure: async (stack, [board]) => {
      if (!board) return;
      const { host, port, privateKeyPath, hostKey } = board;
      await setAll(stack, { host, port: String(port), privateKeyPath, hostKey });
    },
    eyes: (board) => seen(board, generator),
    up: ["virtio-mmio", "(null)"],
    steps: { "step-1": { eyes: ["virtio-mmio", "(null)"], steps: ["update generator"] } },
    mark: virtioFolder,
  },
};
