import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { card, clock, driverOf, events, otherCard, rebindByHand, seen } from "./eyes";
import { type Bindings, connectionTo, inputsOf, onePass, outputsOf, type ProgramStack, told, useLab } from "./lab";

const lab = useLab(["b1".repeat(16)]);

/** One binding that repairs, one that reports, and one whose look is ignored. */
function bindings(more: Record<string, unknown> = {}): Bindings {
  const connection = connectionTo(lab.board());
  return {
    card: { args: { connection, bus: card[0], device: card[1], driver: "vfio-pci", ...more } },
    reported: { args: { connection, bus: otherCard[0], device: otherCard[1], driver: "vfio-pci", onDrift: "report" } },
    ignored: { args: { connection, bus: clock[0], device: clock[1], driver: null }, options: { ignoreChanges: ["observed"] } },
  };
}

const words = "driver is e1000e, not vfio-pci";
const others = ["ignored: same", "reported: same"];
/** The others are left out: a refresh that records a strange driver makes the next up repair it. */
const refreshCard = onePass({ extraArguments: ["--target", "**::card"] });

describe("a device that was rebound by hand", () => {
  let stack: ProgramStack;
  let inputs: unknown;

  test("was bound", async () => {
    stack = await lab.openProgram(bindings());
    await stack.up(onePass());
    inputs = inputsOf(await stack.state(), "card");
    expect(await seen(lab.board(), card, otherCard, clock)).toEqual(["vfio-pci", "vfio-pci", "vfio-pci", "vfio-pci", "", "(null)"]);
  });

  test("shows on a plain preview, back to the driver that it had at create, and twice in a row", async () => {
    await rebindByHand(lab.board(), card, "e1000e");
    await rebindByHand(lab.board(), otherCard, "e1000e");
    await rebindByHand(lab.board(), clock, "rtc-pl031");
    for (const _ of ["once", "twice"]) {
      const preview = await stack.preview({ extraArguments: ["--diff"] });
      expect(told(preview)).toEqual(["card: update drift", ...others]);
      expect(preview.stdout).toMatch(new RegExp(`^ *\\+ drift +: "${words}"$`, "m"));
      const said = preview.messages.map(({ severity, text, resource }) => [
        severity,
        text,
        resource === undefined || /-test-/.test(resource),
      ]);
      expect(said).toEqual([["info", expect.stringMatching(new RegExp(`/reported: drift, left alone as onDrift says: ${words}$`)), true]]);
    }
  });

  test("is repaired by up; what is only reported or ignored is left alone", async () => {
    expect(told(await stack.up(onePass()))).toEqual(["card: update drift", ...others]);
    expect(await seen(lab.board(), card, otherCard, clock)).toEqual([
      ...["vfio-pci", "vfio-pci"],
      ...["e1000e", "(null)"],
      ...["rtc-pl031", "(null)"],
    ]);
  });

  test("is unchanged for a refresh right after the repair, and for a preview", async () => {
    const refresh = await stack.refresh(refreshCard);
    expect(refresh.steps.find(({ name }) => name === "card")).toMatchObject({ operation: "same", changed: [], changedOutputs: [] });
    expect(told(await stack.preview())).toEqual(["card: same", ...others]);
  });

  test("shows again when it is rebound in the same way again", async () => {
    await rebindByHand(lab.board(), card, "e1000e");
    const preview = await stack.preview({ extraArguments: ["--diff"] });
    expect(told(preview)).toEqual(["card: update drift", ...others]);
    expect(preview.stdout).toContain(words);
    await stack.up(onePass());
    expect(await driverOf(lab.board(), card)).toBe("vfio-pci");
    await rebindByHand(lab.board(), card, "e1000e");
    expect(told(await stack.preview())).toEqual(["card: update drift", ...others]);
  });

  test("keeps to its plan: what a preview saved, up does", async () => {
    const env = { PULUMI_EXPERIMENTAL: "true" };
    const plan = join(stack.folder, "plan.json");
    await stack.preview({ env, extraArguments: ["--save-plan", plan] });
    expect(told(await stack.up(onePass({ env, extraArguments: ["--plan", plan] })))).toContain("card: update drift");
    expect(await driverOf(lab.board(), card)).toBe("vfio-pci");
  });

  test("shows its live driver in a refresh, which records it and leaves the inputs as they were", async () => {
    await rebindByHand(lab.board(), card, "e1000e");
    const found = (await stack.refresh(refreshCard)).steps.find(({ name }) => name === "card");
    expect(found).toMatchObject({ operation: "update", changed: [], changedOutputs: expect.arrayContaining(["currentDriver"]) });
    const state = await stack.state();
    expect(outputsOf(state, "card")).toMatchObject({ currentDriver: "e1000e", previousDriver: "e1000e" });
    expect(withoutDrift(inputsOf(state, "card"))).toEqual(withoutDrift(inputs));
    expect(told(await stack.up(onePass()))).toContain("card: update drift");
    expect(await driverOf(lab.board(), card)).toBe("vfio-pci");
  });

  test("is not rebound when only address, credentials or options change", async () => {
    const { privateKeyPath, hostKey, port } = lab.board();
    const before = await events(lab.board());
    await stack.write(bindings({ connection: { host: "localhost", port, privateKeyPath, hostKey }, timeoutSeconds: 45 }));
    const done = (await stack.up(onePass())).steps.filter(({ name }) => name === "card");
    expect(done).toMatchObject([{ operation: "update", failed: false }]);
    expect(done[0]?.changed).toEqual(expect.arrayContaining(["connection", "timeoutSeconds"]));
    expect(await events(lab.board())).toBe(before);
    expect(told(await stack.preview())).toEqual(["card: same", ...others]);
  });
});

/** Inputs without the drift, which is recorded until the next update without one, and without secrets, encrypted anew each time. */
function withoutDrift(inputs: unknown): unknown {
  const { drift, lastDrift, connection, ...rest } = Object(inputs);
  return { ...rest, host: connection.host };
}
