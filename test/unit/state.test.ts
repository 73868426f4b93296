import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { boardBindingsType } from "../../provider/board-bindings";
import { deviceBindingType } from "../../provider/device-binding";
import { providerText } from "../../provider/resource";
import { check, diff } from "../../provider/runtime";
import { type Outputs, outputsSchema } from "../../provider/schema";
import { selectorSchema } from "../../provider/selector";
import { aBoard, aDevice } from "./made";

/**
 * State as it was recorded by every version that was released (`pulumi stack export`), under test/state/<version>/: it must be
 * previewed with no changes. `made-by-hand.json` is written after what provider/lifecycle gives; all others are an engine's own.
 */
const folder = join(__dirname, "../state");
const properties = z.record(z.string(), z.unknown());
const stateSchema = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), urn: z.string(), inputs: properties.default({}), outputs: properties.default({}) })),
  }),
});
const secretKey = "4dabf18193072939515e22adb298388d";

/** Secrets reach the provider in the clear; one that only its stack's passphrase opens becomes some text, the same everywhere. */
function inTheClear(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inTheClear);
  if (typeof value !== "object" || value === null) return value;
  const plaintext = secretKey in value && "plaintext" in value ? value.plaintext : undefined;
  if (secretKey in value) return typeof plaintext === "string" ? JSON.parse(plaintext) : "HUSH";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inTheClear(inner)]));
}

const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".json"));
const recordedOf = (resourceType: string) =>
  files.flatMap((file) =>
    stateSchema
      .parse(JSON.parse(readFileSync(join(folder, file), "utf8")))
      .deployment.resources.filter(({ type }) => type === resourceType)
      .map(({ urn, inputs, outputs }) => ({
        title: `${file}: ${urn.split("::").pop()}`,
        inputs: properties.parse(inTheClear(inputs)),
        outputs: properties.parse(inTheClear(outputs)),
      })),
  );
const recorded = recordedOf(deviceBindingType);
const recordedBoards = recordedOf(boardBindingsType);

/** What a look at the board finds while it is as the state says. */
function lookAt(outputs: Outputs, bus: unknown) {
  const { currentDriver: driver, driverOverride: override, deviceName: name, modalias, iommuGroup, vfioPath, sysfsPath } = outputs;
  const claim = { claimant: outputs.claimant, driver: outputs.previousDriver, override: outputs.previousOverride };
  return {
    lookedAt: "2030-01-01T00:00:00.000Z",
    board: aBoard({ boardId: outputs.boardId, bootId: outputs.bootId }),
    device: aDevice({ bus: String(bus), name, driver, override, modalias, iommuGroup, vfioPath, sysfsPath, claim }),
  };
}

/** The same of a whole board; a device that is chosen by a selector is told with it. */
function lookAtBoard(inputs: Record<string, unknown>, changed: Record<string, Partial<Outputs>> = {}) {
  const { bindings, outputs } = z
    .object({ bindings: z.record(z.string(), properties), outputs: z.record(z.string(), outputsSchema) })
    .parse(inputs);
  const looks = Object.entries(bindings).map(([entry, { bus, device }]) => {
    const { board, device: seen } = lookAt({ ...outputsSchema.parse(outputs[entry]), ...changed[entry] }, bus);
    const selector = selectorSchema.safeParse(device).data ?? null;
    return [entry, { board, device: { ...seen, selector } }] as const;
  });
  const devices = Object.fromEntries(looks.map(([entry, { device }]) => [entry, device]));
  return { lookedAt: "2030-01-01T00:00:00.000Z", board: looks[0]?.[1].board, devices };
}

const isOurs = (key: string): boolean => !["boardId", "drift", "deviceNames", "observed"].includes(key);
/** What the same program gives today for a resource: its inputs, without what check adds. */
const program = (inputs: Record<string, unknown>) => Object.fromEntries(Object.entries(inputs).filter(([key]) => isOurs(key)));

describe("recorded state of every version", () => {
  it("is there, each resource with the frozen text of its provider", () => {
    expect(recorded.length).toBeGreaterThanOrEqual(4);
    for (const { inputs, outputs } of recorded) expect([inputs.__provider, outputs.__provider]).toEqual([providerText, providerText]);
  });

  it.each(recorded)("is previewed with no change: $title", async ({ inputs, outputs }) => {
    const live = outputsSchema.parse(outputs);
    const news = { ...program(inputs), observed: lookAt(live, inputs.bus) };
    const checked = await check(inputs, news);
    expect(checked.failures).toEqual([]);
    expect(checked.inputs).not.toHaveProperty("drift");
    expect({ ...checked.inputs, __provider: inputs.__provider }).toMatchObject({ ...program(inputs), boardId: live.boardId });
    expect(await diff("id", outputs, checked.inputs)).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
  });

  it.each(recorded)("is refreshed with no change: $title", async ({ inputs, outputs }) => {
    expect(await diff("id", outputs, inputs)).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
  });

  it.each(recorded)("is not taken for right when the device has moved: $title", async ({ inputs, outputs }) => {
    const log = vi.spyOn(console, "log").mockReturnValue(undefined);
    const live = outputsSchema.parse(outputs);
    const observed = lookAt({ ...live, currentDriver: "another" }, inputs.bus);
    const checked = await check(inputs, { ...program(inputs), observed });
    const isReport = inputs.onDrift === "report";
    expect(log.mock.calls).toHaveLength(isReport ? 1 : 0);
    log.mockRestore();
    expect("drift" in checked.inputs).toBe(!isReport);
    expect((await diff("id", outputs, checked.inputs)).changes).toBe(!isReport);
  });
});

describe("recorded state of whole boards", () => {
  it("is there, as it was created and as it is after a drift, with the frozen text of its provider", () => {
    expect(recordedBoards.filter(({ outputs }) => "drift" in outputs).length).toBeGreaterThanOrEqual(1);
    expect(recordedBoards.length).toBeGreaterThanOrEqual(2);
    for (const { inputs, outputs } of recordedBoards) expect([inputs.__provider, outputs.__provider]).toEqual([providerText, providerText]);
  });

  it.each(recordedBoards)("is previewed and refreshed with no change: $title", async ({ inputs, outputs }) => {
    const observed = lookAtBoard({ ...inputs, outputs: outputs.devices });
    const checked = await check(inputs, { ...program(inputs), observed });
    expect(checked.failures).toEqual([]);
    expect(checked.inputs).not.toHaveProperty("drift");
    expect(checked.inputs.deviceNames).toEqual(inputs.deviceNames);
    expect(await diff("id", outputs, checked.inputs)).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
    expect(await diff("id", outputs, inputs)).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
  });

  it.each(recordedBoards)("tells by its entry which device has moved: $title", async ({ inputs, outputs }) => {
    const observed = lookAtBoard({ ...inputs, outputs: outputs.devices }, { card: { currentDriver: "another" } });
    const checked = await check(inputs, { ...program(inputs), observed });
    expect(checked.inputs.drift).toEqual({ card: "driver is another, not vfio-pci" });
    expect((await diff("id", outputs, checked.inputs)).changes).toBe(true);
  });
});
