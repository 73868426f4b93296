import { startServer } from "../ssh/server";
import { type Connection, coded, type Given, type Ways } from "./secrets-ways";

/** Bindings that can't be made, each for another reason. What is wrong with them may be said; what is secret in them may not. */
export async function wrongOnes(ways: Ways): Promise<Given> {
  const wrong = (name: string) => coded(ways.marks.text(`${name}: wrong`));
  const board = (name: string, takes: "password" | "key" = "password") => ways.sudoBoard(name, takes);
  const another = await board("another", "key");
  const { become: _sudo, becomePassword: _its, ...locked } = another;
  const port = await closedPort();
  const { hostKey: _unknown, ...unknownHost } = await board("unknownHost");
  const { become: _none, ...becomeless } = await board("becomeless");
  const connections: Record<string, unknown> = {
    password: { ...(await board("password")), password: wrong("password") },
    passphrase: { ...(await board("passphrase", "key")), privateKeyPassword: wrong("passphrase") },
    becomePassword: { ...(await board("becomePassword")), becomePassword: wrong("becomePassword") },
    repeated: await ways.sudoBoard("repeated", "password", { repeats: true }),
    unknownHost: { ...unknownHost, knownHosts: "nobody-is-known" },
    otherHostKey: { ...(await board("otherHostKey")), hostKey: another.hostKey },
    unreachable: { ...(await board("unreachable")), port },
    unreachableJump: { ...(await board("unreachableJump")), proxy: { ...(await ways.jump("unreachableJump: jump")), port } },
    jumpPassphrase: { ...(await board("jumpPassphrase")), jumps: [{ ...locked, privateKeyPassword: wrong("jumpPassphrase") }] },
    misspelt: { ...(await board("misspelt")), passwort: wrong("misspelt") },
    misspeltJump: { ...(await board("misspeltJump")), jumps: [{ host: "127.0.0.1", privatekey: wrong("misspeltJump") }] },
    becomeless,
    text: wrong("text"),
    proxyText: { ...(await board("proxyText")), proxy: wrong("proxyText") },
    jumpText: { ...(await board("jumpText")), jumps: [wrong("jumpText")] },
    jumpsText: { ...(await board("jumpsText")), jumps: wrong("jumpsText") },
  };
  return Object.fromEntries(Object.entries(connections).map(([name, connection]) => [`${name} is wrong`, bound(name, connection)]));
}

const bound = (name: string, connection: unknown) => ({
  way: "plain",
  args: {
    connection: isConnection(connection) ? { ...connection, dialErrorLimit: 1 } : connection,
    bus: "pci",
    device: name,
    driver: "vfio-pci",
  },
});

const isConnection = (value: unknown): value is Connection => typeof value === "object" && value !== null && "host" in value;

async function closedPort(): Promise<number> {
  const server = await startServer();
  await server.close();
  return server.port;
}
