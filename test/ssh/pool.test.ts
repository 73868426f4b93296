import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { withConnection } from "../../provider/ssh/pool";
import { afterwards, connectionTo, errorOf, makeProject, serverFor, untilEnd } from "./project";
import type { ServerOptions } from "./server";

const answer = async () => ({ stdout: "END\n", stderr: "", code: 0 });

async function oneBoard(options: ServerOptions = {}, fields: Record<string, unknown> = {}) {
  makeProject();
  const server = await serverFor({ password: "swordfish", answer, ...options });
  const connection = connectionTo(server.port, { password: "swordfish", hostKey: server.hostKey, ...fields });
  const run = (to = connection) => withConnection(to, (board) => board.run(untilEnd("")));
  return { server, connection, run };
}

describe("withConnection", () => {
  it("makes one login for twenty that ask at once, and for those who come later", async () => {
    const { server, run } = await oneBoard();
    await Promise.all(Array.from({ length: 20 }, () => run()));
    await run();
    expect([server.connections, server.logins, server.execs.length]).toEqual([1, 1, 21]);
  });

  it("shares a connection whatever the order of its fields and its patience", async () => {
    const { server, connection, run } = await oneBoard();
    const { host, ...rest } = connection;
    await Promise.all([run(), run({ ...rest, host }), run({ ...connection, dialErrorLimit: 7, perDialTimeout: 3 })]);
    expect(server.logins).toBe(1);
  });

  it("never lends a connection to other credentials or other rules for host keys", async () => {
    const { server, connection, run } = await oneBoard();
    await run();
    expect((await errorOf(() => run({ ...connection, password: "guess" }))).kind).toBe("denied");
    expect((await errorOf(() => run({ ...connection, hostKey: undefined }))).kind).toBe("untrusted");
    await run({ ...connection, user: "other" });
    expect(server.logins).toBe(2);
  });

  it("fails all who wait for a dial that fails, and dials anew for the next", async () => {
    const { server, run } = await oneBoard({ resetFirst: 1 });
    const kinds = await Promise.all(Array.from({ length: 5 }, () => errorOf(() => run()).then((error) => error.kind)));
    expect([kinds, server.connections]).toEqual([Array(5).fill("unreachable"), 1]);
    await run();
    expect([server.connections, server.logins]).toEqual([2, 1]);
  });

  it("dials anew after the connection was closed by the other side", async () => {
    const plans = ["cut", "close"] as const;
    const next = plans.values();
    const { server, run } = await oneBoard({ answer: async () => ({ stdout: "END", stderr: "", code: 0, after: next.next().value }) });
    expect((await errorOf(() => run())).kind).toBe("unreachable");
    await run();
    expect(server.logins).toBe(2);
  });

  it("closes a connection that nobody used for a while, and only then", async () => {
    const { server, run } = await oneBoard();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    afterwards(() => vi.useRealTimers());
    await run();
    vi.advanceTimersByTime(4000);
    await run();
    vi.advanceTimersByTime(4000);
    await new Promise((resolve) => setImmediate(resolve));
    expect([server.open, server.logins]).toEqual([1, 1]);
    vi.advanceTimersByTime(2000);
    vi.useRealTimers();
    await expect.poll(() => server.open).toBe(0);
    await run();
    expect(server.logins).toBe(2);
  });

  it("passes on what the work throws, and keeps the connection", async () => {
    const { server, connection, run } = await oneBoard();
    const work = () => withConnection(connection, () => Promise.reject(new RangeError("mine")));
    await expect(work()).rejects.toThrow("mine");
    await run();
    expect(server.logins).toBe(1);
  });

  it("looks at thirty boards at once, not one after the other", async () => {
    makeProject();
    let arrived = 0;
    let open = () => {};
    const allHere = new Promise<void>((resolve) => {
      open = resolve;
    });
    const waitForAll = async () => {
      arrived += 1;
      if (arrived === 30) open();
      await allHere; // one after the other would wait here for ever
      return answer();
    };
    const servers = await Promise.all(Array.from({ length: 30 }, () => serverFor({ password: "x", answer: waitForAll })));
    const connections = servers.map((server) => connectionTo(server.port, { password: "x", hostKey: server.hostKey, perDialTimeout: 60 }));
    await Promise.all(connections.map((connection) => withConnection(connection, (board) => board.run(untilEnd("")))));
    expect(servers.map((server) => [server.logins, server.execs.length])).toEqual(Array(30).fill([1, 1]));
  });

  it("has at most 32 dials under way", async () => {
    makeProject();
    const server = await serverFor({ silent: true });
    const dial = (user: string) =>
      errorOf(() => withConnection(connectionTo(server.port, { user, password: "x", perDialTimeout: 0 }), async () => {}));
    const dials = Array.from({ length: 40 }, (_, index) => dial(`user${index}`));
    await expect.poll(() => server.connections).toBe(32);
    await new Promise((resolve) => setTimeout(resolve, 200)); // room for a 33rd to show up
    expect(server.connections).toBe(32);
    await server.close();
    expect(new Set((await Promise.all(dials)).map((error) => error.kind))).toEqual(new Set(["unreachable"]));
  });

  it("keeps a process alive while work goes on, and not by a connection that is idle", async () => {
    const { connection } = await oneBoard({ answer: async () => ({ stdout: "worked\n", stderr: "", code: 0 }), answerDelay: 300 });
    const root = join(__dirname, "..", "..");
    const child = spawn(process.execPath, ["--import", "tsx", join(__dirname, "idle-child.ts"), JSON.stringify(connection)], { cwd: root });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([output, code]).toEqual(["worked\nthe connection is still open at the end\n", 0]);
  });
});
