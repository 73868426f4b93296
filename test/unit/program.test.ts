import { Socket } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeviceBinding, type DeviceBindingArgs, injectLook } from "../../provider";
import { deviceBindingType } from "../../provider/device-binding";
import { providerText } from "../../provider/resource";
import { aBoard, aDevice, bound } from "./made";

type Registered = Record<string, unknown> & { connection: Record<string, unknown>; observed?: Record<string, unknown> };

/** What the program sends to the engine, secrets as the engine gets them. */
const registered = new Map<string, Registered>();
const register = MockMonitor.prototype.registerResource;
vi.spyOn(MockMonitor.prototype, "registerResource").mockImplementation(function (this: MockMonitor, request, callback) {
  registered.set(request.getName(), request.getObject().toJavaScript());
  return register.call(this, request, callback);
});
const error = vi.spyOn(pulumi.log, "error").mockResolvedValue(undefined);
const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
const dial = vi.spyOn(Socket.prototype, "connect");
let exitCode: typeof process.exitCode;
let names = 0;

const plain = { host: "b", password: "p", hostKeyChecking: "off" } as const;

const isSecret = (value: unknown): boolean => typeof value === "object" && value !== null && pulumi.runtime.specialSigKey in value;

/** Constructs a binding and waits until the engine has it. */
async function made(changed: Record<string, unknown> = {}, options: pulumi.CustomResourceOptions = {}): Promise<Registered> {
  const name = `card-${names++}`;
  const args = { connection: plain, bus: "pci", device: "0000:00:02.0", driver: "vfio-pci", ...changed };
  const resource = new DeviceBinding(name, args as DeviceBindingArgs, options);
  await new Promise((resolve) => resource.urn.apply(resolve));
  return registered.get(name) ?? { connection: {} };
}

const setMocks = (isPreview: boolean) =>
  pulumi.runtime.setMocks(
    { call: () => ({}), newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs }) },
    "lab",
    "dev",
    isPreview,
    "organization",
  );

beforeEach(async () => {
  exitCode = process.exitCode;
  process.exitCode = 0;
  for (const spy of [error, warn, dial]) spy.mockClear();
  await setMocks(true);
});
afterEach(() => {
  process.exitCode = exitCode;
  injectLook(undefined);
});

describe("under pulumi.runtime.setMocks", () => {
  it("a binding is constructed without a look at any board", async () => {
    const inputs = await made();
    expect(inputs).toMatchObject({ bus: "pci", device: "0000:00:02.0", driver: "vfio-pci", __provider: providerText });
    expect(inputs).not.toHaveProperty("observed");
    expect([dial.mock.calls.length, error.mock.calls.length, process.exitCode]).toEqual([0, 0, 0]);
  });

  it("it has its frozen type, and a claimant of organisation, project, stack and name", async () => {
    const resource = new DeviceBinding("card", {
      connection: { host: "b", hostKeyChecking: "off" },
      bus: "pci",
      device: "a",
      driver: null,
    });
    const urn = await new Promise((resolve) => resource.urn.apply(resolve));
    expect(urn).toBe(`urn:pulumi:dev::lab::${deviceBindingType}::card`);
    expect(registered.get("card")?.claimant).toBe("organization/lab/dev/card");
    expect(registered.get("card")).toHaveProperty("driver", null);
  });
});

const secrets = { password: "p", privateKeyPassword: "p" };
const readable = { host: "b", port: 2222, user: "root", hostKeyChecking: "off" };
const fields = { ...readable, ...secrets, proxy: { host: "gate", user: "jump", ...secrets } };
const hops = [
  { host: "first", user: "jump", password: "p" },
  { host: "second", privateKey: "KEY" },
];

/** However a user hands over a connection, what is secret in it is secret in state, and nothing else is. */
const ways: [title: string, connection: unknown][] = [
  ["plain texts", fields],
  ["an Output of it all", pulumi.output(fields)],
  ["a promise", Promise.resolve(fields)],
  ["Outputs of each field", Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, pulumi.output(value)]))],
  ["secrets of the user's own", { ...fields, password: pulumi.secret("p"), privateKeyPassword: pulumi.output(pulumi.secret("p")) }],
];

