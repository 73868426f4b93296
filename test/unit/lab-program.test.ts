import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { Lab, type LabArgs } from "../../provider";
import { boardBindingsType } from "../../provider/board-bindings";
import { labType } from "../../provider/lab";

/** What the program sends to the engine, secrets as the engine gets them; under mocks, so no board is asked. */
const registered = new Map<string, { type: string; inputs: Record<string, unknown>; parent: string }>();
const register = MockMonitor.prototype.registerResource;
vi.spyOn(MockMonitor.prototype, "registerResource").mockImplementation(function (this: MockMonitor, request, callback) {
  const inputs = request.getObject().toJavaScript();
  registered.set(request.getName(), { type: request.getType(), inputs, parent: request.getParent() });
  return register.call(this, request, callback);
});
const error = vi.spyOn(pulumi.log, "error").mockResolvedValue(undefined);
let folder = "";
let exitCode: typeof process.exitCode;

beforeAll(async () => {
  const mocks = {
    call: () => ({}),
    newResource: ({ name, inputs }: pulumi.runtime.MockResourceArgs) => ({ id: `${name}-id`, state: inputs }),
  };
  await pulumi.runtime.setMocks(mocks, "lab", "dev", true, "organization");
  folder = mkdtempSync(join(tmpdir(), "devbind-lab-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  exitCode = process.exitCode;
  process.exitCode = 0;
  error.mockClear();
  registered.clear();
  vi.stubEnv("LAB_PASSWORD", "from-environment");
  pulumi.runtime.setAllConfig({ "lab:labPassword": "from-config" });
});
afterEach(() => {
  process.exitCode = exitCode;
  vi.unstubAllEnvs();
});

const text = `
defaults: { connection: { hostKeyChecking: "off", password: { config: labPassword } } }
boards:
  a:
    tags: [arm]
    connection: { host: a, proxy: { host: gate, password: { env: LAB_PASSWORD } } }
    bindings: { card: { bus: pci, device: "0000:00:02.0", driver: vfio-pci } }
  b:
    connection: { host: b }
    bindings: { keys: { bus: platform, device: gpio-keys, driver: null } }
  listed: { connection: { host: c } }
`;

async function made(args: Partial<LabArgs> = {}, written = text): Promise<Lab> {
  writeFileSync(join(folder, "lab.yaml"), written);
  const lab = new Lab("bench", { file: join(folder, "lab.yaml"), ...args });
  await Promise.all([lab, ...Object.values(lab.boards)].map(({ urn }) => new Promise((resolve) => urn.apply(resolve))));
  return lab;
}

const said = () => error.mock.calls.map(([words]) => words);

it("a lab is one BoardBindings for each board that has bindings, below the component, with secrets where the file names them", async () => {
  const lab = await made();
  expect(Object.keys(lab.boards)).toEqual(["a", "b"]);
  expect([...registered].map(([name, { type }]) => [name, type]).sort()).toEqual([
    ["bench", labType],
    ["bench-a", boardBindingsType],
    ["bench-b", boardBindingsType],
  ]);
  const a = registered.get("bench-a");
  expect(a?.parent).toBe(`urn:pulumi:dev::lab::${labType}::bench`);
  expect(a?.inputs).toMatchObject({
    claimant: "organization/lab/dev/bench-a",
    bindings: { card: { bus: "pci", device: "0000:00:02.0", driver: "vfio-pci" } },
    connection: { host: "a", hostKeyChecking: "off" },
  });
  expect(registered.get("bench-b")?.inputs).toMatchObject({ bindings: { keys: { driver: null } } });
  const secret = (value: string) => expect.objectContaining({ value });
  expect(a?.inputs.connection).toMatchObject({
    password: secret("from-config"),
    proxy: { host: "gate", password: secret("from-environment") },
  });
  expect(process.exitCode).toBe(0);
});

it("boards and tags choose; a board that the file has not, and tags that leave none, are errors", async () => {
  expect(Object.keys((await made({ tags: ["arm"] })).boards)).toEqual(["a"]);
  expect(Object.keys((await made({ boards: ["b"] })).boards)).toEqual(["b"]);
  expect(Object.keys((await made({ boards: ["b", "x"] })).boards)).toEqual([]);
  expect(Object.keys((await made({ tags: ["arm", "amr"] })).boards)).toEqual([]);
  expect(Object.keys((await made({ tags: ["arm", "b"] }, text.replace("  b:\n", "  b:\n    tags: [b]\n"))).boards)).toEqual([]);
  expect(said().map((words) => words.replace(folder, ""))).toEqual([
    "/lab.yaml has no board x.",
    "/lab.yaml has no board with the tag amr.",
    "/lab.yaml has no board with the tag arm and the tag b.",
  ]);
  expect(process.exitCode).toBe(32);
});

it("a file that can't be right is told line by line, ends the program with 32, and no board is made", async () => {
  const lab = await made({}, text.replace("driver: vfio-pci", "drivr: vfio-pci").replace("host: b", "port: 22"));
  expect(Object.keys(lab.boards)).toEqual([]);
  expect(said().map((words) => words.replace(folder, ""))).toEqual([
    "/lab.yaml:7:23: boards.a.bindings.card.driver is missing; null keeps the device without a driver.",
    '/lab.yaml:7:66: boards.a.bindings.card does not know "drivr".',
    "/lab.yaml:9:17: boards.b.connection.host is missing.",
  ]);
  expect(process.exitCode).toBe(32);
});

it("a secret that nobody knows is an error that says how to set it, and no board is made", async () => {
  pulumi.runtime.setAllConfig({});
  vi.stubEnv("LAB_PASSWORD", undefined);
  expect(Object.keys((await made({ boards: ["a"] })).boards)).toEqual([]);
  expect(said().map((words) => words.replace(folder, ""))).toEqual([
    "/lab.yaml: boards.a.connection names a secret that Pulumi's config has not. Run pulumi config set --secret labPassword.",
    "/lab.yaml: boards.a.connection names a variable that the environment has not. Set LAB_PASSWORD.",
  ]);
  expect(process.exitCode).toBe(32);
});
