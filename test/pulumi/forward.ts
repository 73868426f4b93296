import { createServer, type Socket, connect } from "node:net";

/** A port of this machine that leads to a board, and may be led to another one: an address that boards change behind. */
export interface Forward {
  readonly port: number;
  /** New connections go to this port from now on; those that are open end. */
  leadTo(port: number): void;
  close(): Promise<void>;
}

export async function forwardTo(port: number): Promise<Forward> {
  const sockets = new Set<Socket>();
  const endAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  let target = port;
  const server = createServer((socket) => {
    const onwards = connect(target, "127.0.0.1");
    for (const end of [socket, onwards]) sockets.add(end.on("error", () => {}).on("close", () => sockets.delete(end)));
    socket.on("close", () => onwards.destroy());
    onwards.on("close", () => socket.destroy());
    socket.pipe(onwards).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    leadTo: (other) => {
      endAll();
      target = other;
    },
    close: () => {
      endAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
