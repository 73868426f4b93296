import * as pulumi from "@pulumi/pulumi";
import { judge, refuseInputs, warnOfSkipped, warnOfUnchecked } from "./judge";
import { looks, observe } from "./look";
import {
  type ConnectionArgs,
  claimantNamed,
  credentialProblems,
  type DeepFields,
  isDriverMissing,
  isPending,
  later,
  providerText,
  withSecrets,
} from "./resource";
import {
  type Binding,
  type BoardBindingsInput,
  type BoardObserved,
  bindingsOf,
  type Device,
  missingDriver,
  type Observed,
  type Outputs,
  type Problem,
  validateBoard,
} from "./schema";

type Entry = BoardBindingsInput["bindings"][string];

/** One device of a board, as a program writes it. */
export type BoardBinding = DeepFields<Omit<Entry, "driver">> & {
  /** The driver that shall own the device; null keeps the device without one. */
  driver: pulumi.Input<string | null>;
};

/** What a program writes. */
export type BoardBindingsArgs = DeepFields<Omit<BoardBindingsInput, "claimant" | "bindings" | "connection">> & {
  connection: pulumi.Input<ConnectionArgs>;
  /** The devices, each under a name that diffs and messages use. */
  bindings: pulumi.Input<Record<string, pulumi.Input<BoardBinding>>>;
};

/** The resource's type (frozen). */
export const boardBindingsType = "pulumi-nodejs:dynamic/devbind:BoardBindings";

/**
 * Many devices of one board, each with its driver: one login, one look, one transaction, all or nothing. What must be unbound is
 * unbound first, children before their parents, then all is bound, parents first; a failure undoes all of it. Adding, changing or
 * removing an entry touches only its device, and drift is told by the entry's name.
 * Refuses, in the preview: what `DeviceBinding` refuses, and two entries that mean one device.
 */
export class BoardBindings extends pulumi.CustomResource {
  /** What is known of each device, under its entry's name: as the outputs of a `DeviceBinding`. */
  declare readonly devices: pulumi.Output<Record<string, Outputs>>;
  /** A hash of what the board says of itself; its address if it says nothing. */
  declare readonly boardId: pulumi.Output<string | undefined>;
  /** The kernel's id of this boot. */
  declare readonly bootId: pulumi.Output<string | undefined>;
  /** Who claims the devices on the board: organisation/project/stack/name, or `claimAs`. */
  declare readonly claimant: pulumi.Output<string>;
  /** Why the board was left out (`whenUnreachable: "skip"`); null where it was not. */
  declare readonly skipped: pulumi.Output<string | null>;

  constructor(name: string, args: BoardBindingsArgs, options: pulumi.CustomResourceOptions = {}) {
    const claimant = claimantNamed(name);
    const observed = later();
    const outputs = { devices: undefined, boardId: undefined, bootId: undefined, skipped: undefined };
    const connection = withSecrets(args.connection);
    super(
      boardBindingsType,
      name,
      { ...outputs, ...args, claimant, connection, observed: observed.output, __provider: providerText },
      options,
    );
    const problems = problemsOf({ ...args, claimant });
    if (problems.length > 0) {
      refuseInputs(this, problems);
      observed.resolve(pulumi.output({ lookedAt: "", invalid: true }));
      return;
    }
    observed.resolve(pulumi.unsecret(pulumi.output({ ...args, claimant }).apply((inputs) => lookAndJudge(this, inputs, options))));
  }
}

/** Looks as soon as all inputs are known; in a preview in which one is not, this never runs and the look stays unknown. */
async function lookAndJudge(
  resource: BoardBindings,
  inputs: Record<string, unknown>,
  options: pulumi.CustomResourceOptions,
): Promise<BoardObserved | undefined> {
  const problems = problemsOf(inputs);
  const { bindings: board } = validateBoard(inputs, () => false);
  if (problems.length > 0 || !board) {
    refuseInputs(resource, problems);
    return { lookedAt: "", invalid: true };
  }
  const bindings = Object.entries(bindingsOf(board));
  const first = bindings[0];
  if (!looks() || !first) return undefined;
  warnOfUnchecked(resource, first[1]);
  const looked = await Promise.all(bindings.map(async ([entry, binding]) => ({ entry, binding, observed: await observe(binding) })));
  for (const { binding, observed } of looked.slice(0, 1)) warnOfSkipped(resource, binding, observed);
  if (pulumi.runtime.isDryRun()) judgeAll(resource, looked, options);
  return together(looked);
}

interface Looked {
  entry: string;
  binding: Binding;
  observed: Observed;
}

/** A board that gave no answer is told once. */
function judgeAll(resource: BoardBindings, looked: Looked[], options: pulumi.CustomResourceOptions): void {
  const isReached = looked[0]?.observed.unreachable === undefined;
  for (const { entry, binding, observed } of isReached ? looked : looked.slice(0, 1))
    judge(
      resource,
      { binding, observed, path: `bindings.${entry}.`, together: devicesOf(looked.filter((one) => one.entry !== entry)) },
      options,
    );
}

const devicesOf = (looked: Looked[]): Record<string, Device> =>
  Object.fromEntries(looked.flatMap(({ entry, observed: { device } }) => (device === undefined ? [] : [[entry, device]])));

/** The looks at a board's devices, which travelled together, as one. */
function together(looked: Looked[]): BoardObserved | undefined {
  const first = looked[0]?.observed;
  if (first === undefined) return undefined;
  const { device: _, ...ofBoard } = first;
  return { ...ofBoard, ...(first.unreachable === undefined && { devices: devicesOf(looked) }) };
}

/** What is wrong with the inputs that are known by now, key files included. */
function problemsOf(inputs: Record<string, unknown>): Problem[] {
  const { problems, bindings } = validateBoard(inputs, isPending);
  const given = typeof inputs.bindings === "object" && inputs.bindings !== null && !isPending(inputs.bindings) ? inputs.bindings : {};
  const without = Object.entries(given).filter(([, binding]) => isDriverMissing(binding));
  const missing = without.map(([entry]) => missingDriver(`bindings.${entry}.`));
  return [...problems, ...missing, ...(missing.length > 0 ? [] : credentialProblems(bindings?.connection))];
}
