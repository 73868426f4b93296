import { describe, expect, test } from "vitest";
import { card, claims, clock, type DeviceName, driverOf, events, generator, otherCard, rebindByHand, seen, witness } from "./eyes";
import { type Arguments, connectionTo, inputsOf, onePass, outputsOf, type ProgramStack, saidOn, told, useLab } from "./lab";

const lab = useLab(["d4".repeat(16)]);
const edu: DeviceName = ["pci", "0000:00:03.0"];

const entry = ([bus, device]: DeviceName, driver: string | null, more: Arguments = {}) => ({ bus, device, driver, ...more });
const bench = (bindings: Record<string, Arguments>, more: Arguments = {}) => ({
  args: { connection: connectionTo(lab.board()), bindings, ...more },
});
const onBench = { edu: entry(edu, "vfio-pci"), clock: entry(clock, null) };
const asFound = ["e1000e", "(null)", "e1000e", "(null)", "", "(null)", "rtc-pl031", "(null)", "virtio-mmio", "(null)"];
const all = () => seen(lab.board(), card, otherCard, edu, clock, generator);

describe("many devices of one board", () => {
  let stack: ProgramStack;

  test("are bound as one, each known by its entry's name; an unchanged preview and up write nothing at all", async () => {
    stack = await lab.openProgram({ bench: bench(onBench) });
    await stack.up(onePass());
    expect(await seen(lab.board(), edu, clock)).toEqual(["vfio-pci", "vfio-pci", "", "(null)"]);
    const state = await stack.state();
    expect(outputsOf(state, "bench")).toMatchObject({
      devices: {
        edu: { currentDriver: "vfio-pci", previousDriver: null, deviceName: edu[1] },
        clock: { currentDriver: null, previousDriver: "rtc-pl031" },
      },
    });
    expect(JSON.stringify(state)).not.toContain("PRIVATE KEY");
    const before = await witness(lab.board());
    expect(told(await stack.preview())).toEqual(["bench: same"]);
    expect(told(await stack.up())).toContain("bench: same");
    expect(await witness(lab.board())).toBe(before);
  });

  test("touch only the device of the entry that is added, changed or removed", async () => {
    const before = Number(await events(lab.board()));
    const added = { ...onBench, card: entry(card, "vfio-pci") };
    await stack.write({ bench: bench(added) });
    const preview = await stack.preview({ extraArguments: ["--diff"] });
    expect(preview.stdout).toMatch(/~ bindings *: *\{\n *\+ card *: /);
    expect(preview.stdout).not.toMatch(/[~+-] (edu|clock)\b/);
    expect(told(await stack.up(onePass()))).toEqual(["bench: update bindings"]);
    expect(Number(await events(lab.board())) - before, "an unbind of a card with an interface, and a bind").toBeLessThan(12);
    const [card1, , , ...rest] = await all();
    expect([card1, rest.slice(1, 3)]).toEqual(["vfio-pci", ["vfio-pci", "vfio-pci"]]);

    await stack.write({ bench: bench({ ...added, card: entry(card, "pci-stub") }) });
    await stack.up(onePass());
    expect(await driverOf(lab.board(), card)).toBe("pci-stub");

    await stack.write({ bench: bench({ ...onBench, card: entry(otherCard, "vfio-pci") }) });
    await stack.up(onePass());
    expect(await seen(lab.board(), card, otherCard), "the old device is given back where the new one is bound").toEqual([
      ...["e1000e", "(null)"],
      ...["vfio-pci", "vfio-pci"],
    ]);

    await stack.write({ bench: bench(onBench) });
    await stack.up(onePass());
    expect(await seen(lab.board(), otherCard, edu, clock)).toEqual(["e1000e", "(null)", "vfio-pci", "vfio-pci", "", "(null)"]);
  });

  test("show the drift of each by its entry's name, and it is repaired", async () => {
    await rebindByHand(lab.board(), clock, "rtc-pl031");
    const preview = await stack.preview({ extraArguments: ["--diff"] });
    expect(told(preview)).toEqual(["bench: update drift"]);
    expect(preview.stdout).toMatch(/\+ drift *: *\{\n *\+ clock *: "driver is rtc-pl031, not none"/);
    const refreshed = (await stack.refresh(onePass())).steps.find(({ name }) => name === "bench");
    expect(refreshed?.operation).toBe("update");
    await stack.up(onePass());
    expect(await driverOf(lab.board(), clock)).toBe("");
    expect(told(await stack.preview())).toEqual(["bench: same"]);
  });

  test("are all as they were where one of them is refused, by the plan or by the kernel", async () => {
    const before = await all();
    await stack.write({
      bench: bench({ ...onBench, card: entry(card, "vfio-pci"), session: entry(["platform", "a003e00.virtio_mmio"], null) }),
    });
    const preview = await stack.preview({ expectFailure: true });
    expect(saidOn(preview, "bench")).toContainEqual(
      expect.stringMatching(/^error: bindings\.session\.device: The device carries the network card eth0, which carries this SSH session/),
    );
    await stack.write({ bench: bench({ ...onBench, card: entry(card, "vfio-pci"), generator: entry(generator, "fw_cfg") }) });
    const up = await stack.up(onePass({ expectFailure: true }));
    expect(saidOn(up, "bench").join()).toMatch(
      /Cannot bind a003c00\.virtio_mmio .* \(EBUSY\)\. .* is back with "virtio-mmio", and so are the other 3 devices/,
    );
    expect(await all()).toEqual(before);
    await stack.write({ bench: bench(onBench) });
    expect(told(await stack.up(onePass())), "nothing of the failed update is in the state").toEqual(["bench: same"]);
  });

  test("two entries that mean one device are refused in the preview, by both names", async () => {
    await stack.write({ bench: bench({ ...onBench, twin: entry(edu, "pci-stub") }) });
    const preview = await stack.preview({ expectFailure: true });
    expect(saidOn(preview, "bench").filter((text) => text.startsWith("error"))).toEqual([
      expect.stringContaining('bindings.edu.device: 0000:00:03.0 is bound by "twin" too.'),
      expect.stringContaining('bindings.twin.device: 0000:00:03.0 is bound by "edu" too.'),
    ]);
  });

  test("are given back by destroy, with no claim left", async () => {
    await stack.write({ bench: bench(onBench) });
    await stack.destroy();
    expect(await all()).toEqual(asFound);
    expect(await claims(lab.board())).toBe("");
  });
});

test("a device moves from a DeviceBinding into a BoardBindings and back, and nothing is written to it", async () => {
  const lone = (more: Arguments = {}) => ({ args: { connection: connectionTo(lab.board()), ...entry(card, "vfio-pci"), ...more } });
  const stack = await lab.openProgram({ lone: lone(), bench: bench(onBench) });
  await stack.up(onePass());
  const before = await events(lab.board());

  await stack.write({ bench: bench({ ...onBench, card: entry(card, "vfio-pci", { claimFrom: ["lone"] }) }) });
  expect(saidOn(await stack.preview(), "bench")).toEqual([]);
  await stack.up(onePass());
  expect(outputsOf(await stack.state(), "bench")).toMatchObject({ devices: { card: { previousDriver: "e1000e" } } });

  await stack.write({ lone: lone({ claimFrom: ["bench"] }), bench: { ...bench(onBench), after: ["lone"] } });
  await stack.up(onePass());
  expect(await events(lab.board())).toBe(before);
  expect(outputsOf(await stack.state(), "lone")).toMatchObject({ currentDriver: "vfio-pci", previousDriver: "e1000e" });
  expect(await driverOf(lab.board(), card)).toBe("vfio-pci");

  await stack.write({ lone: lone({ claimFrom: ["bench"] }), renamed: { ...bench(onBench), options: { aliases: [{ name: "bench" }] } } });
  expect(saidOn(await stack.preview(), "renamed")).toEqual([]);
  await stack.up(onePass());
  expect(await events(lab.board()), "a new name").toBe(before);
  expect(outputsOf(await stack.state(), "renamed")).toMatchObject({ devices: { clock: { previousDriver: "rtc-pl031" } } });

  await stack.destroy();
  expect([await all(), await claims(lab.board())]).toEqual([asFound, ""]);
});

test("a board that is off is left out where the program says so, and bound by the next up that finds it", async () => {
  const off = { ...connectionTo(lab.board()), port: 1, dialErrorLimit: 1 };
  const wish = { bus: edu[0], device: edu[1], driver: "vfio-pci", whenUnreachable: "skip" };
  const program = (connection: Arguments) => ({
    lone: { args: { ...wish, device: card[1], connection } },
    bench: { args: { connection, bindings: { edu: entry(edu, "vfio-pci") }, whenUnreachable: "skip" } },
  });
  const stack = await lab.openProgram(program(off));
  const up = await stack.up();
  expect(told(up)).toEqual(["bench: create", "bench: create", "lone: create", "lone: create"]);
  expect(up.messages.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^1 board gave no answer and was left out: root@127\.0\.0\.1:1\./),
  );
  expect(outputsOf(await stack.state(), "bench")).toMatchObject({ devices: {}, skipped: expect.stringContaining("127.0.0.1:1") });
  expect(told(await stack.up(onePass()))).toEqual(["bench: same", "lone: same"]);

  await stack.write(program(connectionTo(lab.board())));
  await stack.up(onePass());
  expect(await seen(lab.board(), card, edu)).toEqual(["vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci"]);
  expect(inputsOf(await stack.state(), "bench")).not.toHaveProperty("skipped");

  await stack.write(program(off));
  await stack.up(onePass());
  await stack.write(program(connectionTo(lab.board())));
  await stack.destroy();
  expect(await all(), "what was bound before the board was left out is given back").toEqual(asFound);
});
