import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Result } from "../helpers/pulumi/engine";
import { type KeyPair, makeKey } from "../ssh/keys";
import { startServer, type TestServer } from "../ssh/server";
import { type Bindings, onePass, type ProgramStack, resourcesOf, useLab } from "./lab";
import { ScriptedBoard } from "./scripted-board";

const lab = useLab([]);
const passwords = { board: "the-board's-password", jump: "the-jump-host's-password", key: "the-key's-passphrase" };
const board = new ScriptedBoard("with-secrets");
const servers: TestServer[] = [];
let plainKey: KeyPair;
let lockedKey: KeyPair;

beforeAll(async () => {
  plainKey = makeKey();
  lockedKey = makeKey("ed25519", passwords.key);
  const publicKeys = [plainKey.publicKey, lockedKey.publicKey];
  servers.push(await startServer({ publicKeys, password: passwords.board, answer: board.answer }));
  servers.push(await startServer({ password: passwords.jump, forwards: true }));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

/** Every secret, and every line of the keys, since a log may break them differently. */
const secrets = () => [
  ...Object.values(passwords),
  ...[plainKey, lockedKey].flatMap(({ privateKey }) =>
    privateKey.split("\n").filter((line) => line.length > 20 && !line.includes("-----")),
  ),
];
const found = (text: string) => secrets().filter((secret) => text.includes(secret));
const loud = onePass({ extraArguments: ["--logtostderr", "-v=9"] });

/**
 * At -v=9 the engine itself writes down every property that it hands on, secrets in clear: these records of its own, whatever the
 * resource is, are the only ones that may hold them. All else in the log is checked: what program and provider print, every message.
 */
const engineRecord =
  /^\{"time":"[^"]+","level":"INFO","msg":"(Unmarshaling property for RPC\[|Marshaling property for RPC\[|Planner decided to |(eventSink::Debug\(<\{%reset%\}>)?RegisterResource RPC finished: )/;
const foundIn = ({ stdout, stderr, events }: Result) => {
  const log = stderr.split("\n").filter((line) => !engineRecord.test(line));
  const shown = events.filter(({ diagnosticEvent }) => diagnosticEvent?.severity !== "debug");
  return found([stdout, ...log, JSON.stringify(shown)].join("\n"));
};

/** One binding for each way in, all secrets given as plain strings. */
function bindings(driver = "vfio-pci"): Bindings {
  const [server, jump] = servers;
  if (!server || !jump) throw new Error("the servers are not there");
  const host = "127.0.0.1";
  const address = { host, port: server.port, hostKey: server.hostKey };
  const proxy = { host, port: jump.port, hostKey: jump.hostKey, password: passwords.jump };
  const ways = {
    password: { ...address, password: passwords.board },
    key: { ...address, privateKey: plainKey.privateKey },
    locked: { ...address, privateKey: lockedKey.privateKey, privateKeyPassword: passwords.key },
    jump: { ...address, proxy, password: passwords.board },
  };
  const made = Object.entries(ways).map(
    ([name, connection]) => [name, { args: { connection, bus: "pci", device: name, driver } }] as const,
  );
  return Object.fromEntries(made);
}

describe("secrets that a program gives as plain strings", () => {
  let stack: ProgramStack;
  const stored = async () => found(JSON.stringify(await stack.state()) + (await readFile(stack.stateFile(), "utf8")));

  test("are nowhere in the state after up, nor in what the loudest log has of ours", async () => {
    stack = await lab.openProgram(bindings());
    expect(foundIn(await stack.up(loud))).toEqual([]);
    expect(resourcesOf(await stack.state()).size).toBe(4);
    expect(await stored()).toEqual([]);
  });

  test("nor after a refresh that finds another driver, and the drift's preview", async () => {
    for (const held of board.devices.values()) held.driver = "e1000e";
    expect(foundIn(await stack.refresh(loud))).toEqual([]);
    expect(await stored()).toEqual([]);
    expect(foundIn(await stack.preview({ extraArguments: ["--diff", "--logtostderr", "-v=9"] }))).toEqual([]);
  });

  test("nor after an update that failed", async () => {
    board.refuses = true;
    await stack.write(bindings("pci-stub"));
    const failed = await stack.up({ ...loud, expectFailure: true });
    board.refuses = false;
    expect(failed.steps.some((step) => step.failed)).toBe(true);
    expect(foundIn(failed)).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  test("nor when they are wrong", async () => {
    const wrong = Object.entries(bindings()).map(([name, { args }]) => [
      name,
      { args: { ...args, connection: wrongOnes(args.connection) } },
    ]);
    await stack.write(Object.fromEntries(wrong));
    const failed = await stack.preview({ expectFailure: true, extraArguments: ["--logtostderr", "-v=9"] });
    expect(failed.messages.filter(({ severity }) => severity === "error").length).toBeGreaterThan(0);
    expect(foundIn(failed)).toEqual([]);
    expect(JSON.stringify(failed.messages)).not.toContain("not-the-");
  });

  test("are still good for destroy", async () => {
    await stack.write(bindings());
    expect((await stack.destroy(loud)).summary).toEqual({ delete: 5 });
    expect([...board.devices.values()].map(({ driver }) => driver)).toEqual(["e1000e", "e1000e", "e1000e", "e1000e"]);
  });
});

/** The same connection with other passwords; a key can't be read without its passphrase then. */
function wrongOnes(connection: unknown): Record<string, unknown> {
  const entries = Object.entries(Object(connection)).map(([key, value]) => [key, /assword/.test(key) ? `not-${value}` : value]);
  return Object.fromEntries(entries);
}
