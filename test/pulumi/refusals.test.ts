import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeKey } from "../ssh/keys";
import { startServer } from "../ssh/server";
import { card, claims, driverOf, generator, otherCard, seen, witness } from "./eyes";
import { type Arguments, type Bindings, connectionTo, onePass, saidOn, told, useLab } from "./lab";

const lab = useLab(["c1".repeat(16), "c2".repeat(16)]);

describe("inputs that can't be right", () => {
  const unnameable =
    'must be letters, digits, spaces and "._:,@+=!%-", without "..", not starting with a space, dot or dash, nor ending with a space';
  const encrypted = makeKey("ed25519", "a passphrase").privateKey;

  /** What is wrong in each binding, and the start of what is said on it. */
  const wrong: Record<string, { args?: Arguments; connection?: Arguments; says: string }> = {
    "empty-name": { args: { device: "" }, says: "device must not be empty" },
    "long-name": { args: { device: "x".repeat(256) }, says: "device must not be longer than 255 bytes" },
    slash: { args: { device: "../../etc" }, says: `device ${unnameable}` },
    dots: { args: { driver: ".." }, says: `driver ${unnameable}` },
    newline: { args: { device: "a\nb" }, says: `device ${unnameable}` },
    shell: { args: { bus: "$(reboot)" }, says: `bus ${unnameable}` },
    "null-driver": { args: { driver: "(null)" }, says: "driver is no driver's name; null keeps the device without a driver" },
    "no-driver": { args: { driver: undefined }, says: "driver is missing; null keeps the device without a driver" },
    port: { connection: { port: 65536 }, says: "connection.port must be from 1 to 65535" },
    "key-file": {
      connection: { privateKey: undefined, privateKeyPath: "keys/nobody" },
      says: "Cannot use connection.privateKeyPath (",
    },
    passphrase: {
      connection: { privateKey: encrypted },
      says: "Cannot use connection.privateKey for",
    },
    later: { args: { stateDirectory: "/data" }, says: "stateDirectory is not built yet in this version" },
    unknown: { args: { drivers: "vfio-pci" }, says: 'inputs does not know "drivers"' },
  };

  test("are errors in the preview, on each resource by the property's name, and nothing is sent to any board", async () => {
    const key = makeKey();
    const server = await startServer({ publicKeys: [key.publicKey] });
    try {
      const connection = { host: "127.0.0.1", port: server.port, privateKey: key.privateKey, hostKey: server.hostKey };
      const good = { bus: "pci", device: "0000:00:01.0", driver: "vfio-pci" };
      const bindings = Object.entries(wrong).map(
        ([name, one]) => [name, { args: { ...good, ...one.args, connection: { ...connection, ...one.connection } } }] as const,
      );
      const stack = await lab.openProgram(Object.fromEntries(bindings));
      const preview = await stack.preview({ expectFailure: true });
      const said = Object.keys(wrong).map((name) => [name, saidOn(preview, name)]);
      const expected = Object.entries(wrong).map(([name, { says }]) => [name, [expect.stringContaining(`error: ${says}`)]]);
      expect(Object.fromEntries(said)).toEqual(Object.fromEntries(expected));
      expect(preview.messages.every(({ text }) => /[^.]\. Nothing was sent to the board\./.test(text))).toBe(true);
      expect(told(preview)).toEqual(
        Object.keys(wrong)
          .map((name) => `${name}: create`)
          .sort(),
      );
      expect(preview.messages).toHaveLength(Object.keys(wrong).length);
      expect(server.connections).toBe(0);
    } finally {
      await server.close();
    }
  });
});

