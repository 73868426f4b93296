import { describe, expect, it } from "vitest";
import { applyItems, newTransactionId } from "../../provider/board/board";
import { requestLine } from "../../provider/board/protocol";
import type { Transaction } from "../../provider/transaction";

/** Protocol version 1 is frozen: boards with an older journal and scripts of other versions rely on these very words. */
const nonce = "0123456789abcdef01234567";

const transaction: Transaction = {
  id: "aabbccddeeff001122334455",
  claimant: "organization/lab/dev/card 1",
  timeoutSeconds: 30,
  force: false,
  confirmSeconds: null,
  afterRebind: [],
  devices: [
    {
      bus: "pci",
      device: "0000:00:02.0",
      driver: "vfio-pci",
      module: "vfio-pci",
      seen: { driver: "e1000e", override: null, hasOverride: true },
      wish: { driver: "vfio-pci", override: "vfio-pci" },
      claim: "take",
      past: { driver: "e1000e", override: null },
    },
    {
      bus: "mdio_bus",
      device: "Fixed MDIO bus.0:00",
      driver: null,
      module: null,
      seen: { driver: null, override: null, hasOverride: false },
      wish: { driver: null, override: undefined },
      claim: "keep",
      past: { driver: "Generic PHY", override: null },
    },
    {
      bus: "platform",
      device: "a003c00.virtio_mmio",
      driver: null,
      module: null,
      seen: { driver: "virtio-mmio", override: "-any", hasOverride: true },
      wish: { driver: undefined, override: undefined },
      claim: "drop",
      past: { driver: null, override: "old" },
    },
  ],
  steps: [
    { device: 0, word: "module", value: "vfio-pci" },
    { device: 0, word: "override", value: "vfio-pci" },
    { device: 2, word: "override", value: null },
    { device: 0, word: "unbind", value: "e1000e" },
    { device: 0, word: "bind", value: "vfio-pci" },
    { device: 2, word: "probe", value: null },
  ],
};

describe("the request of a transaction, protocol version 1 (frozen),", () => {
  it("is these words", () => {
    expect(requestLine(nonce, "apply", applyItems(transaction))).toBe(
      [
        "devbind 1 0123456789abcdef01234567 apply 10",
        "transaction,aabbccddeeff001122334455,organization/lab/dev/card%201,30,no",
        "device,pci,0000:00:02.0,vfio-pci,vfio-pci,e1000e,-,vfio-pci,vfio-pci,take,e1000e,-",
        "device,mdio_bus,Fixed%20MDIO%20bus.0:00,-,-,-,-unsupported,-,-unsupported,keep,Generic%20PHY,-",
        "device,platform,a003c00.virtio_mmio,-,-,virtio-mmio,%2Dany,-any,-any,drop,-,old",
        "step,0,module,vfio-pci",
        "step,0,override,vfio-pci",
        "step,2,override,-",
        "step,0,unbind,e1000e",
        "step,0,bind,vfio-pci",
        "step,2,probe,-",
        "end-0123456789abcdef01234567\n",
      ].join(" "),
    );
  });

  it("says force by its name", () => {
    const [head] = applyItems({ ...transaction, force: true, timeoutSeconds: 2 });
    expect(head?.slice(3)).toEqual(["2", "yes"]);
  });

  it("has an id of its own each time, of safe letters only", () => {
    const ids = Array.from({ length: 100 }, newTransactionId);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{24}$/);
  });
});
