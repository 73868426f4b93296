import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What happens to the link when so many bytes have gone that way, and how long after. */
export interface Fault {
  direction: "up" | "down";
  byte: number;
  afterMilliseconds?: number;
  /** Reset by the network, closed, frozen for good without a word; or held back until what has to be done is done. */
  how: "reset" | "close" | "freeze" | (() => Promise<unknown>);
}

/** A stretch of the way to a board, where a link can be hurt at any byte. */
export interface LinkProxy {
  readonly port: number;
  /** Hurts the connections that come next, one fault each, and then none; where it is undefined the connection is only counted. */
  arm(...faults: (Fault | undefined)[]): void;
  /** What the first connection that was armed has carried. */
  carried(): { up: number; down: number };
  /** When the first connection that was armed had carried so many bytes up, in milliseconds since the epoch. */
  momentOf(byte: number): number;
  /** Whether any of the faults has hit. */
  isHit(): boolean;
  close(): Promise<void>;
}

/** One connection through the proxy. */
class Stretch {
  readonly carried = { up: 0, down: 0 };
  readonly moments: { byte: number; at: number }[] = [];
  isHit = false;

  constructor(
    private readonly client: Socket,
    private readonly board: Socket,
    private readonly fault: Fault | undefined,
  ) {
    const end = () => [client, board].forEach((socket) => void socket.destroy());
    for (const socket of [client, board]) socket.setNoDelay(true).on("error", end).on("close", end);
    client.on("data", (chunk) => this.carry("up", chunk, client, board));
    board.on("data", (chunk) => this.carry("down", chunk, board, client));
  }

  private carry(direction: "up" | "down", chunk: Buffer, from: Socket, to: Socket): void {
    const fault = this.isHit || this.fault?.direction !== direction ? undefined : this.fault;
    const room = (fault?.byte ?? Number.POSITIVE_INFINITY) - this.carried[direction];
    this.carried[direction] += chunk.length;
    if (direction === "up") this.moments.push({ byte: this.carried.up, at: Date.now() });
    if (fault === undefined || room > chunk.length) {
      to.write(chunk);
      return;
    }
    this.isHit = true;
    from.pause();
    to.write(chunk.subarray(0, room), () => void this.hit(fault, () => void to.write(chunk.subarray(room)), from));
  }

  /** Where time is given before the fault, the link is as it was until then. */
  private async hit({ how, afterMilliseconds = 0 }: Fault, writeRest: () => void, from: Socket): Promise<void> {
    if (afterMilliseconds > 0) {
      writeRest();
      from.resume();
      await sleep(afterMilliseconds);
    }
    const both = [this.client, this.board];
    if (how === "reset") for (const socket of both) socket.resetAndDestroy();
    else if (how === "close") for (const socket of both) socket.end();
    else if (how === "freeze") for (const socket of both) socket.pause().removeAllListeners("data");
    else {
      await how();
      if (afterMilliseconds === 0) writeRest();
      from.resume();
    }
  }
}

/** Listens on a loopback port and carries everything to this one, both ways. */
export async function openProxy(boardPort: number): Promise<LinkProxy> {
  let armed: (Fault | undefined)[] = [];
  let watched: Stretch[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const board = connect(boardPort, "127.0.0.1");
    for (const socket of [client, board]) sockets.add(socket.on("close", () => sockets.delete(socket)));
    const isArmed = armed.length > 0;
    const stretch = new Stretch(client, board, armed.shift());
    if (isArmed) watched.push(stretch);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    arm(...faults) {
      armed = faults.length > 0 ? faults : [undefined];
      watched = [];
    },
    carried: () => watched[0]?.carried ?? { up: 0, down: 0 },
    momentOf: (byte) => watched[0]?.moments.find((moment) => moment.byte >= byte)?.at ?? Date.now(),
    isHit: () => watched.some((stretch) => stretch.isHit),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
