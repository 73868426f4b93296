import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

type Answer = Record<string, string | undefined>;

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

/** QEMU's own control connection: a line of JSON there, a line of JSON back, in order. */
export class Qmp {
  private readonly waiting: Waiting[] = [];

  private constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on("line", (line) => this.hear(line));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error("QEMU is gone"));
    });
    socket.unref();
  }

  /** Connects and greets. Refuses where nobody listens yet. */
  static connect(path: string): Promise<Qmp> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        const qmp = new Qmp(socket);
        qmp.execute("qmp_capabilities").then(() => resolve(qmp), reject);
      });
    });
  }

  /** Sends a command and returns its answer. Refuses with QEMU's words. */
  execute(command: string, parameters: Record<string, unknown> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new Error("QEMU is gone"));
        return;
      }
      this.socket.ref(); // an answer is worth staying alive for, a silent connection isn't
      this.waiting.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** Greetings and events are no answers. */
  private hear(line: string): void {
    const message = JSON.parse(line) as { return?: Answer; error?: { desc: string } };
    if (message.return !== undefined) this.waiting.shift()?.resolve(message.return);
    else if (message.error !== undefined) this.waiting.shift()?.reject(new Error(`QEMU: ${message.error.desc}`));
    if (this.waiting.length === 0) this.socket.unref();
  }
}
