import { describe, expect, it, vi } from "vitest";
import { dependentsLost } from "../../provider/lifecycle/dependents";
import type { Device } from "../../provider/schema";
import { aBoard, aDevice } from "./made";

const seen = (device: Partial<Device>) => ({ board: aBoard(), devices: [aDevice({ driver: "pci-host-generic", ...device })] });
const network = { name: "0000:00:01.0", driver: "e1000e" };
const before = seen({ dependents: [network, { name: "virtio0", driver: "virtio_rng" }] });

/** What is lost after these looks; the last one is repeated. */
async function lost(after: Partial<Device>, again: Partial<Device> = after): Promise<string[]> {
  vi.useFakeTimers();
  try {
    const found = dependentsLost(before, seen(after), async () => seen(again));
    await vi.runAllTimersAsync();
    return await found;
  } finally {
    vi.useRealTimers();
  }
}

describe("what was bound below a device", () => {
  it("is not lost when it is back, also under another name", async () => {
    expect(await lost({ dependents: [network, { name: "virtio3", driver: "virtio_rng" }] })).toEqual([]);
  });

  it("is given time to come back", async () => {
    expect(await lost({ dependents: [] }, before.devices[0])).toEqual([]);
  });

  it("is named with its driver when it does not come back, or comes back to another", async () => {
    const other = { ...network, driver: "vfio-pci" };
    expect(await lost({ dependents: [other] })).toEqual(["0000:00:01.0 (e1000e)", "virtio0 (virtio_rng)"]);
  });

  it("is not expected back below another driver", async () => {
    expect(await lost({ driver: "vfio-pci", dependents: [] })).toEqual([]);
  });

  it("counts as lost as far as was seen, where the board gives no second look", async () => {
    vi.useFakeTimers();
    const found = dependentsLost(before, seen({ dependents: [network] }), () => Promise.reject(new Error("off")));
    await vi.runAllTimersAsync();
    vi.useRealTimers();
    expect(await found).toEqual(["virtio0 (virtio_rng)"]);
  });
});
