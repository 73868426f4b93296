import { describe, expect, it, vi } from "vitest";
import { create } from "../../provider/runtime";
import { boardLine, deviceLine } from "./hostile-answers";
import { errorOf, makeProject, serverFor } from "./project";

/** Every text of a board's that reaches a message, with what a terminal would obey in it. */

const obeyed = "%1B%5D0;owned%07%1B%5B2J%0D%0A%C2%9B31m%E2%80%AE%00";
const bound = { driver: "e1000e", override: "-" };
const name = "0000:00:02.0";

interface Said {
  /** The lines of a look, and of the look that follows a transaction. */
  board?: Record<string, string>;
  device?: Record<string, string>;
  afterwards?: Record<string, string>;
  /** Of a transaction; without it there is none. */
  outcome?: string;
  stderr?: string;
}

/** What a create ends with on a board that says so. */
async function creating({ board, device = bound, afterwards = device, outcome, stderr = "" }: Said) {
  makeProject();
  let looks = 0;
  const answer = async (_command: string, stdin: string) => {
    const [, , nonce, operation, , ...items] = stdin.trimEnd().split("\n").at(-1)?.split(" ") ?? [];
    const id = items.find((item) => item.startsWith("transaction,"))?.split(",")[1];
    const lines = [boardLine(board)];
    if (operation !== "look") lines.push(`outcome ${outcome} of=${id}`);
    lines.push(deviceLine(looks++ === 0 ? device : afterwards));
    const stdout = [...lines, `end ${lines.length}`].map((line) => `${nonce} ${line}\n`).join("");
    return { stdout: stderr === "" ? stdout : "", stderr, code: 0 };
  };
  const server = await serverFor({ password: "swordfish", answer });
  const connection = { host: "127.0.0.1", port: server.port, password: "swordfish", hostKey: server.hostKey, dialErrorLimit: 1 };
  return create({ connection, bus: "pci", device: name, driver: "vfio-pci", claimant: "organization/lab/dev/card" });
}

const isPrintable = (text: string) => expect(text).not.toMatch(/\p{C}/u);

describe("a terminal obeys nothing of", () => {
  const absent = (similar: string) => ({ device: { present: "no", similar } });
  const stuck = `is=stuck problem=held word=bind device=0 path=%2Fsys${obeyed} holder=qemu${obeyed}%2F7`;

  it.for<[string, string, RegExp, Said]>([
    ["a name that is like the device's", "refused", /has no device "0000:00:02\.0"/, absent(`0000:00:02.1${obeyed}`)],
    ["a bus that is like the device's", "refused", /has no bus "pci"/, { device: { present: "no", bus: "no", similar: `pc${obeyed}` } }],
    ["a guard", "refused", /The device carries the mount/, { device: { ...bound, guard: `the%20mount${obeyed}` } }],
    ["a holder", "refused", /The device is held open by qemu/, { device: { ...bound, holders: `qemu${obeyed}%2F7` } }],
    ["a driver", "refused", /Its driver "e1000e/, { device: { driver: `e1000e${obeyed}`, unbindable: "no" } }],
    [
      "a driver's name that is like the wished one",
      "refused",
      /has no driver "vfio-pci"/,
      { device: { ...bound, registered: "no", loadable: "no", similar: `vfio-pc${obeyed}` } },
    ],
    ["a claimant", "refused", /The device is claimed by organization/, { device: { ...bound, claimant: `organization${obeyed}` } }],
    [
      "a kernel's refusal",
      "undone",
      /the kernel refused the write to bind/,
      { outcome: `is=undone problem=write word=bind device=0 kernel=sh:%20No${obeyed}` },
    ],
    [
      "a modprobe's",
      "undone",
      /modprobe failed: "Key was rejected/,
      { outcome: `is=undone problem=module device=0 kernel=Key%20was%20rejected${obeyed}` },
    ],
    [
      "a step that there isn't",
      "undone",
      /the kernel refused the write to/,
      { outcome: `is=undone problem=write word=${obeyed} device=0` },
    ],
    ["a problem that there isn't", "undone", /the step "owned/, { outcome: `is=undone problem=owned${obeyed}` }],
    [
      "what afterRebind printed",
      "undone",
      /afterRebind failed after the undo \(ip: /,
      { outcome: `is=undone problem=readback after=ip:${obeyed}` },
    ],
    [
      "the driver that came back",
      "undone",
      /is back with "other/,
      { outcome: "is=undone problem=late", afterwards: { driver: `other${obeyed}` } },
    ],
    ["who holds a stuck device", "stuck", /Held open by qemu/, { outcome: stuck }],
    ["what an undo left", "stuck", /The undo failed too: eth0/, { outcome: `is=stuck problem=write word=bind left=eth0${obeyed}` }],
    ["why it refused", "refused", /refused the transaction .* \(because/, { outcome: `is=refused problem=because${obeyed}` }],
    ["what its shell says", "protocol", /it said "sh: .*not found"/, { stderr: "sh: \u001b]0;owned\u0007\u001b[2Jnot found\r\n" }],
  ])("%s", async ([, kind, says, said]) => {
    const error = await errorOf(() => creating(said));
    expect(error.kind, error.message).toBe(kind);
    isPrintable(error.message);
    expect(error.message.replaceAll(/ +/g, " ")).toMatch(says);
    isPrintable(String(error.stack));
  });

  it("the devices that went along with another", async () => {
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const device = { ...bound, dependents: `eth0${obeyed};net${obeyed}` };
    await creating({ device, afterwards: { driver: "e1000e", override: "vfio-pci" }, outcome: "is=done" });
    expect(warned.mock.calls).toEqual([[expect.stringContaining("Not bound any more, with what they depended on: eth0")]]);
    isPrintable(String(warned.mock.calls[0]?.[0]));
  });
});

describe("a text of a board's that is very long", () => {
  const long = "x".repeat(12_000);

  it.for<[string, Said]>([
    ["a guard", { device: { ...bound, guard: long } }],
    ["holders", { device: { ...bound, holders: Array.from({ length: 20 }, () => "y".repeat(3000)).join(",") } }],
    ["the kernel's words", { outcome: `is=undone problem=write word=bind device=0 kernel=${long}` }],
    ["the shell's words", { stderr: long }],
  ])("does not make the message so: %s", async ([, said]) => {
    expect((await errorOf(() => creating(said))).message.length).toBeLessThan(10_000);
  });
});
