import { describe, expect, it } from "vitest";
import { applyItems } from "../../provider/board/board";
import { observation } from "../../provider/board/observation";
import type { AnswerLine } from "../../provider/board/protocol";
import { lookItems } from "../../provider/board/selector-items";
import { lookItem } from "../../provider/lifecycle/request";
import { connectionSchema } from "../../provider/schema";
import type { Selector } from "../../provider/selector";
import { aBinding, connection } from "./made";

const pciId: Selector = { key: "pciId", value: "8086:10d3" };

/** What is added to protocol 1 for selectors; a request without one is as it was. */
describe("the request of a look", () => {
  const asked = (device: string | object, known?: string) =>
    lookItems([lookItem(aBinding({ device }), known)]).map((item) => item.join(","));

  it("names a device, and chooses one by an item before it", () => {
    expect(asked("0000:00:02.0")).toEqual(["device,pci,0000:00:02.0,vfio-pci,vfio-pci"]);
    expect(asked({ pciId: "8086:10D3" })).toEqual(["selector,pciId,8086:10d3", "device,pci,-,vfio-pci,vfio-pci"]);
    expect(asked({ modalias: "pci:v*(1)?" })).toEqual(["selector,modalias,pci:v%2A%281%29%3F", "device,pci,-,vfio-pci,vfio-pci"]);
  });

  it("tells the device that was known, for a selector only", () => {
    expect(asked({ pciId: "8086:10d3" }, "0000:00:02.0")[0]).toBe("selector,pciId,8086:10d3,0000:00:02.0");
    expect(asked("0000:00:02.0", "0000:00:02.0")).toEqual(["device,pci,0000:00:02.0,vfio-pci,vfio-pci"]);
  });
});

describe("the request of a transaction", () => {
  const device = {
    bus: "pci",
    device: "0000:00:05.0",
    driver: "vfio-pci",
    module: "vfio-pci",
    seen: { driver: "e1000e", override: null, hasOverride: true },
    wish: { driver: "vfio-pci", override: "vfio-pci" },
    claim: "take" as const,
    past: { driver: "e1000e", override: null },
  };
  const transaction = { id: "a1", claimant: "me", timeoutSeconds: 30, force: false, confirmSeconds: null, afterRebind: [], steps: [] };

  it("names the device with its selector before it, and the places that were left after all devices", () => {
    const left = [{ bus: "pci", device: "0000:00:02.0" }];
    const items = applyItems({ ...transaction, devices: [{ ...device, selector: pciId }, device], left });
    const named = "device,pci,0000:00:05.0,vfio-pci,vfio-pci,e1000e,-,vfio-pci,vfio-pci,take,e1000e,-";
    expect(items.slice(1).map((item) => item.join(","))).toEqual(["selector,pciId,8086:10d3", named, named, "left,pci,0000:00:02.0"]);
  });
});

describe("the answer of a look by a selector", () => {
  const board = {
    word: "board",
    fields: Object.fromEntries(
      ["boot", "machine", "uuid", "serial", "kernel", "host", "state"]
        .map((key) => [key, "x"])
        .concat([
          ["condition", "quiet"],
          ["uid", "0"],
          ["writable", "yes"],
        ]),
    ),
  };
  const found = (fields: AnswerLine["fields"]) => {
    const item = { bus: "pci", device: pciId, driver: null, module: null };
    return observation(connectionSchema.parse(connection), [item], [board, { word: "device", fields: { index: "0", ...fields } }])
      .devices[0];
  };
  const all = "driver path override modalias compatible group members node dependents holders registered bindable loadable similar guard";
  const present = Object.fromEntries([...all.split(" "), "claimDriver", "claimOverride"].map((key) => [key, "-"]));

  it("gives the device its name, the selector, and the interface that its claim tells", () => {
    const fields = { ...present, name: "0000:00:05.0", present: "yes", bus: "yes", unbindable: "yes", journal: "-", claimant: "me" };
    expect(found(fields)).toMatchObject({ isPresent: true, name: "0000:00:05.0", selector: pciId, matches: [] });
    expect(found({ ...fields, claimInterface: "eth0" })?.claim).toEqual({
      claimant: "me",
      driver: null,
      override: null,
      networkInterface: "eth0",
      idDrivers: [],
    });
  });

  it.each<Record<string, string>>([{}, { name: "-" }, { name: ".." }, { name: "a/b" }])(
    "is not believed where its name is none: %j",
    (name) => {
      const fields = { ...present, present: "yes", bus: "yes", unbindable: "yes", journal: "-", claimant: "-" };
      expect(() => found({ ...fields, ...name })).toThrow('its line "device" has no right name');
    },
  );

  it("says in words what is not one device, and what there is instead", () => {
    expect(found({ present: "no", bus: "yes", similar: "8086:1533,1af4:1000" })).toMatchObject({
      isPresent: false,
      name: 'the device with pciId "8086:10d3"',
      similarNames: ["8086:1533", "1af4:1000"],
      matches: [],
    });
    expect(found({ present: "no", bus: "yes", similar: "-", matches: "0000:00:02.0;e1000e,0000:00:03.0;-" })).toMatchObject({
      isPresent: false,
      matches: [
        { name: "0000:00:02.0", driver: "e1000e" },
        { name: "0000:00:03.0", driver: null },
      ],
    });
  });
});
