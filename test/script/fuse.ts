import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, read, readFileSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { readRequest } from "./fuse-wire";
import { Session } from "./fuse-session";
import { isAlive } from "./processes";
import type { Folder } from "./tree";

const readAsync = promisify(read);

/** A tree mounted for all to see, until it is closed. */
export interface Mounted {
  close: () => Promise<void>;
}

/** Why no tree can be mounted here, with the words that help; undefined where it can. */
export function whyNoFuse(): string | undefined {
  if (process.getuid?.() !== 0) return "a made sysfs is mounted by FUSE, which needs root: run the tests as root";
  try {
    closeSync(openSync("/dev/fuse", "r+"));
    return undefined;
  } catch (error) {
    return `a made sysfs is mounted by FUSE (${String(error)}): modprobe fuse, or give the container /dev/fuse and CAP_SYS_ADMIN`;
  }
}

/** Unmounts what tests that died have left: mounts of ours below `prefix` whose process is gone. */
export function unmountStale(prefix: string): void {
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  for (const [source, where] of mounts) {
    const pid = /^devbind-(?:fake|full)-(\d+)$/.exec(source ?? "")?.[1];
    if (pid !== undefined && where?.startsWith(prefix) && !isAlive(Number(pid))) unmountNow(where);
  }
}

/** First the connection is aborted, so that nobody waits in it, then the mount goes. */
const unmounting = [
  ["-c", "-i", "-f"],
  ["-c", "-i", "-l"],
];

function unmountNow(where: string): void {
  for (const options of unmounting) spawnSync("umount", [...options, where], { stdio: "ignore" });
}

async function run(command: string, words: string[], device?: number): Promise<number | null> {
  const child = spawn(command, words, { stdio: ["ignore", "ignore", "ignore", ...(device === undefined ? [] : [device])] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
}

/** Mounts the tree at a folder that is there. It goes also when this process ends before it is closed. */
export async function mountTree(where: string, top: Folder): Promise<Mounted> {
  const device = openSync("/dev/fuse", "r+");
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other";
  const code = await run("mount", ["-i", "-t", "fuse", "-o", options, `devbind-fake-${process.pid}`, where], device);
  if (code !== 0) throw new Error(`mount of a FUSE file system at ${where} failed with ${code}`);
  const serving = serve(device, new Session(top));
  const onExit = () => unmountNow(where);
  process.once("exit", onExit);
  return {
    close: async () => {
      process.off("exit", onExit);
      for (const words of unmounting) await run("umount", [...words, where]);
      await serving;
      closeSync(device);
    },
  };
}

/** Answers one request after the other, and those that wait whenever they are ready; ends when the tree is unmounted. */
async function serve(device: number, session: Session): Promise<void> {
  const buffer = Buffer.alloc(128 * 1024);
  for (;;) {
    const bytes = await readAsync(device, buffer, 0, buffer.length, null).then(
      (result) => result.bytesRead,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENODEV") return 0;
        if (error.code === "EINTR" || error.code === "EAGAIN" || error.code === "ENOENT") return -1;
        throw error;
      },
    );
    if (bytes === 0) return;
    if (bytes > 0) void session.reply(readRequest(buffer.subarray(0, bytes))).then((reply) => reply && send(device, reply));
  }
}

/** A reply to somebody who has been killed, or to a tree that is gone, is refused: that is all right. */
function send(device: number, reply: Buffer): void {
  try {
    writeSync(device, reply);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EPERM" && code !== "ENODEV" && code !== "ECONNABORTED") throw error;
  }
}
