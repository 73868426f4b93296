import { createHash, randomBytes } from "node:crypto";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Board, BoardKind } from "./board";
import { Console } from "./console";
import { layDisk } from "./disk";
import type { Keys } from "./keys";
import { temporaryFolder } from "./leftovers";
import { imageFiles, machines } from "./machines";
import { insistently, withFreePort } from "./ports";
import { Qemu } from "./qemu";
import { type Say, timed } from "./run";
import type { SavedMachine } from "./saved";
import { Shell } from "./shell";
import { Uml } from "./uml";

interface Plan {
  kind: BoardKind;
  keys: Keys;
  image: string;
  /** Left out: boot from scratch. */
  saved: SavedMachine | undefined;
  /** 32 hex digits, or "" for none. */
  machineId: string;
  spareDevices: string[];
  kernelArguments: string;
  say: Say;
}

const bootedBefore: Record<BoardKind, number> = { arm64: 0, exynos: 0, x86: 0, debian: 0, uml: 0 };

/** The n-th board of a kind in this process has the same machine id in every run. */
export function fixedMachineId(kind: BoardKind): string {
  bootedBefore[kind] += 1;
  return createHash("sha256").update(`pulumi-devbind ${kind} ${bootedBefore[kind]}`).digest("hex").slice(0, 32);
}

/** A board that is on, or was and can be again. */
export class RunningBoard implements Board {
  readonly host = "127.0.0.1";
  readonly user = "root";
  readonly kind: BoardKind;
  readonly privateKey: string;
  readonly privateKeyPath: string;
  readonly hostKey: string;
  readonly knownHostsLine: string;
  private readonly ssh: Shell;
  private readonly console: Console;
  private machine: Qemu | Uml | undefined;

  private constructor(
    private readonly plan: Plan,
    private readonly folder: string,
    readonly port: number,
  ) {
    this.kind = plan.kind;
    this.privateKey = plan.keys.userPrivateKey;
    this.privateKeyPath = plan.keys.userPrivateKeyPath;
    this.hostKey = plan.keys.hostPublicKey;
    this.knownHostsLine = `[${this.host}]:${port} ${this.hostKey}`;
    this.ssh = new Shell(folder, port, plan.keys);
    this.console = new Console(join(folder, "console"));
  }

  /** Boots or restores. Refuses a machine id that is none, and a machine that doesn't come up, with its console's last lines. */
  static async boot(plan: Plan): Promise<Board> {
    if (!/^([0-9a-f]{32})?$/.test(plan.machineId)) throw new Error(`machineId must be 32 hex digits or empty, not "${plan.machineId}"`);
    const folder = await temporaryFolder();
    let board: RunningBoard | undefined;
    if (machines[plan.kind].debianPackages !== undefined) await layDisk(plan.saved?.disk ?? imageFiles(plan.image).disk, folder);
    if (plan.saved !== undefined) await copyFile(plan.saved.console, join(folder, "console"));
    try {
      return await timed(plan.say, `${plan.kind} board ${plan.saved === undefined ? "booted" : "restored"}`, async () => {
        const started = await withFreePort(async (port) => {
          board = new RunningBoard(plan, folder, port);
          await board.start(plan.saved?.memory);
          return board;
        });
        await (plan.saved === undefined ? started.untilUp(0) : started.untilAwake());
        return started;
      });
    } catch (error) {
      await board?.close();
      throw error;
    }
  }

  shell(command: string, options: { timeoutSeconds?: number } = {}): Promise<string> {
    return this.ssh.run(command, options.timeoutSeconds);
  }

  consoleLog(): Promise<string> {
    return this.console.text();
  }

  async plug(device: Record<string, string>): Promise<void> {
    return this.qemu.plug(device);
  }

  async unplug(id: string): Promise<void> {
    return this.qemu.unplug(id);
  }

  private get qemu(): Qemu {
    if (this.machine?.isRunning !== true) throw new Error("the board is off: call powerOn() first");
    if (this.machine instanceof Uml) throw new Error("the uml board has no QEMU, and no slot to plug a device into");
    return this.machine;
  }

  async reset(): Promise<void> {
    if (this.machine instanceof Uml && this.machine.isRunning) {
      await this.powerOff();
      return this.powerOn();
    }
    const { qemu } = this;
    await this.ssh.disconnect();
    const end = await this.console.end();
    await qemu.reset();
    await this.untilUp(end);
  }

  async powerOff(): Promise<void> {
    await this.ssh.disconnect();
    await this.machine?.stop();
    this.machine = undefined;
  }

  async powerOn(): Promise<void> {
    if (this.machine?.isRunning) return;
    await this.powerOff();
    const end = await this.console.end();
    await insistently(() => this.start());
    await this.untilUp(end);
  }

  async close(): Promise<void> {
    await this.powerOff();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async start(restoreFrom?: string): Promise<void> {
    const { folder, console, port } = this;
    const { kind, image, machineId, spareDevices, kernelArguments } = this.plan;
    if (kind === "uml") this.machine = await Uml.start({ image, folder, console, port, machineId, kernelArguments });
    else this.machine = await Qemu.start({ kind, image, folder, console, port, machineId, spareDevices, kernelArguments, restoreFrom });
  }

  /** Waits for the ready word after this place in the console's text, then for SSH. */
  private async untilUp(after: number): Promise<void> {
    await this.console.untilReady(after, () => this.machine?.isRunning === true);
    await this.greet("");
  }

  /** A restored machine wakes with the clock, the identity and the entropy of the moment when it was saved. */
  private async untilAwake(): Promise<void> {
    await this.qemu.untilRestored();
    const { machineId } = this.plan;
    const identity = machineId === "" ? "" : `echo ${machineId} >/etc/machine-id; `;
    await this.greet(`echo ${randomBytes(32).toString("hex")} >/dev/urandom; ${identity}`);
  }

  /** The first login: sets the clock. Where it fails, the console may know more than SSH. */
  private async greet(commands: string): Promise<void> {
    try {
      await this.shell(`${commands}date -u -s @${Math.floor(Date.now() / 1000)}`);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${await this.console.tail()}`);
    }
  }
}
