import { join } from "node:path";
import { run } from "./run";

const name = "disk.qcow2";

/** Where a board's own disk lies in its folder. */
export const diskIn = (folder: string) => join(folder, name);

/** Makes a disk that shows what the shared one holds and keeps in `folder` what is written to it. */
export async function layDisk(shared: string, folder: string): Promise<void> {
  const format = shared.endsWith(name) ? "qcow2" : "raw";
  await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", shared, "-F", format, diskIn(folder)]);
}
