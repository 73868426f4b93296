import { describe, expect, it } from "vitest";
import {
  DevbindError,
  errnoOf,
  failureOf,
  nothingSent,
  type OutcomeWords,
  StuckError,
  stuckError,
  undoneError,
} from "../../provider/errors";

const words = (changed: Partial<OutcomeWords> = {}): OutcomeWords => ({
  deed: "bind",
  device: "spi0.0",
  address: "board-7",
  wish: '"spidev"',
  problem: "write",
  step: "bind",
  kernel: "sh: write error: No such device",
  stateNow: 'is back with "mtd_dataflash"',
  isOverridden: false,
  lost: "",
  after: null,
  confirmSeconds: null,
  ...changed,
});

const run = "Run `pulumi up` again; `dmesg` on the board may say more.";
const undone: [title: string, changed: Partial<OutcomeWords>, failed: string, todo: string][] = [
  [
    "a bind that the driver does not match",
    {},
    'Cannot bind spi0.0 on board-7 to "spidev": the kernel refused the write to bind (ENODEV).',
    'ENODEV: the driver does not match this device; where its bus has overrides, strategy "auto" or "override" makes it.',
  ],
  [
    "a bind that the driver's probe refused, where the override makes it match",
    { isOverridden: true },
    'Cannot bind spi0.0 on board-7 to "spidev": the kernel refused the write to bind (ENODEV).',
    "The driver's own probe refused the device: `dmesg` on the board may say why.",
  ],
  [
    "an old driver that does not take its device any more",
    { deed: "give back", isOverridden: true },
    'Cannot give back spi0.0 on board-7 to "spidev": the kernel refused the write to bind (ENODEV).',
    'The driver that it had does not take it any more: `onDelete: "unbind"` gives it up without one, and "keep" as it is.',
  ],
  [
    "a probe that stayed deferred",
    { kernel: "write error: Resource temporarily unavailable" },
    'Cannot bind spi0.0 on board-7 to "spidev": the kernel refused the write to bind (EAGAIN).',
    "EAGAIN: the probe is deferred: it waits for another device (a clock, a regulator, a GPIO) that did not come; bind that one first.",
  ],
  [
    "a driver that let go",
    { problem: "left", kernel: null },
    'Cannot bind spi0.0 on board-7 to "spidev": the driver took the device and let go of it right after.',
    run,
  ],
  [
    "a change that nobody confirmed",
    { problem: "unconfirmed", kernel: null, confirmSeconds: 60 },
    'Cannot bind spi0.0 on board-7 to "spidev": no new login reached the board within 60 seconds (confirmSeconds), so the board undid it by itself.',
    "A rebound network card comes back without address and route: let `afterRebind` configure it, or choose another device.",
  ],
  [
    "a command after it that failed",
    { problem: "after", kernel: 'exit code 7, "no lease"' },
    'Cannot bind spi0.0 on board-7 to "spidev": afterRebind failed (exit code 7, "no lease").',
    "Try that command on the board by hand.",
  ],
  [
    "a bind that the driver's probe refused",
    { kernel: "write error: Device or resource busy" },
    'Cannot bind spi0.0 on board-7 to "spidev": the kernel refused the write to bind (EBUSY).',
    "The driver's own probe refused the device: `dmesg` on the board may say why.",
  ],
  [
    "a refused override, by its file's name",
    { step: "override", kernel: "write error: Invalid argument" },
    'Cannot bind spi0.0 on board-7 to "spidev": the kernel refused the write to driver_override (EINVAL).',
    run,
  ],
  [
    "a refused unbind",
    { step: "unbind", wish: "no driver" },
    "Cannot bind spi0.0 on board-7 to no driver: the kernel refused the write to unbind (ENODEV).",
    run,
  ],
  [
    "a module that does not load, in modprobe's own words",
    { problem: "module", step: "module", kernel: "modprobe: FATAL: Module spidev not found" },
    'Cannot bind spi0.0 on board-7 to "spidev": modprobe failed: "modprobe: FATAL: Module spidev not found".',
    "Install modprobe, or the module for the running kernel, or name another `module`.",
  ],
  [
    "a driver that is not there after the write",
    { problem: "readback", kernel: null },
    'Cannot bind spi0.0 on board-7 to "spidev": the kernel took the write, but read back it is "none".',
    run,
  ],
];

describe("an undone transaction says what failed, that nothing changed, and what to do:", () => {
  it.each(undone)("%s", (_, changed, failed, todo) => {
    const error = undoneError(words(changed));
    expect(error.kind).toBe("undone");
    expect(error.words).toEqual({ failed, now: 'spi0.0 is back with "mtd_dataflash"; nothing changed.', todo });
  });
});

const failures: [problem: string, changed: Partial<OutcomeWords>, said: string][] = [
  ["module without words", { problem: "module", kernel: null }, 'modprobe failed: "no reason given"'],
  [
    "missing file",
    { problem: "missing", step: "unbind", kernel: "/drivers/x/unbind" },
    'there is no file for the step "unbind" (/drivers/x/unbind)',
  ],
  ["wrong read-back", { problem: "readback", kernel: "other" }, 'the kernel took the write, but read back it is "other"'],
  ["vanished device", { problem: "vanished" }, "the device vanished while it was bound"],
  ["late step", { problem: "late" }, 'the write of step "bind" took longer than timeoutSeconds'],
  ["killed script", { problem: "killed" }, "the script on the board was killed"],
  ["held write", { problem: "held", step: "unbind" }, "the kernel holds the write to unbind and does not come back"],
  ["held write of no known step", { problem: "held", step: undefined }, "the kernel holds the write to a file and does not come back"],
  ["word that this version does not know", { problem: "odd", step: "bind" }, 'the step "bind" failed'],
  ["word and step unknown", { problem: "odd", step: undefined }, 'the step "odd" failed'],
  ["refused write without words", { kernel: null }, "the kernel refused the write to bind (no reason given)"],
];

