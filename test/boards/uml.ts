import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Console } from "./console";
import { endWithForker } from "./leftovers";
import { cardAddress, imageFiles, machines } from "./machines";
import { PortTaken } from "./ports";
import { sleep, toolPath } from "./run";
import { asRoot } from "./tools";

const startSeconds = 60;

export interface UmlOptions {
  /** The folder of a built image. */
  image: string;
  /** Holds what uml.sh leaves there. */
  folder: string;
  console: Console;
  port: number;
  /** 32 hex digits, or "" for a board without one. */
  machineId: string;
  /** Words for the kernel after the machine's own. */
  kernelArguments: string;
}

/** A user-mode Linux: many processes, in namespaces of their own. They die with the process that started them. */
export class Uml {
  private constructor(
    private readonly process: ChildProcess,
    /** The first process of the namespace: with it go all others. */
    private readonly first: number,
  ) {}

  /** Starts it. Refuses with its own words where it doesn't come up, and with PortTaken where another port will help. */
  static async start(options: UmlOptions): Promise<Uml> {
    const { folder } = options;
    const [pidPath, messagesPath] = [join(folder, "pid"), join(folder, "messages")];
    for (const left of [pidPath, join(folder, "sshd")]) await rm(left, { force: true });
    const process = await launch(options, messagesPath);
    const deadline = Date.now() + startSeconds * 1000;
    let words = "";
    while (isAlive(process) && Date.now() < deadline && !words.includes(" E ")) {
      const pid = await readFile(pidPath, "utf8").catch(() => "");
      words = await readFile(messagesPath, "utf8");
      if (pid.endsWith("\n") && words.includes("listening on")) return new Uml(process, Number(pid));
      await sleep(0.02);
    }
    process.kill("SIGKILL");
    if (words.includes("Address already in use")) throw new PortTaken(words);
    throw new Error(`user-mode Linux did not start: ${words.trim() || "it said nothing"}`);
  }

  get isRunning(): boolean {
    return isAlive(this.process);
  }

  /** Pulls the plug, and waits until all its processes are gone; may be called again. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.ref();
    process.kill(this.first, "SIGKILL"); // its parent sees it end after all others of the namespace, and then ends
    await ended;
  }
}

async function launch(options: UmlOptions, messagesPath: string): Promise<ChildProcess> {
  const [output, messages] = await Promise.all([open(options.console.path, "a"), open(messagesPath, "w")]);
  const process = spawn("setpriv", commandLine(options), {
    stdio: ["ignore", output.fd, messages.fd],
    cwd: options.folder,
    env: { PATH: toolPath, LC_ALL: "C" },
  });
  process.unref();
  process.on("error", () => {}); // "isAlive" sees it, whyNoBoards() explains it
  process.once("exit", endWithForker());
  await Promise.all([output.close(), messages.close()]);
  return process;
}

function isAlive(process: ChildProcess): boolean {
  return process.pid !== undefined && process.exitCode === null && process.signalCode === null;
}

function commandLine({ image, folder, port, machineId, kernelArguments }: UmlOptions): string[] {
  const files = imageFiles(image);
  const namespaces = [...asRoot(), "--pid", "--fork", "--kill-child"];
  return [
    ...["--pdeathsig", "KILL", "unshare", ...namespaces, "sh", join(__dirname, "uml.sh"), folder, String(port)],
    ...[files.kernel, `initrd=${files.initramfs}`, `uml_dir=${folder}`, "umid=uml"],
    ...[machines.uml.kernelArguments, kernelArguments].flatMap((words) => words.split(" ").filter((word) => word !== "")),
    ...["devbind.kind=uml", `devbind.card=${cardAddress}`, `systemd.machine_id=${machineId}`],
  ];
}
