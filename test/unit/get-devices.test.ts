import { Socket } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inventoryOf } from "../../provider/board/list";
import { parseAnswer } from "../../provider/board/protocol";
import { DevbindError } from "../../provider/errors";
import { getBoard, getDevices, type GetDevicesArgs, injectInventory, type Inventory } from "../../provider";
import type { ListedDevice } from "../../provider/inventory";
import { connectionSchema } from "../../provider/schema";
import { aBoard, connection } from "./made";

const dial = vi.spyOn(Socket.prototype, "connect");
beforeEach(() => {
  dial.mockClear();
  return pulumi.runtime.setMocks(
    { call: () => ({}), newResource: ({ name, inputs }) => ({ id: name, state: inputs }) },
    "lab",
    "dev",
    true,
  );
});
afterEach(() => injectInventory(undefined));

const device = (name: string, changed: Partial<ListedDevice> = {}): ListedDevice => ({
  ...{ bus: "pci", name, driver: "e1000e", hasOverride: true, override: null, modalias: "pci:v00008086d000010D3" },
  ...{ compatible: [], deviceTreePath: null, pciId: "8086:10d3:1af4:1100", usbId: null, iommuGroup: null, networkInterfaces: [] },
  ...{ guard: null, claimant: null, sysfsPath: `/sys/devices/${name}`, isKept: false, ...changed },
});
const devices = [
  device("a", { networkInterfaces: ["eth0"], guard: "the network card eth0" }),
  device("b", { driver: null, pciId: "8086:10d3:0000:0000" }),
  device("c", { bus: "platform", driver: "s3c-i2c", pciId: null, modalias: "of:Ni2c", compatible: ["samsung,s3c2440-i2c", "x"] }),
  device("d", { bus: "usb", driver: "usb", pciId: null, usbId: "1d6b:0104", modalias: null }),
];
const inventory: Inventory = { board: aBoard(), devices, claims: [], journals: [] };

/** The value of an Output. */
const known = <T>(output: pulumi.Output<T>): Promise<T> => new Promise((resolve) => output.apply((value) => resolve(value as T)));
const names = async (wanted: Omit<GetDevicesArgs, "connection">) =>
  (await known(getDevices({ connection, ...wanted } as GetDevicesArgs))).map(({ name }) => name);

describe("getDevices", () => {
  beforeEach(() => injectInventory(async () => inventory));

  it.each<[Record<string, unknown>, string[]]>([
    [{}, ["a", "b", "c", "d"]],
    [{ bus: "pci" }, ["a", "b"]],
    [{ driver: "e1000e" }, ["a"]],
    [{ driver: null }, ["b"]],
    [{ pciId: "8086:10D3" }, ["a", "b"]],
    [{ pciId: "8086:10d3:1af4:1100" }, ["a"]],
    [{ usbId: "1d6b:0104" }, ["d"]],
    [{ modalias: "pci:*" }, ["a", "b"]],
    [{ modalias: "pci:v0000808?d000010D3" }, ["a", "b"]],
    [{ compatible: "x" }, ["c"]],
    [{ networkInterface: "eth0" }, ["a"]],
    [{ unguarded: true }, ["b", "c", "d"]],
    [{ unguarded: false }, ["a"]],
    [{ bus: "pci", driver: "e1000e", unguarded: true }, []],
  ])("%j means %j", async (wanted, found) => expect(await names(wanted)).toEqual(found));
});

it("all calls of a program for one connection share one look, which knows nothing of the filter", async () => {
  const list = vi.fn(async () => inventory);
  injectInventory(list);
  await Promise.all([names({ bus: "pci" }), names({ bus: "usb" }), known(getBoard({ connection }))]);
  await names({ bus: "platform" });
  expect(list).toHaveBeenCalledTimes(1);
  await known(getBoard({ connection: { ...connection, host: "other" } }));
  expect(list).toHaveBeenCalledTimes(2);
});

it("waits for inputs that are not known yet, and nothing of it is secret", async () => {
  injectInventory(async () => inventory);
  const secret = pulumi.secret(Promise.resolve("key"));
  const found = getDevices({ connection: { ...connection, privateKey: secret }, bus: pulumi.output("usb") });
  expect((await known(found)).map(({ name }) => name)).toEqual(["d"]);
  expect(await pulumi.isSecret(found)).toBe(false);
});

it("under mocks it is empty, and no board is asked", async () => {
  expect(await known(getBoard({ connection }))).toMatchObject({ devices: [], claims: [], journals: [] });
  expect(await names({})).toEqual([]);
  expect(dial).not.toHaveBeenCalled();
});

describe("a list that is none is refused", () => {
  const nonce = "abc";
  const board =
    "board protocol=1 boot=0f condition=quiet uid=0 machine=b0 uuid=- kernel=6.1 host=b serial=- state=/run/devbind writable=yes";
  const read = (...lines: string[]) => {
    const text = [board, ...lines, `end ${lines.length + 1}`].map((line) => `${nonce} ${line}\n`).join("");
    return inventoryOf(connectionSchema.parse({ host: "b" }), parseAnswer(text, nonce, "b", 100));
  };
  it("for a device without a name, a claim of nobody knows what, a journal in no known state", () => {
    expect(read("listed bus=pci name=a path=/sys/a").devices).toHaveLength(1);
    expect(() => read("listed bus=pci name=- path=/sys/a")).toThrow(DevbindError);
    expect(() => read("listed bus=pci name=a path=/sys/a kept=maybe")).toThrow(DevbindError);
    expect(() => read("claim is=other bus=pci device=a present=yes claimant=b driver=- override=- transaction=- kept=no")).toThrow(
      DevbindError,
    );
    expect(() => read("journal transaction=1 claimant=b is=new devices=-")).toThrow(DevbindError);
  });
});
