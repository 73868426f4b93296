import { posix } from "node:path";
import type { MadeBoard } from "./made-board";

/** A module as it lies on the board. */
export interface Module {
  /** What has to be loaded before it. */
  needs?: string[];
  /** Its parameters with their defaults. */
  parameters?: Record<string, string>;
  /** The drivers that it registers, as "<bus>/<name>". */
  drivers?: string[];
  /** What modprobe says where the kernel refuses it, and what the kernel's log says then. */
  refused?: { modprobe: string; log: string };
}

/**
 * modprobe, rmmod, modinfo and dmesg of a made board, and its /sys/module: as kmod and the kernel were seen to do. busybox ash takes
 * applets of its own for these names, whatever PATH says: there they are tried on real kernels.
 */
export class MadeModules {
  /** What modprobe (to load) and rmmod were called with. */
  readonly calls: string[] = [];
  readonly loaded: string[] = [];

  constructor(
    private readonly board: MadeBoard,
    private readonly modules: Record<string, Module>,
  ) {
    const control = `${board.root}/sys/made/modules`;
    board.kernel.addWritable("made/modules", (text) => this.take(text.trim()));
    const known = Object.keys(modules).map((name) => `${name}) set -- ${this.orderOf(name).join(" ")} ;;`);
    const list = `case $(echo "$3" | tr - _) in\n${known.join("\n")}\n*) exit 1 ;;\nesac\nfor name; do echo "insmod /lib/modules/6.1.0-test/kernel/$name.ko.xz "; done`;
    const failures = Object.entries(modules).flatMap(([name, { refused }]) =>
      refused ? [`${name}) echo "${refused.log}" >'${board.root}/log'; echo "${refused.modprobe}" >&2; exit 1 ;;`] : [],
    );
    const load = `case $2 in\n${failures.join("\n")}\nesac\necho "load $*" >${control} || { echo "modprobe: FATAL: Module $2 not found." >&2; exit 1; }`;
    board.write("bin/modprobe", `#!/bin/sh\nif [ "$1" = -D ]; then\n${list}\nelse\n${load}\nfi\n`, 0o755);
    board.write("bin/rmmod", `#!/bin/sh\necho "rmmod $*" >${control}\n`, 0o755);
    board.write("bin/dmesg", `#!/bin/sh\ncat '${board.root}/log' 2>/dev/null\n`, 0o755);
    const parm = Object.entries(modules).map(([name, { parameters = {} }]) => {
      const lines = Object.keys(parameters).map((parameter) => `echo '${parameter}:what it does (int)'`);
      return `parm:${name}) ${lines.join("; ") || ":"} ;;\nlicense:${name}) echo GPL ;;`;
    });
    board.write("bin/modinfo", `#!/bin/sh\ncase $2:$4 in\n${parm.join("\n")}\n*) exit 1 ;;\nesac\n`, 0o755);
  }

  /** Loads by hand what is needed, and it. */
  load(name: string, parameters: Record<string, string> = {}): void {
    for (const one of this.orderOf(name)) if (!this.loaded.includes(one)) this.insert(one, one === name ? parameters : {});
  }

  private orderOf(name: string): string[] {
    return [...new Set([...(this.modules[name]?.needs ?? []).flatMap((need) => this.orderOf(need)), name])];
  }

  private take(text: string): number {
    const [deed, ...words] = text.split(" ").filter((word) => word !== "--");
    this.calls.push([deed, ...words].join(" "));
    if (deed === "rmmod") {
      for (const name of words) this.remove(name);
      return 0;
    }
    const [name = "", ...parameters] = words;
    const plain = name.replaceAll("-", "_");
    if (!(plain in this.modules)) return 2;
    this.load(plain, Object.fromEntries(parameters.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)])));
    return 0;
  }

  private insert(name: string, given: Record<string, string>): void {
    const { kernel } = this.board;
    const { parameters = {}, drivers = [] } = this.modules[name] ?? {};
    kernel.addFile(`module/${name}/initstate`, "live\n");
    for (const [parameter, value] of Object.entries({ ...parameters, ...only(given, parameters) }))
      kernel.addFile(`module/${name}/parameters/${parameter}`, `${/^[yY]$/.test(value) ? "Y" : value}\n`);
    for (const driver of drivers) {
      const [bus = "", plain = ""] = driver.split("/");
      kernel.addDriver(bus, plain);
      kernel.addLink(`module/${name}/drivers/${bus}:${plain}`, `bus/${bus}/drivers/${plain}`);
      kernel.addLink(`bus/${bus}/drivers/${plain}/module`, `module/${name}`);
      kernel.attach(bus, plain);
    }
    this.loaded.push(name);
  }

  /** As the kernel: not what another module needs. */
  private remove(name: string): void {
    if (!this.loaded.includes(name) || this.loaded.some((other) => this.modules[other]?.needs?.includes(name))) return;
    this.loaded.splice(this.loaded.indexOf(name), 1);
    this.board.kernel.remove(`module/${name}`);
    for (const driver of this.modules[name]?.drivers ?? []) {
      this.board.kernel.freeOf(posix.basename(driver));
      this.board.kernel.remove(`bus/${driver.replace("/", "/drivers/")}`);
    }
  }
}

const only = (given: Record<string, string>, known: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).filter(([name]) => name in known));
