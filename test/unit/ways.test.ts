import { describe, expect, it } from "vitest";
import { hasSteps, planDevice, stepsOf, transactionDevice, wishOf } from "../../provider/plan/plan";
import type { BindingInput, Board, Device } from "../../provider/schema";
import { aBinding, aBoard, aDevice, bound, claimant } from "./made";

/** The ways to a driver beside the override: new ids, and modules with their parameters. */

type Wished = Partial<BindingInput>;
type Seen = Partial<Device>;

const plan = (wished: Wished, seen: Seen, { isRebind = false, board = {} as Partial<Board> } = {}) => {
  const [binding, device] = [aBinding(wished), aDevice(seen)];
  return planDevice(binding, wishOf(binding, device, isRebind), aBoard(board), device);
};

const said = (...of: Parameters<typeof plan>): string =>
  stepsOf([plan(...of)])
    .map(({ word, value }) => `${word} ${value ?? "-"}`)
    .join(", ");

const refused = (...of: Parameters<typeof plan>) =>
  plan(...of).refusals.map(({ property, isCertain, reason, todo }) => ({ property, isCertain, words: `${reason} ${todo}` }));

const there = { isRegistered: true, canBind: true, isLoadable: null };
const byId: Wished = { strategy: "new-id" };
const takes = { wanted: { ...there, takesIds: "both" as const }, newId: { id: "1234 11e8", others: [] } };
const added = (...idDrivers: string[]) => ({ claim: { claimant, driver: "e1000e", override: null, idDrivers } });

describe("with strategy new-id", () => {
  it.each<[string, Wished, Seen, string]>([
    ["adds the id, then takes the device", {}, {}, "new-id vfio-pci, unbind e1000e, bind vfio-pci"],
    ["binds a free device by name too, which tells the driver's own error", {}, { driver: null }, "new-id vfio-pci, bind vfio-pci"],
    ["clears a foreign override first", {}, { override: "x" }, "override -, new-id vfio-pci, unbind e1000e, bind vfio-pci"],
    ["writes nothing where the driver is right", {}, { driver: "vfio-pci" }, ""],
    [
      "loads the module first",
      {},
      { wanted: { isRegistered: false, canBind: false, isLoadable: true } },
      "module vfio-pci, new-id vfio-pci, unbind e1000e, bind vfio-pci",
    ],
    ["adds the id again where the device was taken away", {}, { ...added("vfio-pci") }, "new-id vfio-pci, unbind e1000e, bind vfio-pci"],
    [
      "takes the id of another driver back",
      {},
      { driver: "stub", ...added("stub") },
      "remove-id stub, new-id vfio-pci, unbind stub, bind vfio-pci",
    ],
    [
      "takes the id back for no driver",
      { driver: null },
      { driver: "stub", wanted: null, ...added("stub") },
      "remove-id stub, unbind stub",
    ],
  ])("%s", (_, wished, seen, steps) => expect(said({ ...byId, ...wished }, { ...takes, ...seen })).toBe(steps));

  it("takes the id back where the wish is for another way, and leaves the device where it is", () => {
    expect(said({}, { ...bound, ...added("vfio-pci") })).toBe("remove-id vfio-pci");
  });

  it("adds the id again, and no second one, when triggers change", () => {
    const seen = { driver: "vfio-pci", ...takes, ...added("vfio-pci") };
    expect(said(byId, seen, { isRebind: true })).toBe("new-id vfio-pci, unbind vfio-pci, bind vfio-pci");
  });

  const twins = {
    id: "1234 11e8",
    others: [
      { name: "0000:00:04.0", driver: "e1000e" },
      { name: "0000:00:05.0", driver: null },
    ],
  };

  it("refuses an id that others have, and lists them all", () => {
    expect(refused(byId, { ...takes, newId: twins })).toEqual([
      {
        property: "strategy",
        isCertain: true,
        words:
          'The id is not the device\'s alone: "vfio-pci" would also claim 0000:00:04.0 (e1000e), 0000:00:05.0 (without driver, so at once). ' +
          'If it may have all of them, name them: newIdMayClaim: ["0000:00:04.0","0000:00:05.0"].',
      },
    ]);
  });

  it("refuses it while only some of them are named, and tells those that are left", () => {
    const [only] = refused({ ...byId, newIdMayClaim: ["0000:00:04.0"] }, { ...takes, newId: twins });
    expect(only?.words).toContain("would also claim 0000:00:05.0 (without driver, so at once).");
  });

  it("takes it where all of them are named, and tells the board whom it saw", () => {
    const wished = { ...byId, newIdMayClaim: ["0000:00:05.0", "0000:00:04.0"] };
    const made = plan(wished, { ...takes, newId: twins });
    expect(made.refusals).toEqual([]);
    const entry = transactionDevice(aBinding(wished), made, aDevice({ newId: twins }), {
      claim: "take",
      past: { driver: null, override: null },
    });
    expect(entry.newId).toEqual({ id: "1234 11e8", others: ["0000:00:04.0", "0000:00:05.0"] });
  });

  it("asks nobody where nothing is to be written", () => {
    expect(refused(byId, { ...takes, newId: twins, driver: "vfio-pci", ...added("vfio-pci") })).toEqual([]);
  });

  it.each<[string, Seen, string]>([
    [
      "a driver that takes no ids",
      { wanted: { ...there, takesIds: "no" } },
      'The driver "vfio-pci" has no new_id file: it takes no ids. Use strategy "auto".',
    ],
    [
      "a driver that keeps them",
      { wanted: { ...there, takesIds: "add" } },
      'The driver "vfio-pci" has no remove_id file: an id that it is given can\'t be taken back. Use strategy "auto".',
    ],
    [
      "a device whose id is not known",
      { newId: { id: null, others: [] } },
      'Which id a new_id file takes for a device of the bus pci is not known here. Use strategy "auto".',
    ],
  ])("refuses %s", (_, seen, words) => {
    expect(refused(byId, { ...takes, ...seen })).toEqual([{ property: "strategy", isCertain: true, words }]);
  });
});

