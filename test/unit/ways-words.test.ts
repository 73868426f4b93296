import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { applyItems } from "../../provider/board/board";
import { offersOf } from "../../provider/board/offers";
import { requestLine } from "../../provider/board/protocol";
import { DevbindError, type OutcomeWords, undoneError } from "../../provider/errors";
import { judge } from "../../provider/judge";
import { validate } from "../../provider/schema";
import type { Transaction } from "../../provider/transaction";
import { aBinding, aLook, wishes } from "./made";

const words = (changed: Partial<OutcomeWords>): OutcomeWords => ({
  deed: "bind",
  device: "spi0.0",
  address: "board-7",
  wish: '"spidev"',
  problem: "module",
  step: "module",
  kernel: null,
  stateNow: 'is back with "mtd"',
  isOverridden: false,
  lost: "",
  after: null,
  confirmSeconds: null,
  ...changed,
});
const kmod = (why: string) => `modprobe: ERROR: could not insert 'spidev': ${why}`;
const busybox = (why: string) => `modprobe: can't load module spidev (kernel/spidev.ko): ${why}`;

const signed = "The kernel takes only modules that are signed with a key that it knows: sign the module, or give its key to the kernel.";
const locked =
  "The kernel lets nobody load this module: locked down (as under secure boot) it takes signed ones only, and none once kernel.modules_disabled is set.";
const otherKernel = "The module was built for another kernel than the one that runs: install the one that belongs to it.";
const missing = "Install modprobe, or the module for the running kernel, or name another `module`.";
const wants = "It may want a parameter (`moduleParameters`), or hardware that is not there; `dmesg` on the board may say which.";

describe("a module that does not load comes with what to do:", () => {
  it.each([
    ["a signature with an unknown key", kmod("Required key not available"), signed],
    ["a signature that is wrong", kmod("Key was rejected by service"), signed],
    ["the same in busybox", busybox("Key was rejected by service"), signed],
    ["lockdown", kmod("Operation not permitted"), locked],
    ["another kernel's module", kmod("Exec format error"), otherKernel],
    ["the same in busybox", busybox("invalid module format"), otherKernel],
    ["a module that is not there", "modprobe: FATAL: Module spidev not found in directory /lib/modules/6.1.0-9-arm64", missing],
    ["the same in busybox", "modprobe: module spidev not found in modules.dep", missing],
    ["a board without modprobe", "sh: 1: modprobe: not found", missing],
    ["a module that wants a parameter", kmod("Invalid argument"), wants],
    ["one that does not find what it is for", kmod("No such device"), wants],
    ["anything else", kmod("Cannot allocate memory"), "See `dmesg` on the board, or name another `module`."],
  ])("%s", (_, kernel, todo) => expect(undoneError(words({ kernel })).words.todo).toBe(todo));

  it("quotes the kernel's log", () => {
    const log = "[   12.3] Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7";
    expect(undoneError(words({ kernel: kmod("Operation not permitted"), log })).words.failed).toBe(
      `Cannot bind spi0.0 on board-7 to "spidev": modprobe failed: "${kmod("Operation not permitted")}"; the kernel's log says "${log}".`,
    );
  });

  it("says which parameter was not taken", () => {
    const { failed, todo } = undoneError(words({ problem: "parameter", kernel: "spidev.speed is hidden" })).words;
    expect(failed).toContain("the module is loaded, and its parameter is not as wished: spidev.speed is hidden.");
    expect(todo).toContain('that of another module is written "module.parameter"');
  });
});

describe("a refused write comes with the option that may help:", () => {
  const write = (changed: Partial<OutcomeWords>) => undoneError(words({ problem: "write", step: "bind", ...changed })).words;
  it.each<[string, Partial<OutcomeWords>, string]>([
    [
      "vfio's EINVAL",
      { wish: '"vfio-pci"', kernel: "write error: Invalid argument" },
      '`moduleParameters: { "vfio.enable_unsafe_noiommu_mode": "1" }`',
    ],
    [
      "vfio-platform's ENOENT",
      { wish: '"vfio-platform"', kernel: "write error: No such file or directory" },
      '`moduleParameters: { reset_required: "0" }`',
    ],
    [
      "ENODEV of a driver that takes ids",
      { wantsId: true, kernel: "write error: No such device" },
      'strategy "new-id" adds the device\'s id to it.',
    ],
  ])("%s", (_, changed, option) => expect(write(changed).todo).toContain(option));

  it("and an id that the kernel refuses is told by the file's name", () => {
    expect(write({ step: "new-id", kernel: "write error: Invalid argument" }).failed).toContain("refused the write to new_id (EINVAL)");
    expect(write({ step: "remove-id", kernel: "write error: Invalid argument" }).failed).toContain(
      "refused the write to remove_id (EINVAL)",
    );
  });
});

const problems = (changed: Record<string, unknown>) => validate(wishes(changed)).problems;

