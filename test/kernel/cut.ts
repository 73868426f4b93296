import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Board } from "../boards/board";

/** A stretch of the way to a board on which a test can cut the link. */
export interface Cut {
  port: number;
  /** Cuts the link once, when so many bytes have gone up and what is to be waited for then has come. */
  afterSending(bytes: number, wait?: () => Promise<unknown>): void;
  /** How often the link was cut. */
  count(): number;
  /** How often somebody came this way. */
  connections(): number;
  close(): Promise<void>;
}

/** Listens on a loopback port and passes everything on to the board's, both ways, until it is told to cut. */
export async function openCut(board: Board): Promise<Cut> {
  const nothing = async () => {};
  let [limit, waitFor, cuts, connections] = [Number.POSITIVE_INFINITY, nothing as () => Promise<unknown>, 0, 0];
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    connections += 1;
    const inner = connect(board.port, board.host);
    let sent = 0;
    const end = () => [client, inner].forEach((socket) => void socket.destroy());
    client.on("data", async (chunk) => {
      inner.write(chunk);
      sent += chunk.length;
      if (sent < limit) return;
      limit = Number.POSITIVE_INFINITY;
      await waitFor();
      cuts += 1;
      end();
    });
    inner.on("data", (chunk) => void client.write(chunk));
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.on("error", end).on("close", () => {
        end();
        sockets.delete(socket);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    afterSending(bytes, wait = nothing) {
      limit = bytes;
      waitFor = wait;
    },
    count: () => cuts,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