describe("what a board can't or shall not do", () => {
  const binding = ([bus, device]: readonly [string, string], driver: string | null, index = 0) => ({
    args: { connection: connectionTo(lab.board(index)), bus, device, driver },
  });
  const possible = (): Bindings => ({
    card: binding(card, "vfio-pci"),
    "no-device": binding(["pci", "0000:00:1f.7"], "vfio-pci"),
    "no-driver": binding(otherCard, "no-such-driver"),
  });
  const session = ["platform", "a003e00.virtio_mmio"] as const;

  test("the session's card is refused in the preview on its resource, all are shown, and up stops before it touches anything", async () => {
    const stack = await lab.openProgram({ ...possible(), session: binding(session, null) });
    const before = await witness(lab.board());
    for (const operation of [stack.preview, stack.up]) {
      const result = await operation({ expectFailure: true });
      expect(told(result)).toEqual(["card: create", "no-device: create", "no-driver: create", "session: create"]);
      expect(result.steps.every(({ pass }) => pass === "preview")).toBe(true);
      const carries = /^error: device: The device carries the network card \S+, which carries this SSH session/;
      expect(saidOn(result, "session")).toEqual([expect.stringMatching(carries)]);
      expect(saidOn(result, "card")).toEqual([]);
    }
    expect(await witness(lab.board())).toBe(before);
  });

  test("a device or a driver that isn't there is a warning in the preview, and fails only its own resource in up", async () => {
    const stack = await lab.openProgram(possible());
    const preview = await stack.preview();
    expect(saidOn(preview, "no-device")).toEqual([
      expect.stringMatching(/^warning: Not there yet: device: The bus pci has no device "0000:00:1f.7" \(there are "0000:00:0/),
    ]);
    expect(saidOn(preview, "no-driver")).toEqual([
      expect.stringMatching(/^warning: Not there yet: driver: The bus pci has no driver "no-such-driver"/),
    ]);
    const up = await stack.up(onePass({ expectFailure: true, extraArguments: ["--continue-on-error"] }));
    expect(told(up)).toEqual(["card: create", "no-device: failed create", "no-driver: failed create"]);
    expect(saidOn(up, "no-device")).toEqual([expect.stringContaining('has no device "0000:00:1f.7"')]);
    expect(saidOn(up, "no-driver")).toEqual([expect.stringContaining("Nothing was written.")]);
    expect(await seen(lab.board(), card, otherCard)).toEqual(["vfio-pci", "vfio-pci", "e1000e", "(null)"]);
    await stack.destroy(onePass());
  });

  test("a board that is off is a warning in the preview, and spoils only its own resources in up", async () => {
    await lab.board(1).powerOff();
    const stack = await lab.openProgram({
      card: binding(card, "vfio-pci"),
      "off-card": binding(card, "vfio-pci", 1),
      generator: binding(generator, null),
      "off-generator": binding(generator, null, 1),
    });
    const preview = await stack.preview();
    for (const name of ["off-card", "off-generator"]) {
      expect(saidOn(preview, name)).toEqual([
        expect.stringMatching(/^warning: Cannot reach root@127\.0\.0\.1:\d+: .* The preview goes on without a look at this board\.$/s),
      ]);
    }
    const up = await stack.up(onePass({ expectFailure: true, extraArguments: ["--continue-on-error"] }));
    expect(told(up)).toEqual(["card: create", "generator: create", "off-card: failed create", "off-generator: failed create"]);
    expect(await seen(lab.board(), card, generator)).toEqual(["vfio-pci", "vfio-pci", "", "(null)"]);
    await stack.destroy(onePass());
  });

  test("a host key that is unknown, changed or not the given one is an error in the preview", async () => {
    const { hostKey, ...address } = connectionTo(lab.board());
    const other = makeKey().publicKey;
    const wish = { bus: card[0], device: card[1], driver: "vfio-pci" };
    const stack = await lab.openProgram({
      unknown: { args: { ...wish, connection: { ...address, knownHosts: "nobody" } } },
      changed: { args: { ...wish, connection: { ...address, knownHosts: "changed" } } },
      given: { args: { ...wish, connection: { ...address, hostKey: other } } },
      known: { args: { ...wish, connection: { ...address, knownHosts: "known" } } },
    });
    await writeFile(join(stack.folder, "changed"), `[127.0.0.1]:${address.port} ${other}\n`);
    await writeFile(join(stack.folder, "known"), `[127.0.0.1]:${address.port} ${hostKey}\n`);
    const preview = await stack.preview({ expectFailure: true });
    const start = `error: The host key of root@127.0.0.1:${address.port}`;
    expect(saidOn(preview, "unknown")).toEqual([expect.stringContaining(`${start} is not known`)]);
    expect(saidOn(preview, "changed")).toEqual([expect.stringContaining(`${start} has changed`)]);
    expect(saidOn(preview, "given")).toEqual([expect.stringContaining(`${start} is not the one in connection.hostKey`)]);
    expect(saidOn(preview, "known")).toEqual([]);
  });
});

describe("a device that another stack has claimed", () => {
  const binding = (driver: string, force = false): Bindings => ({
    card: { args: { connection: connectionTo(lab.board()), bus: card[0], device: card[1], driver, force } },
  });

  test("is refused with that stack's name; force takes it over, and the first stack's destroy leaves it alone", async () => {
    const first = await lab.openProgram(binding("vfio-pci"));
    await first.up(onePass());
    const second = await lab.openProgram(binding("pci-stub"));
    const refused = await second.preview({ expectFailure: true });
    expect(saidOn(refused, "card")).toEqual([
      expect.stringContaining(`error: device: The device is claimed by organization/devbind-bindings/${first.name}/card.`),
    ]);
    await second.write(binding("pci-stub", true));
    await second.up(onePass());
    expect(await driverOf(lab.board(), card)).toBe("pci-stub");
    const before = await witness(lab.board());
    await first.destroy(onePass());
    expect(await witness(lab.board())).toBe(before);
    await second.destroy(onePass());
    expect(await claims(lab.board())).toBe("");
  });
});
