import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import fc from "fast-check";
import { DeviceBinding, type DeviceBindingArgs, injectLook } from "../../provider";
import { DevbindError } from "../../provider/errors";
import type { Observation } from "../../provider/transaction";
import { expectNoSecret, expectPlain, hush } from "./expectations";
import { type Ground, property } from "./frame";
import { hostileText } from "./hostile";
import { inputs, madeNames } from "./inputs";
import { changeAt, mutated, pathsOf, type Tree, treeOf } from "./mutation";
import { board, device } from "./observed";
import { printedBy } from "./silence";

/** How an input is handed over: as it is, or as one of the forms that Pulumi has for what comes later. */
const forms = { output: pulumi.output, promise: (value: unknown) => Promise.resolve(value), secret: pulumi.secret } as const;

interface Written {
  args: Tree;
  /** Which places of the inputs are handed over in which form. */
  later: { place: number; form: keyof typeof forms }[];
  /** What the look finds; or its error. */
  seen: Observation | { reason: string };
}

/** Pulumi's own registration puts every input into a text, and ends the program where an object can't be one. */
function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !["toString", "valueOf", "__proto__"].includes(key));
  return Object.fromEntries(kept.map(([key, inner]) => [key, asText(inner)]));
}

/** Nothing but a password to log in with, which can always be tried: no file and no key is wrong. */
const withPassword = inputs.map((given): Tree => ({ ...given, driver: "vfio-pci", connection: { host: "board-7.lab", password: hush } }));

const programs: fc.Arbitrary<Written> = fc.record({
  args: fc.oneof(mutated(inputs, 2), mutated(withPassword, 1)).map((args) => treeOf(asText(args))),
  later: fc.array(fc.record({ place: fc.nat({ max: 100 }), form: fc.constantFrom("output", "promise", "secret") }), { maxLength: 2 }),
  seen: fc.oneof(
    { weight: 3, arbitrary: fc.record({ board, devices: device.map((one) => [one]) }) },
    { weight: 1, arbitrary: hostileText.map((reason) => ({ reason })) },
  ),
});

const named = new Set([...madeNames, "inputs"]);

/** Makes Outputs, promises and secrets of some places, the deepest first: what is inside one must be wrapped before it. */
function handedOver({ args, later }: Written): Tree {
  const places = pathsOf(args).slice(1);
  const chosen = later.flatMap(({ place, form }) => {
    const path = places[place % Math.max(1, places.length)];
    return path === undefined ? [] : [{ path, form }];
  });
  const deepestFirst = [...chosen].sort((one, other) => other.path.length - one.path.length);
  return deepestFirst.reduce((tree, { path, form }) => treeOf(changeAt(tree, path, forms[form])), args);
}

/** Throws where a secret stands in what the engine is given, outside of what is marked as one. */
function expectMarked(value: unknown, path: string): void {
  if (typeof value === "string" && value.includes(hush)) throw new Error(`${path} is no secret in state`);
  if (typeof value !== "object" || value === null || pulumi.runtime.specialSigKey in value) return;
  for (const [key, inner] of Object.entries(value)) expectMarked(inner, `${path}.${key}`);
}

/** What the engine's side was given last. */
let registered: unknown;

/** What the program said in a case, and the code that it would end with. */
async function said(written: Written): Promise<string[]> {
  const { seen } = written;
  injectLook(async () => {
    if ("reason" in seen) throw new DevbindError("unreachable", { failed: seen.reason, now: "now", todo: "todo" });
    return seen;
  });
  const work = async () => {
    // The types say no to most of this, and JavaScript lets it through.
    const resource = new DeviceBinding("card", handedOver(written) as DeviceBindingArgs);
    await new Promise((resolve) => resource.urn.apply(resolve));
  };
  process.exitCode = 0;
  registered = undefined;
  return (await printedBy(() => inTime(work()))).printed;
}

async function meets(written: Written): Promise<string> {
  const printed = await said(written);
  expectMarked(registered, "the resource");
  for (const line of printed) {
    expectPlain(line, "what the program prints");
    expectNoSecret(line, "what the program prints");
  }
  const refused = printed.filter((line) => line.startsWith("error"));
  const nameless = refused.find((line) => !line.split(/[^A-Za-z]/).some((word) => named.has(word)));
  if (nameless !== undefined) throw new Error(`an error does not name its input: ${nameless}`);
  // What is true of a whole board is said on the first of its resources only.
  if (refused.length > 0 && process.exitCode !== 32) throw new Error(`${refused.length} errors, and the exit code ${process.exitCode}`);
  return process.exitCode === 32 ? "refused" : "goes on";
}

/** A Pulumi program in preview, with the engine's side mocked as Pulumi's own tests do, and a look that gives the case's answer. */
async function openProgram(): Promise<Ground<Written>> {
  const { exitCode } = process;
  const register = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (request, callback) {
    registered = request.getObject().toJavaScript();
    return register.call(this, request, callback);
  };
  const newResource = ({ name, inputs: state }: pulumi.runtime.MockResourceArgs) => ({ id: `${name}-id`, state });
  await pulumi.runtime.setMocks({ call: () => ({}), newResource }, "lab", "dev", true, "organization");
  const close = () => {
    injectLook(undefined);
    MockMonitor.prototype.registerResource = register;
    process.exitCode = exitCode;
  };
  return { meets, close };
}

/** The engine hears of every resource, whatever is wrong with it: nothing that is left unhandled keeps it from that. */
async function inTime(work: Promise<void>): Promise<void> {
  let end = (_: unknown) => {};
  const broken = new Promise<void>((_, reject) => {
    end = (reason) => reject(new Error("the resource was never registered", { cause: reason }));
  });
  const timer = setTimeout(end, 20_000);
  process.once("unhandledRejection", end);
  try {
    await Promise.race([work, broken]);
  } finally {
    clearTimeout(timer);
    process.off("unhandledRejection", end);
  }
}

export const ofPrograms = property({
  name: "a program: every DeviceBinding is registered, with its secrets marked and what is wrong said on it, by its name",
  share: 600,
  ends: ["refused", "goes on"],
  cases: programs,
  open: openProgram,
});
