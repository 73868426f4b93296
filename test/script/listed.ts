import { inventoryOf } from "../../provider/board/list";
import { parseAnswer } from "../../provider/board/protocol";
import type { Inventory, ListedDevice } from "../../provider/inventory";
import { connectionSchema } from "../../provider/schema";
import type { MadeBoard } from "./made-board";
import { identityOf } from "./processes";
import { claimant } from "./requests";
import type { Shell } from "./shells";

const connection = connectionSchema.parse({ host: "b" });

/** A list as the client reads it, which refuses what is not whole; the script says nothing else. */
export async function listed(board: MadeBoard, shell: Shell, ...buses: string[]): Promise<Inventory> {
  const answer = await board.ask(
    shell,
    "list",
    buses.map((bus) => ["bus", bus]),
  ).done;
  if (answer.code !== 0 || answer.stderr !== "") throw new Error(`the script ended with ${answer.code}, and said ${answer.stderr}`);
  const [nonce = ""] = answer.stdout.split(" ");
  return inventoryOf(connection, parseAnswer(answer.stdout, nonce, "b", 20_000));
}

/** A device of which nothing is known but its place. */
export const bare = (board: MadeBoard, bus: string, name: string, path = `devices/platform/${name}`): ListedDevice => ({
  ...{ bus, name, driver: null, hasOverride: false, override: null, modalias: null, compatible: [], deviceTreePath: null },
  ...{ pciId: null, usbId: null, iommuGroup: null, networkInterfaces: [], guard: null, claimant: null, isKept: false },
  sysfsPath: `/${["sys", path].join("/")}`.replace(board.root, ""),
});

/** Leaves a journal in the state folder; who wrote it is the process of that number. */
export function leaveJournal(board: MadeBoard, file: string, writer: number, ...devices: string[]): void {
  const id = file.slice(file.indexOf(".") + 1);
  const lines = devices.map((key) => `device ${key},e1000e,-,vfio-pci,vfio-pci\n`).join("");
  const head = `devbind-journal 1\ntransaction ${id}\nclaimant ${claimant}\nwriter ${identityOf(writer)}\n`;
  board.write(`${board.state.slice(board.root.length + 1)}/${file}`, `${head}${lines}end ${devices.length}\n`);
}