describe("an undone transaction also says", () => {
  it("what did not come back although the device did", () => {
    const error = undoneError(words({ lost: "Not bound any more, with what they depended on: spi0.1 (spidev)." }));
    expect(error.words.now).toBe('spi0.0 is back with "mtd_dataflash". Not bound any more, with what they depended on: spi0.1 (spidev).');
    expect(error.words.todo).toBe("Bind what is named by hand, or rescan its bus; then run `pulumi up` again.");
  });

  it("that afterRebind failed after the undo", () => {
    const error = undoneError(words({ after: "exit code 1" }));
    expect(error.words.now).toBe('spi0.0 is back with "mtd_dataflash"; nothing changed. afterRebind failed after the undo (exit code 1).');
  });
});

describe("a failure is told in the kernel's own word:", () => {
  it.each(failures)("%s", (_, changed, said) => expect(failureOf(words(changed))).toBe(said));
});

describe("a stuck transaction", () => {
  it("that the kernel holds names who holds the device, and that the board goes on by itself", () => {
    const error = stuckError(words({ problem: "held", step: "unbind" }), ["qemu-system-aarch64 (412)", "vfio (9)"], null);
    expect(error.kind).toBe("stuck");
    expect(error.words).toEqual({
      failed:
        'Binding spi0.0 on board-7 to "spidev" is stuck: the kernel holds the write to unbind and does not come back. ' +
        "Held open by qemu-system-aarch64 (412), vfio (9).",
      now: "spi0.0 is between two drivers; the board finishes the undo by itself when the kernel lets go.",
      todo: "End what holds the device, then run `pulumi up` again.",
    });
  });

  it("whose undo failed names what did not come back and what the device has now", () => {
    const error = stuckError(words({ stateNow: "has no driver" }), [], "spi0.1");
    expect(error.words).toEqual({
      failed: 'Binding spi0.0 on board-7 to "spidev" is stuck: the kernel refused the write to bind (ENODEV).',
      now: "The undo failed too: spi0.1 did not come back; spi0.0 has no driver.",
      todo: "Run `pulumi up` again with a driver that takes the device, or reboot the board.",
    });
    expect(stuckError(words(), [], null).words.now).toContain("The undo failed too: spi0.0 did not come back;");
  });

  it("keeps its words where the resource is kept in state", () => {
    const error = stuckError(words(), [], null);
    const kept = new StuckError(error, []);
    expect([kept.kind, kept.message, kept.bindings]).toEqual(["stuck", error.message, []]);
    expect(kept).toBeInstanceOf(DevbindError);
  });
});

describe("the error's text", () => {
  it("is what failed, the state now and what to do, in this order", () => {
    const error = new DevbindError("refused", { failed: "A.", now: "B.", todo: "C." }, "driver");
    expect([error.message, error.property, error.kind]).toEqual(["A. B. C.", "driver", "refused"]);
  });

  it("leaves out what there is nothing to say of", () => {
    expect(new DevbindError("invalid", { failed: "A.", now: "", todo: "C." }).message).toBe("A. C.");
  });

  it("is what the engine prints of it, once and without a stack", () => {
    const error = new DevbindError("refused", { failed: "A.", now: "B.", todo: "C." });
    expect(`${error}: ${error.stack}`).toBe("pulumi-devbind: A. B. C.");
  });

  it("has one sentence for what went out before the first request", () => expect(nothingSent).toBe("Nothing was sent to the board."));
});

/** What glibc's and musl's strerror say (musl: src/errno/__strerror.h). */
const texts: [errno: string, glibc: string, musl: string][] = [
  ["ENODEV", "No such device", "No such device"],
  ["ENOENT", "No such file or directory", "No such file or directory"],
  ["EBUSY", "Device or resource busy", "Resource busy"],
  ["EINVAL", "Invalid argument", "Invalid argument"],
  ["EAGAIN", "Resource temporarily unavailable", "Resource temporarily unavailable"],
  ["EACCES", "Permission denied", "Permission denied"],
  ["EPERM", "Operation not permitted", "Operation not permitted"],
  ["EIO", "Input/output error", "I/O error"],
  ["ENOMEM", "Cannot allocate memory", "Out of memory"],
  ["EEXIST", "File exists", "File exists"],
  ["EROFS", "Read-only file system", "Read-only file system"],
  ["EOPNOTSUPP", "Operation not supported", "Not supported"],
  ["ETIMEDOUT", "Connection timed out", "Operation timed out"],
  ["ENXIO", "No such device or address", "No such device or address"],
];

describe("an errno has its name, whichever C library spoke:", () => {
  it.each(texts)("%s", (errno, glibc, musl) => {
    expect(errnoOf(glibc)).toBe(errno);
    expect(errnoOf(`sh: 1: echo: ${glibc}`)).toBe(errno);
    expect(errnoOf(`/bin/echo: write error: ${musl}\n`)).toBe(errno);
  });

  it.each([
    ["Unknown error 524", "Unknown error 524"],
    ["sh: write error: Sonderbar", "Sonderbar"],
    ["", "no reason given"],
    ["echo: ", "no reason given"],
    [null, "no reason given"],
  ])("%j is told as %j", (kernel, said) => expect(errnoOf(kernel)).toBe(said));

  it.each(["constructor", "__proto__", "toString"])("%s is no errno's name", (word) => expect(errnoOf(`sh: ${word}`)).toBe(word));
});
