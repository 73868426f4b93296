import { afterEach, describe, expect, it } from "vitest";
import { DevbindError, type ErrorKind } from "../../provider/errors";
import { injectLook, type Look, looks, observe } from "../../provider/look";
import type { LookItem } from "../../provider/transaction";
import { aBinding, aBoard, aDevice, connection } from "./made";

interface Call {
  host: string;
  items: LookItem[];
}

/** A look that answers each device with its own name after some time, and writes down what it was asked. */
function recorded(milliseconds = 0): { calls: Call[]; most: () => number } {
  const calls: Call[] = [];
  let [running, most] = [0, 0];
  const look: Look = async ({ host }, items) => {
    calls.push({ host, items });
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    running -= 1;
    return { board: aBoard({ hostName: host }), devices: items.map(({ device }) => aDevice({ name: String(device) })) };
  };
  injectLook(look);
  return { calls, most: () => most };
}

const binding = (device: string, host = "b") => aBinding({ device, connection: { ...connection, host } });
const devices = Array.from({ length: 20 }, (_, index) => `0000:00:${String(index).padStart(2, "0")}.0`);

afterEach(() => injectLook(undefined));

describe("a program's looks", () => {
  it("at 20 devices of one board travel together, and each gets its own answer", async () => {
    const { calls } = recorded();
    const observed = await Promise.all(devices.map((device) => observe(binding(device))));
    expect(calls.map(({ items }) => items.length)).toEqual([20]);
    expect(observed.map(({ device }) => device?.name)).toEqual(devices);
    expect(new Set(observed.map(({ board }) => board?.hostName))).toEqual(new Set(["b"]));
  });

  it("ask for bus, device, driver and the module that would bring it", async () => {
    const { calls } = recorded();
    await Promise.all([
      observe(aBinding()),
      observe(aBinding({ driver: null })),
      observe(aBinding({ module: "vfio_x" })),
      observe(aBinding({ module: false })),
    ]);
    const one = { bus: "pci", device: "0000:00:02.0", driver: "vfio-pci" };
    expect(calls[0]?.items).toEqual([
      { ...one, module: "vfio-pci" },
      { ...one, driver: null, module: null },
      { ...one, module: "vfio_x" },
      { ...one, module: null },
    ]);
  });

  it("at 30 boards that take 300 ms each are made at once", async () => {
    const { calls, most } = recorded(300);
    const start = Date.now();
    const observed = await Promise.all(Array.from({ length: 30 }, (_, index) => observe(binding("a", `board-${index}`))));
    expect(Date.now() - start).toBeLessThan(3000);
    expect([calls.length, most()]).toEqual([30, 30]);
    expect(observed.map(({ board }) => board?.hostName)).toEqual(Array.from({ length: 30 }, (_, index) => `board-${index}`));
  });

  it("at very many boards wait in a queue, and none is forgotten", async () => {
    const { calls, most } = recorded(20);
    await Promise.all(Array.from({ length: 200 }, (_, index) => observe(binding("a", `board-${index}`))));
    expect(calls).toHaveLength(200);
    expect(most()).toBeLessThanOrEqual(65);
  });

  it("with other credentials go by themselves", async () => {
    const { calls } = recorded();
    await Promise.all([observe(binding("a")), observe(aBinding({ connection: { ...connection, host: "b", privateKey: "ANOTHER" } }))]);
    expect(calls).toHaveLength(2);
  });

  it("later are looks of their own", async () => {
    const { calls } = recorded();
    const first = await observe(binding("a"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await observe(binding("a"));
    expect(calls).toHaveLength(2);
    expect(Date.parse(second.lookedAt)).toBeGreaterThan(Date.parse(first.lookedAt));
  });
});

const kinds: [kind: ErrorKind, isCertain: boolean][] = [
  ["unreachable", false],
  ["protocol", false],
  ["stuck", false],
  ["busy", false],
  ["invalid", true],
  ["untrusted", true],
  ["denied", true],
];

describe("a look never rejects:", () => {
  it.each(kinds)("an error %s is an answer (certain: %s)", async (kind, isCertain) => {
    injectLook(() => Promise.reject(new DevbindError(kind, { failed: "A.", now: "B.", todo: "C." })));
    const [one, other] = await Promise.all([observe(binding("a")), observe(binding("b"))]);
    expect(one).toMatchObject({ unreachable: "A. B. C.", isCertain });
    expect(other).toEqual(one);
    expect([one.board, one.device]).toEqual([undefined, undefined]);
  });

  it.each<[string, Look, string]>([
    [
      "a thrown error",
      () => {
        throw new Error("sudden");
      },
      "sudden",
    ],
    ["a thrown word", () => Promise.reject("odd"), "odd"],
  ])("%s is an answer that is not certain", async (_, look, words) => {
    injectLook(look);
    expect(await observe(binding("a"))).toMatchObject({ unreachable: words, isCertain: false });
  });

  it("one board that fails spoils no other", async () => {
    const fine = { board: aBoard(), devices: [aDevice()] };
    injectLook(({ host }) => (host === "off" ? Promise.reject(new Error("off")) : Promise.resolve(fine)));
    const [off, on] = await Promise.all([observe(binding("a", "off")), observe(binding("a", "on"))]);
    expect([off.unreachable, on.unreachable, on.device?.isPresent]).toEqual(["off", undefined, true]);
  });
});

describe("whether a program looks", () => {
  it("is no where there is no engine, and yes where a look was injected", () => {
    expect(looks()).toBe(false);
    recorded();
    expect(looks()).toBe(true);
    injectLook(undefined);
    expect(looks()).toBe(false);
  });
});
