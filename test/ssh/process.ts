import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lifetime, whenOver } from "./project";

/**
 * Ends a process by its id when its time is over, or when the returned function is called; dropbear now and then misses a SIGTERM
 * that comes just before it waits, so a SIGKILL follows.
 */
export function endAfterwards(child: ChildProcess, lifetime: Lifetime = "test"): () => Promise<void> {
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    const late = setTimeout(() => child.kill("SIGKILL"), 500);
    await ended;
    clearTimeout(late);
  };
  whenOver(lifetime, end);
  return end;
}

/** A port of 127.0.0.1 on which nobody listens now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Waits until somebody listens on a port of 127.0.0.1, by proc(5): a connection would count as a login that is under way. */
export async function untilListening(port: number, child: ChildProcess): Promise<void> {
  const entry = ` 0100007F:${hex(port)} 00000000:0000 0A `;
  while (!readFileSync("/proc/net/tcp", "utf8").includes(entry)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${child.spawnargs.join(" ")}`);
    await sleep(10);
  }
}

/** How many connections to a port of 127.0.0.1 are open now, by proc(5). */
export function openConnections(port: number): number {
  const entry = ` 0100007F:${hex(port)} 0100007F:[0-9A-F]{4} 01 `;
  return readFileSync("/proc/net/tcp", "utf8").match(new RegExp(entry, "g"))?.length ?? 0;
}

const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