describe("moduleParameters", () => {
  const name = 'must be named as "parameter" or "module.parameter"';
  const value = 'must be 1 to 1000 letters, digits and "._:,@+=!%/-": modprobe would split or change others';
  it.each<[string, string, string]>([
    ["a b", "1", name],
    ["a.b.c", "1", name],
    [".a", "1", name],
    ["-a", "1", name],
    ["a/b", "1", name],
    ["", "1", name],
    ["a", "", value],
    ["a", "1 2", value],
    ["a", '"1"', value],
    ["a", "1\n", value],
    ["a", "$(id)", value],
    ["a", "x".repeat(1001), value],
  ])("refuse %j: %j", (key, given, message) => {
    expect(problems({ moduleParameters: { [key]: given } })).toEqual([{ property: `moduleParameters.${key}`, message }]);
  });

  it("are texts, so that Y and 1 are told apart by nobody", () => {
    expect(problems({ moduleParameters: { a: 1 } })).toEqual([{ property: "moduleParameters.a", message: "must be a text" }]);
    expect(problems({ moduleParameters: ["a"] })).toEqual([{ property: "moduleParameters", message: "must be an object of texts" }]);
  });

  it("take what modules take", () => {
    const moduleParameters = { ids: "8086:10d3,8086:10f5", "i2c-stub.chip_addr": "0x50,0x51", path: "/lib/firmware/a-b_c.bin", n: "-1" };
    expect(problems({ moduleParameters })).toEqual([]);
  });
});

describe("newIdMayClaim", () => {
  it("is a list of names", () => {
    expect(problems({ newIdMayClaim: true })).toEqual([{ property: "newIdMayClaim", message: "must be a list of devices' names" }]);
    expect(problems({ newIdMayClaim: ["a/b"] })[0]?.property).toMatch(/^newIdMayClaim.*0/);
  });
});

describe("the request, protocol version 1 (frozen),", () => {
  it("says ids and parameters between the devices and the steps", () => {
    const transaction: Transaction = {
      id: "aabb",
      claimant: "me",
      timeoutSeconds: 30,
      force: false,
      confirmSeconds: null,
      afterRebind: [],
      devices: [
        {
          ...{ bus: "pci", device: "0000:00:02.0", driver: "stub", module: "stub" },
          parameters: [
            { module: null, name: "speed", value: "10" },
            { module: "core", name: "path", value: "/a,b" },
          ],
          seen: { driver: "old", override: null, hasOverride: false },
          wish: { driver: "stub", override: undefined },
          claim: "take",
          past: { driver: "old", override: null },
          newId: { id: "1234 11e8", others: ["0000:00:03.0"] },
        },
      ],
      steps: [
        { device: 0, word: "new-id", value: "stub" },
        { device: 0, word: "remove-id", value: "other" },
      ],
    };
    expect(requestLine("0f", "apply", applyItems(transaction))).toBe(
      [
        "devbind 1 0f apply 7",
        "transaction,aabb,me,30,no",
        "device,pci,0000:00:02.0,stub,stub,old,-unsupported,stub,-unsupported,take,old,-",
        "id,0,1234%2011e8,0000:00:03.0",
        "parameter,0,-,speed,10",
        "parameter,0,core,path,/a%2Cb",
        "step,0,new-id,stub",
        "step,0,remove-id,other",
        "end-0f\n",
      ].join(" "),
    );
  });
});

describe("a board's line", () => {
  const item = { bus: "pci", device: "a", driver: "b", module: null, asksId: true, parameters: [] };
  const nothing = { lack: null, takesIds: null, isMatch: null };

  it("without any of it is read as nothing known", () => {
    const offers = { wanted: nothing, newId: { id: null, others: [] }, parameters: [], vfio: undefined, idDrivers: [] };
    expect(offersOf({ word: "device", fields: {} }, item, "board-7")).toEqual(offers);
  });

  it("is read as what it stands for", () => {
    const fields = {
      ...{ lack: "release", takesIds: "both", matches: "no", id: "1234%2011e8", alike: "x%20y;-,z;w", claimIds: "b,c" },
      ...{ parameters: "vfio;mode;wrong;N,-;x;none;-", iommu: "yes", noiommu: "absent", reset: "no", resets: "Y" },
    };
    expect(offersOf({ word: "device", fields }, item, "board-7")).toEqual({
      wanted: { lack: "release", takesIds: "both", isMatch: false },
      newId: {
        id: "1234 11e8",
        others: [
          { name: "x y", driver: null },
          { name: "z", driver: "w" },
        ],
      },
      parameters: [
        { module: "vfio", name: "mode", is: "wrong", value: "N" },
        { module: null, name: "x", is: "none", value: null },
      ],
      vfio: { hasIommu: true, noIommu: "absent", hasReset: false, needsReset: "Y" },
      idDrivers: ["b", "c"],
    });
  });

  it.each<Record<string, string>>([
    { lack: "other" },
    { takesIds: "yes" },
    { matches: "perhaps" },
    { noiommu: "y" },
    { parameters: "a;b;odd;c" },
  ])("that says %j is not believed", (fields) => expect(() => offersOf({ word: "device", fields }, item, "board-7")).toThrow(DevbindError));
});

describe("a preview", () => {
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
  vi.spyOn(pulumi.log, "error").mockResolvedValue(undefined);
  const exitCode = process.exitCode;
  afterEach(() => {
    warn.mockClear();
    process.exitCode = exitCode;
  });
  const said = (seen: Parameters<typeof aLook>[0]) => {
    judge({} as pulumi.Resource, { binding: aBinding(), observed: aLook(seen), path: "" }, {});
    return warn.mock.calls.map(([text]) => text);
  };
  const groupMembers = [{ name: "0000:00:1f.3", driver: "ahci" }];

  it("warns of who is in the way of the device's IOMMU group", () => {
    expect(said({ groupMembers })).toEqual([expect.stringContaining("The IOMMU group 3 of 0000:00:02.0 is not viable")]);
  });

  it("says nothing of it where the binding is refused anyway, or the group is free", () => {
    expect(said({ groupMembers, guard: "the disk under /" })).toEqual([]);
    expect(said({ groupMembers: [{ name: "0000:00:1f.3", driver: null }] })).toEqual([]);
  });
});
