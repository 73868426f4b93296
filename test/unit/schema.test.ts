import type { types } from "@pulumi/command";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { DeviceBindingArgs } from "../../provider/device-binding";
import { bindingSchema, connectionFields, connectionSchema, outputsSchema, type Problem, validate } from "../../provider/schema";
import { connection, wishes } from "./made";

const problems = (changed: Record<string, unknown>): Problem[] => validate(wishes(changed)).problems;
const connected = (changed: Record<string, unknown>) => problems({ connection: { ...connection, ...changed } });

/** Every input that DESIGN names, with a value that an update would take, or the word by which this version refuses it. */
const inputs: [name: string, value: unknown, refusal?: string][] = [
  ["bus", "platform"],
  ["device", "12ce0000.i2c"],
  ["device", { compatible: "arm,pl031" }],
  ["driver", "vfio-platform"],
  ["driver", null],
  ["strategy", "auto"],
  ["strategy", "override"],
  ["strategy", "bind"],
  ["strategy", "new-id"],
  ["newIdMayClaim", ["0000:00:03.0"]],
  ["module", "vfio_platform"],
  ["module", false],
  ["moduleParameters", { reset_required: "0", "vfio.enable_unsafe_noiommu_mode": "1" }],
  ["triggers", ["a", 1, { b: [true, null] }]],
  ["expect", { modalias: "of:*", compatible: "arm,pl031", pciId: "8086:10d3" }],
  ["wholeIommuGroup", false],
  ["wholeIommuGroup", true],
  ["wholeSlot", true],
  ["claimFrom", ["card", "organization/lab/dev/card"]],
  ["onDelete", "restore"],
  ["onDelete", "unbind"],
  ["onDelete", "probe"],
  ["onDelete", "keep"],
  ["onDrift", "repair"],
  ["onDrift", "report"],
  ["persist", false],
  ["persist", true],
  ["force", true],
  ["confirmSeconds", 60],
  ["afterRebind", ["ifup", "eth0"]],
  ["timeoutSeconds", 30],
  ["whenUnreachable", "error"],
  ["whenUnreachable", "skip"],
  ["deleteUnreachable", true],
  ["claimAs", "the lab's owner"],
  ["stateDirectory", "/data/devbind", "is not built yet in this version"],
];

const fields: [name: string, value: unknown, refusal?: string][] = [
  ["host", "fe80::1%eth0"],
  ["port", 65535],
  ["user", "admin"],
  ["password", "p"],
  ["privateKey", "K"],
  ["privateKeyPassword", "p"],
  ["privateKeyPath", "~/.ssh/id_ed25519"],
  ["agentSocketPath", "/run/agent"],
  ["dialErrorLimit", -1],
  ["perDialTimeout", 0],
  ["hostKey", "ssh-ed25519 AAAA"],
  ["proxy", { host: "gate", port: 2222, user: "jump", password: "p" }],
  ["knownHosts", "known_hosts"],
  ["knownHosts", ["a", "b"]],
  ["hostKeyChecking", "strict"],
  ["hostKeyChecking", "accept-new"],
  ["hostKeyChecking", "off"],
  ["configFile", "~/.ssh/config"],
  ["jumps", [{ host: "gate" }, { host: "second", port: 2222, user: "jump", password: "p" }]],
  ["become", "sudo"],
  ["become", "doas"],
  ["become", "su"],
  ["becomePassword", "p", "is for `become`, which is not set"],
];