describe("on a bus without overrides, strategy auto", () => {
  const onUsb = { bus: "usb", hasOverride: false, modalias: "usb:v0525" };
  const noMatch = { ...onUsb, wanted: { ...there, takesIds: "both" as const, isMatch: false } };
  const reason =
    'Devices of the bus usb have no driver override here, and of the ids that the module of "vfio-pci" lists none matches "usb:v0525".';

  it("refuses a driver whose own list does not match, and says which strategy would", () => {
    const todo = 'Strategy "new-id" adds the device\'s id to the driver; strategy "bind" tries it all the same.';
    expect(refused({ bus: "usb" }, noMatch)).toEqual([{ property: "driver", isCertain: true, words: `${reason} ${todo}` }]);
  });

  it("offers no new id where the driver takes none", () => {
    const todo = 'Choose another driver; strategy "bind" tries it all the same.';
    expect(refused({ bus: "usb" }, { ...noMatch, wanted: { ...noMatch.wanted, takesIds: "add" } })[0]?.words).toBe(`${reason} ${todo}`);
  });

  it("is not certain of it while the driver is not there", () => {
    const wanted = { isRegistered: false, canBind: false, isLoadable: true, isMatch: false };
    expect(refused({ bus: "usb" }, { ...noMatch, wanted })).toMatchObject([{ isCertain: false }]);
  });

  it.each<[string, Wished, Seen]>([
    ["tries what matches", {}, { ...onUsb, wanted: { ...there, isMatch: true } }],
    ["tries what is not known", {}, { ...onUsb, wanted: there }],
    ["does not judge for strategy bind", { strategy: "bind" }, noMatch],
    ["does not judge where an override makes it match", {}, { ...noMatch, hasOverride: true }],
    ["does not judge where the driver is right", {}, { ...noMatch, driver: "vfio-pci" }],
  ])("%s", (_, wished, seen) => expect(refused({ bus: "usb", ...wished }, seen)).toEqual([]));
});

const loadable = { isRegistered: false, canBind: false, isLoadable: true };
const parameter = (
  is: NonNullable<Device["parameters"]>[number]["is"],
  module: string | null = "vfio_pci",
  value: string | null = null,
) => ({
  module,
  name: "disable_idle_d3",
  is,
  value,
});
const asks: Wished = { moduleParameters: { disable_idle_d3: "1" } };
const todo = 'Correct the name; that of another module is written "module.parameter".';

