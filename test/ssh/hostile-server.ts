import { createServer, type Socket } from "node:net";
import { type AuthContext, type Connection, Server, type ServerConfig } from "ssh2";
import { Wire } from "./hostile-packets";
import { makeKey } from "./keys";
import { type Answer, startServer } from "./server";

/** What a board does to whoever logs in; one of these ways. */
export type Hostility =
  /** It speaks SSH honestly, and lies in what its command prints. */
  | { answer(stdin: string): Answer }
  /** It is no SSH server. */
  | { socket(socket: Socket): void }
  | SshHostility;

/** It is an SSH server that lets everybody in, but for what is said here. */
export interface SshHostility {
  algorithms?: ServerConfig["algorithms"];
  ident?: string;
  /** Instead of letting the client in; "none" is refused before. */
  authentication?(context: AuthContext, wire: Wire, connection: Connection): void;
  /** Instead of opening the channel that the client asks for. */
  session?(wire: Wire, connection: Connection): void;
  /** Instead of refusing to lead on, where the client takes it for a jump host. */
  forward?(wire: Wire): void;
}

export interface HostileServer {
  readonly port: number;
  readonly hostKey: string;
  close(): Promise<void>;
}

/** A hostile server in this process, on a free port of 127.0.0.1. */
export async function startHostile(hostility: Hostility): Promise<HostileServer> {
  if ("answer" in hostility) {
    const { answer } = hostility;
    return startServer({ password: "swordfish", answer: async (_command, stdin) => answer(stdin) });
  }
  const key = makeKey();
  const sockets = new Set<Socket>();
  const ssh = "socket" in hostility ? undefined : sshServer(hostility, key.privateKey);
  const listener = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    if ("socket" in hostility) hostility.socket(socket.resume());
    else ssh?.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    hostKey: key.publicKey,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}

function sshServer({ algorithms, ident, authentication, session, forward }: SshHostility, hostKey: string): Server {
  return new Server({ hostKeys: [hostKey], algorithms, ident }, (connection) => {
    const wire = new Wire(connection);
    let isAttacked = false;
    connection
      .on("error", () => {})
      .on("authentication", (context) => {
        if (authentication === undefined) return context.method === "password" ? context.accept() : context.reject(["password"]);
        if (isAttacked) return;
        isAttacked = context.method !== "none";
        authentication(context, wire, connection);
      })
      .on("session", (accept) => {
        if (session === undefined) accept();
        else session(wire, connection);
      });
    if (forward !== undefined) connection.on("tcpip", () => forward(wire));
  });
}
