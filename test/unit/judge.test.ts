import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { judge, refuseInputs, warnOfUnchecked } from "../../provider/judge";
import type { BindingInput, Observed } from "../../provider/schema";
import { aBinding, aLook, bound } from "./made";

const resource = {} as pulumi.Resource;
const error = vi.spyOn(pulumi.log, "error").mockResolvedValue(undefined);
const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
let exitCode: typeof process.exitCode;

beforeEach(() => {
  exitCode = process.exitCode;
  process.exitCode = 0;
  error.mockClear();
  warn.mockClear();
});
afterEach(() => {
  process.exitCode = exitCode;
});

/** What the preview said of one resource, and the exit code it left. */
function said(observed: Observed, wished: Partial<BindingInput> = {}, ignoreChanges: string[] = []) {
  judge(resource, { binding: aBinding(wished), observed, path: "" }, { ignoreChanges });
  for (const call of [...error.mock.calls, ...warn.mock.calls]) expect(call[1]).toBe(resource);
  return { errors: error.mock.calls.map(([text]) => text), warnings: warn.mock.calls.map(([text]) => text), exitCode: process.exitCode };
}

const quiet = { errors: [], warnings: [], exitCode: 0 };
const notThere = { wanted: { isRegistered: false, canBind: false, isLoadable: false } };
const guarded = aLook({ guard: "this SSH session (eth0)" });
const guardWords = "device: The device carries this SSH session (eth0). Choose another device; `force: true` takes it all the same.";

describe("what an update would certainly refuse ends the preview with an error on the resource and exit code 32:", () => {
  it("a guarded device", () => expect(said(guarded)).toEqual({ errors: [guardWords], warnings: [], exitCode: 32 }));

  it("a board that is reached but not to be trusted", () => {
    const observed = { lookedAt: "t", unreachable: "The host key of 10.0.0.21 has changed.", isCertain: true };
    expect(said(observed)).toEqual({ errors: ["The host key of 10.0.0.21 has changed."], warnings: [], exitCode: 32 });
  });

  it("what is true of the whole board, on the first of its devices only", () => {
    const user = aLook({});
    const notRoot = { ...user, board: user.board && { ...user.board, isRoot: false } };
    const words =
      "connection.user: The login is not root's, and only root may rebind. Log in as root, or say in connection.become how this user becomes root.";
    const connection = { host: "not-root", password: "p" };
    expect(said(notRoot, { connection })).toEqual({ errors: [words], warnings: [], exitCode: 32 });
    error.mockClear();
    process.exitCode = 0;
    expect(said(notRoot, { connection, device: "0000:00:03.0" })).toEqual({ errors: [], warnings: [], exitCode: 32 });
    expect(said(notRoot, { connection: { ...connection, host: "another" } }).errors).toEqual([words]);
  });

  it("all reasons, beside those that are not certain", () => {
    const { errors, warnings, exitCode } = said(aLook({ guard: "a mounted disk", canUnbind: false, ...notThere }));
    expect([errors.length, warnings.length, exitCode]).toEqual([2, 1, 32]);
  });
});

describe("what goes with an unbound device is a warning before it happens:", () => {
  const dependents = Array.from({ length: 12 }, (_, index) => ({ name: `0-005${index}`, driver: "at24" }));

  it("ten of the bound devices below it by name, and how many more", () => {
    const { warnings, exitCode } = said(aLook({ dependents }));
    expect([warnings.length, exitCode]).toEqual([1, 0]);
    expect(warnings[0]).toMatch(
      /^Unbinding 0000:00:02\.0 also takes from their drivers what depends on it: 0-0050 \(at24\), .* and 2 more\.$/,
    );
  });

  it("nothing for a device that is refused", () => {
    expect(said(aLook({ dependents, guard: "this SSH session (eth0)" }))).toEqual({ errors: [guardWords], warnings: [], exitCode: 32 });
  });

  it("nothing for a device that is right already", () => expect(said(aLook({ ...bound, dependents }))).toEqual(quiet));
});

describe("what a dependency may still bring is a warning that leaves the exit code alone:", () => {
  it("a driver", () => {
    const words = 'driver: The bus pci has no driver "vfio-pci", and no module of its name is installed for the running kernel.';
    const todo = "Correct the name, name the `module` that brings it, or install it first.";
    expect(said(aLook(notThere))).toEqual({ ...quiet, warnings: [`Not there yet: ${words} ${todo}`] });
  });

  it("a device", () => {
    const words = 'device: The bus pci has no device "0000:00:02.0".';
    const todo = "Correct the name, or bring the device there first.";
    expect(said(aLook({ isPresent: false, driver: null }))).toEqual({ ...quiet, warnings: [`Not there yet: ${words} ${todo}`] });
  });

  it("a board that gives no answer", () => {
    const words = "10.0.0.21 does not answer. The preview goes on without a look at this board.";
    expect(said({ lookedAt: "t", unreachable: "10.0.0.21 does not answer.", isCertain: false })).toEqual({ ...quiet, warnings: [words] });
  });
});

describe("nothing is said", () => {
  it("of a device that is right, or that the update makes right", () => {
    expect(said(aLook(bound))).toEqual(quiet);
    expect(said(aLook())).toEqual(quiet);
  });

  it("of a guarded device with force", () => expect(said(guarded, { force: true })).toEqual(quiet));

  it.each(["driver", "observed"])("where ignoreChanges names %s, which the engine applies later", (name) => {
    expect(said(guarded, {}, [name])).toEqual(quiet);
  });

  it("where nobody looked", () => expect(said({ lookedAt: "t" })).toEqual(quiet));
});

describe("inputs that can't be right", () => {
  it("are told one by one, by their names, and end the preview", () => {
    const problems = [
      { property: "bus", message: "must not be empty" },
      { property: "connection.port", message: "must be from 1 to 65535" },
    ];
    refuseInputs(resource, problems);
    expect(error.mock.calls).toEqual([
      ["bus must not be empty. Nothing was sent to the board.", resource],
      ["connection.port must be from 1 to 65535. Nothing was sent to the board.", resource],
    ]);
    expect(process.exitCode).toBe(32);
  });

  it("are none where there is no problem", () => {
    refuseInputs(resource, []);
    expect([error.mock.calls, process.exitCode]).toEqual([[], 0]);
  });
});

describe("hostKeyChecking off", () => {
  it("is a warning, once for a board", () => {
    const open = aBinding({ connection: { host: "open-board", password: "p", hostKeyChecking: "off" } });
    for (const binding of [open, open, aBinding({})]) warnOfUnchecked(resource, binding);
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      'Host keys are not checked (connection.hostKeyChecking is "off"): whoever answers at open-board gets the credentials.',
    ]);
  });
});