describe("every input of the design is known:", () => {
  it.each(inputs)("%s: %j", (name, value, refusal) => {
    const found = problems({ [name]: value });
    expect(found.map(({ property }) => property)).toEqual(refusal ? [name] : []);
    if (refusal) expect(found[0]?.message).toContain(refusal);
  });

  it.each(fields)("connection.%s: %j", (name, value, refusal) => {
    const found = connected({ [name]: value });
    expect(found.map(({ property }) => property)).toEqual(refusal ? [`connection.${name}`] : []);
    if (refusal) expect(found[0]?.message).toContain(refusal);
  });

  it("and the lists above leave none out", () => {
    const named = ["connection", "claimant", ...inputs.map(([name]) => name)];
    expect(Object.keys(bindingSchema.shape).filter((name) => !named.includes(name))).toEqual([]);
    expect(Object.keys(connectionFields).filter((name) => !fields.some(([field]) => field === name))).toEqual([]);
  });

  it("and what is not built is refused in words that do not say the input's name twice", () => {
    const refused = [...inputs.filter(([, , refusal]) => refusal), ...fields.filter(([, , refusal]) => refusal)];
    const sentences = refused.flatMap(([name, value]) =>
      [...problems({ [name]: value }), ...connected({ [name]: value })]
        .filter(({ message }) => message.includes("not built"))
        .map(({ property, message }) => [property.split(".").pop() ?? "", `${property} ${message}`]),
    );
    expect(sentences.length).toBeGreaterThan(0);
    for (const [name = "", sentence] of sentences) expect(sentence).not.toMatch(new RegExp(`${name} ${name}\\b`));
  });
});

describe("defaults", () => {
  it("are those of the design, and of @pulumi/command for a connection", () => {
    const { connection: of, ...binding } = bindingSchema.parse({ connection: { host: "b" }, bus: "pci", device: "d" });
    expect(of).toEqual({ host: "b", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15, hostKeyChecking: "strict" });
    expect(binding).toEqual({
      bus: "pci",
      device: "d",
      driver: null,
      strategy: "auto",
      triggers: [],
      wholeIommuGroup: false,
      wholeSlot: false,
      onDelete: "restore",
      onDrift: "repair",
      persist: false,
      force: false,
      timeoutSeconds: 30,
      whenUnreachable: "error",
      deleteUnreachable: false,
      claimant: "unknown",
    });
  });

  it("hold for a proxy too", () => {
    const { proxy } = connectionSchema.parse({ host: "b", proxy: { host: "gate" } });
    expect(proxy).toEqual({ host: "gate", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 });
  });
});

describe("nulls and undefineds", () => {
  it("are missing, at every depth", () => {
    const { binding } = validate(
      wishes({ strategy: null, module: null, triggers: undefined, connection: { host: "b", port: null, proxy: null } }),
    );
    expect(binding).toMatchObject({ strategy: "auto", triggers: [], connection: { host: "b", port: 22 } });
    expect(binding?.module).toBeUndefined();
    expect(binding?.connection.proxy).toBeUndefined();
    expect(problems({ bus: null })).toEqual([{ property: "bus", message: "is missing" }]);
  });
});

describe("what an output is called", () => {
  it("is what the design says", () => {
    expect(Object.keys(outputsSchema.shape)).toEqual([
      "currentDriver",
      "previousDriver",
      "previousOverride",
      "driverOverride",
      "deviceName",
      "modalias",
      "iommuGroup",
      "groupViable",
      "groupBlockers",
      "vfioPath",
      "sysfsPath",
      "boardId",
      "bootId",
      "claimant",
      "siblings",
      "skipped",
    ]);
  });
});

describe("a connection of @pulumi/command", () => {
  it("works here as it is", () => {
    expectTypeOf<types.input.remote.ConnectionArgs>().toExtend<DeviceBindingArgs["connection"]>();
    const all: Required<types.input.remote.ConnectionArgs> = {
      host: "b",
      port: 22,
      user: "root",
      password: "p",
      privateKey: "K",
      privateKeyPassword: "p",
      agentSocketPath: "/run/agent",
      dialErrorLimit: 10,
      perDialTimeout: 15,
      hostKey: "ssh-ed25519 AAAA",
      proxy: {
        host: "gate",
        port: 22,
        user: "root",
        password: "p",
        privateKey: "K",
        privateKeyPassword: "p",
        agentSocketPath: "/a",
        dialErrorLimit: 10,
        perDialTimeout: 15,
        hostKey: "ssh-ed25519 AAAA",
      },
    };
    expect(problems({ connection: all })).toEqual([]);
  });
});