describe("password, key and passphrase are secret in state, whatever the user did, and the rest is readable:", () => {
  it.each(ways)("%s", async (_, connection) => {
    const given = (await made({ connection })).connection;
    const proxy = Object(given.proxy);
    expect(isSecret(given) || isSecret(given.proxy)).toBe(false);
    for (const key of Object.keys(secrets)) expect([key, isSecret(given[key]), isSecret(proxy[key])]).toEqual([key, true, true]);
    expect(given).toMatchObject(readable);
    expect(proxy).toMatchObject({ host: "gate", user: "jump" });
  });

  it("a private key too, of board and proxy", async () => {
    const connection = { ...readable, privateKey: "KEY", proxy: { host: "gate", privateKey: "KEY" } };
    const given = (await made({ connection })).connection;
    expect([isSecret(given.privateKey), isSecret(Object(given.proxy).privateKey)]).toEqual([true, true]);
    expect(Object.keys(given).sort()).toEqual(["host", "hostKeyChecking", "port", "privateKey", "proxy", "user"]);
  });

  it("a become password, a field that nobody knows, and those of each jump host, however they are handed over", async () => {
    const lists = [hops, pulumi.output(hops), hops.map((hop) => pulumi.output(hop)), Promise.resolve(hops)];
    for (const jumps of lists) {
      const given = (await made({ connection: { ...readable, become: "sudo", becomePassword: "p", passwort: "p", jumps } })).connection;
      expect([isSecret(given.becomePassword), isSecret(given.passwort), isSecret(given.become)]).toEqual([true, true, false]);
      const [first, second] = [given.jumps].flat().map(Object);
      expect([isSecret(first.password), isSecret(second.privateKey), first.host, second.host]).toEqual([true, true, "first", "second"]);
    }
  });

  it("a connection or a list of jump hosts that is none: whole", async () => {
    expect(isSecret((await made({ connection: "root:word@b" })).connection)).toBe(true);
    expect(isSecret((await made({ connection: { ...readable, jumps: "me:word@gate" } })).connection.jumps)).toBe(true);
    const { jumps } = (await made({ connection: { ...readable, jumps: ["me:word@gate"] } })).connection;
    expect(isSecret([jumps].flat()[0])).toBe(true);
  });

  it("and stand nowhere else", async () => {
    injectLook(async () => ({ board: aBoard(), devices: [aDevice(bound)] }));
    const { connection, ...rest } = await made({ connection: pulumi.secret({ ...readable, password: "HUSH" }) });
    expect(JSON.stringify(connection)).toContain("HUSH");
    expect(JSON.stringify(rest)).not.toContain("HUSH");
    expect(isSecret(rest.observed)).toBe(false);
    expect(rest.observed).toMatchObject({ device: { driver: "vfio-pci" } });
  });
});

describe("a preview", () => {
  const guarded = { board: aBoard(), devices: [aDevice({ guard: "this SSH session (eth0)" })] };

  it("tells on the resource what an update would refuse, and still shows it", async () => {
    injectLook(async () => guarded);
    expect((await made()).observed).toMatchObject({ device: { guard: "this SSH session (eth0)" } });
    expect(error.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining("The device carries this SSH session")]);
    expect(process.exitCode).toBe(32);
  });

  it("leaves it to the update to refuse again", async () => {
    await setMocks(false);
    injectLook(async () => guarded);
    await made();
    expect([error.mock.calls.length, process.exitCode]).toEqual([0, 0]);
  });

  it("with one input unknown makes no look, and the observation is unknown", async () => {
    const look = vi.fn();
    injectLook(look);
    const other = new DeviceBinding("other", { connection: plain, bus: "pci", device: "a", driver: null });
    expect((await made({ device: other.sysfsPath })).observed).toBe("04da6b54-80e4-46f7-96ec-b56ff0331ba9");
    expect(look.mock.calls.map(([, items]) => items)).toEqual([[expect.objectContaining({ device: "a" })]]);
  });
});

const invalid: [title: string, changed: Record<string, unknown>, text: string][] = [
  ["a bad name", { bus: "a/b" }, "bus must be letters, digits, spaces and"],
  ["an Output's bad name", { bus: pulumi.output("a/b") }, "bus must be letters, digits, spaces and"],
  ["a driver that is not written", { driver: undefined }, "driver is missing; null keeps the device without a driver."],
  [
    "a driver whose Output brings nothing",
    { driver: pulumi.output(undefined) },
    "driver is missing; null keeps the device without a driver.",
  ],
  ["a port out of range", { connection: { ...plain, port: 0 } }, "connection.port must be from 1 to 65535."],
  [
    "a key file that is not there",
    { connection: { ...plain, privateKeyPath: "/nowhere/key" } },
    "Cannot use connection.privateKeyPath (/nowhere/key) for root@b:22: there is no such file.",
  ],
  [
    "a key that is none",
    { connection: { ...plain, privateKey: "NO KEY" } },
    "Cannot use connection.privateKey for root@b:22: it is no private key.",
  ],
  ["what is not built yet", { stateDirectory: "/data" }, "is not built yet in this version."],
  ["a connection that is none", { connection: "b" }, "connection must be a connection."],
];

describe("inputs that can't be right are told on the resource, which is shown, with nothing sent to a board:", () => {
  it.each(invalid)("%s", async (_, changed, text) => {
    const look = vi.fn();
    injectLook(look);
    expect((await made(changed)).observed).toEqual({ lookedAt: "", invalid: true });
    expect(error.mock.calls.map(([said]) => said)).toEqual([expect.stringContaining(text)]);
    expect(error.mock.calls[0]?.[0]).toMatch(/[^.]\. Nothing was sent to the board\./);
    expect([process.exitCode, look.mock.calls, dial.mock.calls]).toEqual([32, [], []]);
  });
});
