import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { ScriptedBoard } from "../pulumi/scripted-board";
import { devbind, program } from "./devbind";
import { startServer, type TestServer } from "./server";

/** The built command against servers in this process: what it does over the wire, and how it ends. No kernel has a part in it. */

let folder = "";
let servers: TestServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "devbind-command-"));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
  rmSync(folder, { recursive: true, force: true });
});

const env = { LAB: "right" };
const connectionTo = ({ port, hostKey }: TestServer) => ({ host: "127.0.0.1", port, hostKey, password: { env: "LAB" } });
const writeLab = (boards: Record<string, unknown>) => writeFileSync(join(folder, "lab.yaml"), stringify({ boards }));

async function serve(count: number): Promise<void> {
  const made = Array.from({ length: count }, (_, index) =>
    startServer({ password: "right", answer: new ScriptedBoard(`machine${index}`).answer }),
  );
  servers = await Promise.all(made);
}

test("check costs one login and one exec a board, whatever their number, and tells of each in the file's order", async () => {
  await serve(40);
  const bindings = { card: { bus: "pci", device: "a", driver: "e1000e" }, other: { bus: "pci", device: "b", driver: "e1000e" } };
  writeLab(Object.fromEntries(servers.map((server, index) => [`b${index}`, { connection: connectionTo(server), bindings }])));
  const { code, out, err } = await devbind(["check"], { cwd: folder, env });
  expect([code, err]).toEqual([0, ""]);
  expect(out.split("\n").map((line) => line.split(" ")[0])).toEqual([...servers.map((_, index) => `b${index}`), "40", ""]);
  expect(out).toMatch(/\n40 boards: 40 holds\n$/);
  for (const { logins, execs } of servers) expect([logins, execs.length]).toEqual([1, 1]);
});

test("a board that gives no answer does not keep the others from theirs", async () => {
  await serve(2);
  const [first, last] = servers;
  if (first === undefined || last === undefined) throw new Error("there are two servers");
  const closed = await startServer();
  await closed.close();
  const bindings = { card: { bus: "pci", device: "a", driver: "vfio-pci" } };
  writeLab({
    a: { connection: connectionTo(first), bindings },
    b: { connection: { ...connectionTo(closed), dialErrorLimit: 0 }, bindings },
    c: { connection: connectionTo(last), bindings: {} },
  });
  const { code, out } = await devbind(["check"], { cwd: folder, env });
  expect(code).toBe(2);
  expect(out).toMatch(
    /^a .*: drift\n {2}card: driver is e1000e, not vfio-pci.*\nb .*: unreachable {2}.*ECONNREFUSED.*\nc .*: holds {2}0 bindings\n/,
  );
  expect(out).toMatch(/\n3 boards: 1 holds, 1 drift, 1 unreachable\n$/);
});

test("a secret that is wrong is told as a refused login, and the secret never", async () => {
  await serve(1);
  const [server] = servers;
  if (server === undefined) throw new Error("there is a server");
  writeLab({ a: { connection: connectionTo(server), bindings: { card: { bus: "pci", device: "a", driver: null } } } });
  const { code, out, err } = await devbind(["check"], { cwd: folder, env: { LAB: "hunter2-wrong" } });
  expect([code, err]).toEqual([2, ""]);
  expect(out).toContain("let nobody in");
  expect(out).not.toContain("hunter2");
});

test("Ctrl-C ends it at once with 130, whatever a board does, and nothing else is said", async () => {
  servers = [await startServer({ silent: true })];
  const port = String(servers[0]?.port);
  const child = spawn(process.execPath, [program, "list", "--host", "127.0.0.1", "--port", port], {
    env: { ...process.env, DEVBIND_PASSWORD: "x" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => said.push(data));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  while (servers[0]?.connections === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(Buffer.concat(said).toString()).toBe("");
});

test("a reader that has read enough, as `head` in a pipe, is no error", async () => {
  await serve(1);
  const ended = await new Promise<{ code: number | null; err: string }>((resolve) => {
    const child = spawn("sh", ["-c", '{ "$1" "$2" --help; echo "$?" >&2; } | head -n 1', "sh", process.execPath, program]);
    let err = "";
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    child.once("close", (code) => resolve({ code, err }));
  });
  expect(ended).toEqual({ code: 0, err: "0\n" });
});

test("schema prints the JSON schema that the package brings", async () => {
  const { code, out } = await devbind(["schema"]);
  expect([code, JSON.parse(out).$schema]).toEqual([0, "https://json-schema.org/draft/2020-12/schema"]);
});
