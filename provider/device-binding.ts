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
import { type BindingInput, type Observed, type Outputs, type Problem, type Sibling, validate, missingDriver } from "./schema";

/** What a program writes. */
export type DeviceBindingArgs = DeepFields<Omit<BindingInput, "claimant" | "driver" | "connection">> & {
  connection: pulumi.Input<ConnectionArgs>;
  /** The driver that shall own the device; null keeps the device without one. */
  driver: pulumi.Input<string | null>;
};

/** A device by what it is, in place of its name: exactly one key. The board resolves it anew at each operation. */
export type DeviceSelector = DeepFields<Exclude<BindingInput["device"], string>>;

/** The resource's type (frozen). */
export const deviceBindingType = "pulumi-nodejs:dynamic/devbind:DeviceBinding";

type OutputProperties = { [K in keyof Outputs]: pulumi.Output<Outputs[K]> };
const noOutputs: { [K in keyof Omit<Outputs, "claimant">]: undefined } = {
  currentDriver: undefined,
  previousDriver: undefined,
  previousOverride: undefined,
  driverOverride: undefined,
  deviceName: undefined,
  modalias: undefined,
  iommuGroup: undefined,
  groupViable: undefined,
  groupBlockers: undefined,
  vfioPath: undefined,
  sysfsPath: undefined,
  boardId: undefined,
  bootId: undefined,
  siblings: undefined,
  skipped: undefined,
};

/**
 * This device belongs to this driver: on the board that `connection` reaches, over SSH. Creating, changing and deleting it rebinds the
 * device in one transaction that ends done, undone or stuck with the step named. Every preview looks at the board, so a device that
 * was rebound by hand shows as `drift`. An input that can't be right, a guarded device (the session's card, a mounted disk, the
 * console) or one that somebody else claims is refused in the preview, on this resource.
 */
export class DeviceBinding extends pulumi.CustomResource implements OutputProperties {
  /** The driver that has the device, null for none. */
  declare readonly currentDriver: pulumi.Output<string | null>;
  /** The driver that had the device at create, null for none: what `onDelete: "restore"` goes back to. */
  declare readonly previousDriver: pulumi.Output<string | null>;
  /** The override that was set at create, null for none. */
  declare readonly previousOverride: pulumi.Output<string | null>;
  /** The override that is set, null for none or where the bus has no overrides. */
  declare readonly driverOverride: pulumi.Output<string | null>;
  /** The device's name on its bus. */
  declare readonly deviceName: pulumi.Output<string>;
  /** The device's modalias, null where it has none. */
  declare readonly modalias: pulumi.Output<string | null>;
  /** The number of the IOMMU group, null without one. */
  declare readonly iommuGroup: pulumi.Output<string | null>;
  /** Whether every device of the group is on vfio, or has no driver that does DMA. */
  declare readonly groupViable: pulumi.Output<boolean>;
  /** The devices that keep the group from being viable, as "name (driver)". */
  declare readonly groupBlockers: pulumi.Output<string[]>;
  /** The group's file for a VM: `/dev/vfio/<group>`; null while there is none. */
  declare readonly vfioPath: pulumi.Output<string | null>;
  /** Where the device lies in sysfs. */
  declare readonly sysfsPath: pulumi.Output<string | null>;
  /** A hash of what the board says of itself; its address if it says nothing. */
  declare readonly boardId: pulumi.Output<string>;
  /** The kernel's id of this boot. */
  declare readonly bootId: pulumi.Output<string>;
  /** Who claims the device on the board: organisation/project/stack/name, or `claimAs`. */
  declare readonly claimant: pulumi.Output<string>;
  /** The devices that were taken along (`wholeIommuGroup`, `wholeSlot`), with what each had before. */
  declare readonly siblings: pulumi.Output<Sibling[]>;
  /** Why the board was left out (`whenUnreachable: "skip"`); null where it was not. */
  declare readonly skipped: pulumi.Output<string | null>;

  constructor(name: string, args: DeviceBindingArgs, options: pulumi.CustomResourceOptions = {}) {
    const claimant = claimantNamed(name);
    const observed = later();
    super(
      deviceBindingType,
      name,
      { ...noOutputs, ...args, claimant, connection: withSecrets(args.connection), observed: observed.output, __provider: providerText },
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
  resource: DeviceBinding,
  inputs: Record<string, unknown>,
  options: pulumi.CustomResourceOptions,
): Promise<Observed | undefined> {
  const problems = problemsOf(inputs);
  const { binding } = validate(inputs, () => false);
  if (problems.length > 0 || !binding) {
    refuseInputs(resource, problems);
    return { lookedAt: "", invalid: true };
  }
  if (!looks()) return undefined;
  warnOfUnchecked(resource, binding);
  const observed = await observe(binding);
  warnOfSkipped(resource, binding, observed);
  if (pulumi.runtime.isDryRun()) judge(resource, { binding, observed, path: "" }, options);
  return observed;
}

/** What is wrong with the inputs that are known by now, key files included. */
function problemsOf(inputs: Record<string, unknown>): Problem[] {
  const { problems, binding } = validate(inputs, isPending);
  if (isDriverMissing(inputs)) return [...problems, missingDriver()];
  return [...problems, ...credentialProblems(binding?.connection)];
}
