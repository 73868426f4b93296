import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, vi } from "vitest";
import { DevbindError, type ErrorKind } from "../../provider/errors";
import { type Connection, connectionSchema } from "../../provider/schema";
import { connect } from "../../provider/ssh/connection";
import { fingerprint, keyFromText } from "../../provider/ssh/known-hosts";
import { closeIdleConnections } from "../../provider/ssh/pool";
import { type ServerOptions, startServer, type TestServer } from "./server";

/** A made project folder with Pulumi.yaml and a made home, both empty of keys; the working directory of the code under test is a folder in it. */
export interface Project {
  readonly folder: string;
  readonly home: string;
  /** Writes a file into the project's folder and tells its path. */
  write(name: string, text: string): string;
}

/** How long something that is made for tests is there: until the test has ended, or all tests of its file or describe have. */
export type Lifetime = "test" | "file";

const cleaners: Record<Lifetime, (() => unknown)[]> = { test: [], file: [] };

async function clean(lifetime: Lifetime): Promise<void> {
  await closeIdleConnections();
  for (const end of cleaners[lifetime].splice(0).reverse()) await end();
}

afterEach(async () => {
  await clean("test");
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});
afterAll(() => clean("file"));

/** Has something done when its time is over, however the tests end. */
export function whenOver(lifetime: Lifetime, end: () => unknown): void {
  cleaners[lifetime].push(end);
}

/** Has something done when the test has ended, whatever its end. */
export function afterwards(end: () => unknown): void {
  whenOver("test", end);
}

export function makeProject(): Project {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "devbind-ssh-")));
  afterwards(() => rmSync(root, { recursive: true, force: true }));
  const [folder, home] = [join(root, "project"), join(root, "home")];
  for (const path of [join(folder, "program"), join(home, ".ssh")]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, "Pulumi.yaml"), "name: test\n");
  vi.spyOn(process, "cwd").mockReturnValue(join(folder, "program"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("SSH_AUTH_SOCK", undefined);
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return { folder, home, write };
}

/** An in-process server that is gone after the test. */
export async function serverFor(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer(options);
  afterwards(() => server.close());
  return server;
}

/** A server that says one thing and ends the connection; its port. */
export async function serverThatSays(text: string): Promise<number> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => sockets.add(socket.on("error", () => {}).resume()) && socket.end(text));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  afterwards(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => listener.close(resolve));
  });
  const address = listener.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A connection to a port of this machine, one dial only unless said otherwise. */
export function connectionTo(port: number, fields: Record<string, unknown> = {}): Connection {
  return connectionSchema.parse({ host: "127.0.0.1", port, dialErrorLimit: 1, perDialTimeout: 20, ...fields });
}

/** The DevbindError that something ends with. */
export async function errorOf(work: () => unknown): Promise<DevbindError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DevbindError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Holds kind, whole message and property of the error that something ends with. */
export async function expectError(work: () => unknown, kind: ErrorKind, message: string, property?: string): Promise<void> {
  const error = await errorOf(work);
  expect({ kind: error.kind, message: error.message, property: error.property }).toEqual({ kind, message, property });
}

/** A run that is complete at the line END. */
export const untilEnd = (input: string, fields: { timeoutSeconds?: number; maximumBytes?: number } = {}) => ({
  input,
  isComplete: (stdout: string) => stdout.endsWith("END\n"),
  maximumBytes: 1_000_000,
  timeoutSeconds: 60,
  ...fields,
});

/** "ssh-ed25519 SHA256:…" of a public key. */
export function printOf(publicKey: string): string {
  const shown = keyFromText(...(publicKey.split(" ") as [string, string]));
  return shown === undefined ? "" : `${shown.type} ${fingerprint(shown)}`;
}

/** Logs in, runs one command and closes. */
export async function logsIn(connection: Connection): Promise<string> {
  const board = await connect(connection);
  try {
    return (await board.run(untilEnd("echo in; echo END\n"))).stdout;
  } finally {
    board.end();
  }
}