describe("module parameters", () => {
  it("of other modules load these first", () => {
    const moduleParameters = { "vfio.enable_unsafe_noiommu_mode": "1", disable_idle_d3: "1" };
    const parameters = [{ ...parameter("unloaded", "vfio"), name: "enable_unsafe_noiommu_mode" }, parameter("unloaded")];
    const steps = "module vfio, module vfio-pci, override vfio-pci, unbind e1000e, bind vfio-pci";
    expect(said({ moduleParameters }, { wanted: loadable, parameters })).toBe(steps);
  });

  it("of another module load it also where the driver is there", () => {
    const moduleParameters = { "vfio_iommu_type1.allow_unsafe_interrupts": "1" };
    const parameters = [{ ...parameter("unloaded", "vfio_iommu_type1"), name: "allow_unsafe_interrupts" }];
    expect(said({ moduleParameters }, { parameters })).toBe("module vfio_iommu_type1, override vfio-pci, unbind e1000e, bind vfio-pci");
  });

  it.each<[string, ReturnType<typeof parameter>, string]>([
    [
      "set otherwise in a loaded module",
      parameter("wrong", "vfio_pci", "N"),
      'The parameter disable_idle_d3 of the module vfio_pci is "N", not "1", and the module is loaded. Unload vfio_pci first; ' +
        "this package changes no parameter of a module that is loaded, also where the kernel would allow it.",
    ],
    [
      "set otherwise in the kernel itself",
      parameter("fixed", "vfio_pci", "N"),
      'The parameter disable_idle_d3 of the module vfio_pci is "N", not "1", and the module is the kernel\'s own. ' +
        "Set vfio_pci.disable_idle_d3 on the kernel's command line.",
    ],
    ["that a loaded module does not show", parameter("hidden"), `The module vfio_pci shows no parameter "disable_idle_d3". ${todo}`],
    ["that a module does not have", parameter("none"), `The module vfio_pci shows no parameter "disable_idle_d3". ${todo}`],
    ["whose module is not known", parameter("none", null), `Whose parameter "disable_idle_d3" is, is not known. ${todo}`],
  ])("are refused before any write: one %s", (_, is, words) => {
    expect(refused(asks, { parameters: [is] })).toEqual([{ property: "moduleParameters", isCertain: true, words }]);
  });

  it("that are wrong on a device that is right are a warning in a preview, and refused by an update", () => {
    expect(refused(asks, { ...bound, parameters: [parameter("wrong", "vfio_pci", "N")], ...added() })).toMatchObject([
      { isCertain: false },
    ]);
  });

  it.each(["right", "unloaded"] as const)("that are %s are fine", (is) =>
    expect(refused(asks, { parameters: [parameter(is)] })).toEqual([]),
  );

  it("are none of a binding without driver", () => {
    expect(hasSteps(plan({ ...asks, driver: null }, { driver: null, wanted: null }))).toBe(false);
  });
});

describe("a driver that is not there is refused with the reason why no module brings it, as not certain:", () => {
  const board = { kernel: "6.1.0-99" };
  it.each<[string, Seen["wanted"], string]>([
    [
      "a kernel without modules",
      { ...loadable, lack: "kernel" },
      "the board's kernel was built without modules. Use a kernel that has the driver built in.",
    ],
    [
      "a kernel that takes no more modules",
      { ...loadable, lack: "disabled" },
      "the kernel loads no more modules until it is booted again (kernel.modules_disabled). Load it at boot.",
    ],
    [
      "a kernel whose modules are not installed",
      { ...loadable, isLoadable: null, lack: "release" },
      "no modules are installed for the running kernel 6.1.0-99. Boot the kernel that is installed, or install the modules of the running one.",
    ],
  ])("%s", (_, wanted, words) => {
    expect(refused({}, { wanted }, { board })).toEqual([
      { property: "driver", isCertain: false, words: `The bus pci has no driver "vfio-pci", and ${words}` },
    ]);
  });
});
