import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Console } from "./console";
import { diskIn } from "./disk";
import { endWithForker } from "./leftovers";
import { cardAddress, imageFiles, type QemuKind, qemuMachines } from "./machines";
import { PortTaken } from "./ports";
import { Qmp } from "./qmp";
import { sleep } from "./run";

const startSeconds = 60;
const unplugSeconds = 60; // the kernel waits five for a second press of the button

export interface QemuOptions {
  kind: QemuKind;
  /** The folder of a built image. */
  image: string;
  /** Holds this machine's disk, its sockets and QEMU's messages. */
  folder: string;
  console: Console;
  port: number;
  /** 32 hex digits, or "" for a board without one. */
  machineId: string;
  /** Devices beyond the machine's own. */
  spareDevices?: string[];
  /** Words for the kernel after the machine's own. */
  kernelArguments?: string;
  /** A saved machine's memory, to go on from. */
  restoreFrom?: string;
}

/** A QEMU process. It dies with the process that started it, and needs no word of goodbye. */
export class Qemu {
  private constructor(
    private readonly process: ChildProcess,
    private readonly qmp: Qmp,
  ) {}

  /** Starts QEMU. Refuses with its own words where it doesn't come up, and with PortTaken where another port will help. */
  static async start(options: QemuOptions): Promise<Qemu> {
    await options.console.begin();
    const socket = join(options.folder, "qmp");
    const messagesPath = join(options.folder, "qemu-messages");
    const messages = await open(messagesPath, "w");
    const command = ["--pdeathsig", "KILL", qemuMachines[options.kind].qemu, ...commandLine(options, socket)];
    const process = spawn("setpriv", command, { stdio: ["ignore", messages.fd, messages.fd], cwd: options.folder });
    process.unref();
    process.on("error", () => {}); // "isAlive" sees it, whyNoBoards() explains it
    process.once("exit", endWithForker());
    await messages.close();
    const deadline = Date.now() + startSeconds * 1000;
    while (isAlive(process) && Date.now() < deadline) {
      const qmp = await Qmp.connect(socket).catch(() => undefined);
      if (qmp !== undefined) return new Qemu(process, qmp);
      await sleep(0.02);
    }
    process.kill("SIGKILL");
    const words = (await readFile(messagesPath, "utf8")).trim();
    if (words.includes("host forwarding")) throw new PortTaken(words);
    throw new Error(`QEMU did not start: ${words || "it said nothing"}`);
  }

  get isRunning(): boolean {
    return isAlive(this.process);
  }

  /** Waits until a restored machine runs. */
  async untilRestored(): Promise<void> {
    const deadline = Date.now() + startSeconds * 1000;
    while ((await this.qmp.execute("query-status")).status !== "running") {
      if (Date.now() > deadline) throw new Error(`the saved machine does not run after ${startSeconds} s`);
      await sleep(0.02);
    }
  }

  /** The reset button: the machine starts anew, with the kernel and the arguments of this QEMU. */
  async reset(): Promise<void> {
    await this.qmp.execute("system_reset");
  }

  /** Plugs a device in while the machine runs: QEMU's `driver`, `id`, `bus` and what else it takes. */
  async plug(device: Record<string, string>): Promise<void> {
    await this.qmp.execute("device_add", device);
  }

  /** Asks the machine to give a device up, and waits until its kernel has agreed and the device is gone. */
  async unplug(id: string): Promise<void> {
    await this.qmp.execute("device_del", { id });
    const deadline = Date.now() + unplugSeconds * 1000;
    const isThere = () =>
      this.qmp.execute("qom-get", { path: `/machine/peripheral/${id}`, property: "type" }).then(
        () => true,
        () => false,
      );
    while (await isThere()) {
      if (Date.now() > deadline) throw new Error(`the device ${id} is still plugged in after ${unplugSeconds} s`);
      await sleep(0.1);
    }
  }

  /** Writes the machine's state to a file. It stands still from then on. */
  async save(path: string): Promise<void> {
    await this.qmp.execute("migrate", { uri: `exec:cat >${shellQuoted(path)}` });
    for (;;) {
      const { status, "error-desc": why } = await this.qmp.execute("query-migrate");
      if (status === "completed") return;
      if (status === "failed" || status === "cancelled") throw new Error(`cannot save the machine: ${why ?? status}`);
      await sleep(0.05);
    }
  }

  /** Pulls the plug; may be called again. */
  async stop(): Promise<void> {
    this.qmp.close();
    if (!this.isRunning) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.ref();
    this.process.kill("SIGKILL");
    await ended;
  }
}

function isAlive(process: ChildProcess): boolean {
  return process.pid !== undefined && process.exitCode === null && process.signalCode === null;
}

function commandLine(options: QemuOptions, socket: string): string[] {
  const machine = qemuMachines[options.kind];
  const files = imageFiles(options.image);
  const own = options.kernelArguments ? `${options.kernelArguments} ` : "";
  const identity = `${own}devbind.kind=${options.kind} devbind.card=${cardAddress} systemd.machine_id=${options.machineId}`;
  return [
    // The card first: so it gets the last virtio slot, a003e00, and the spare devices get the ones below.
    ...machine.card(`user,restrict=on,hostfwd=tcp:127.0.0.1:${options.port}-:22`),
    ...(machine.debianPackages === undefined ? [] : ["-drive", `if=none,id=root,format=qcow2,file=${diskIn(options.folder)}`]),
    ...machine.devices,
    ...(options.spareDevices ?? []),
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-chardev", `file,id=console,path=${options.console.path},append=on`, "-serial", "chardev:console"],
    ...["-qmp", `unix:${socket},server=on,wait=off`],
    ...["-kernel", files.kernel, "-initrd", files.initramfs, "-append", `${machine.kernelArguments} ${identity}`],
    ...(machine.deviceTree === undefined ? [] : ["-dtb", files.deviceTree]),
    ...(options.restoreFrom === undefined ? [] : ["-incoming", `exec:cat ${shellQuoted(options.restoreFrom)}`]),
  ];
}

const shellQuoted = (path: string) => `'${path.replaceAll("'", "'\\''")}'`;
