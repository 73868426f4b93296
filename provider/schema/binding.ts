import { z } from "zod";
import { identitySchema, type Selector, selectorSchema, wrongBus } from "../selector";
import { connectionSchema } from "./connection";
import { unknownValue } from "./unknown";
import { driverName, isWhole, kernelName, must, notYet, orNull, text, whole } from "./words";

/** What modprobe, the kernel's parser and a file's name all take as one word. */
const isParameterName = /^([A-Za-z0-9_][A-Za-z0-9_-]*\.)?[A-Za-z0-9_][A-Za-z0-9_-]*$/;
const moduleParameters = z
  .record(z.string(), z.string(must("must be a text")), must("must be an object of texts"))
  .superRefine((parameters, context) => {
    const refuse = (name: string, message: string) => context.addIssue({ code: "custom", path: [name], message });
    for (const [name, value] of Object.entries(parameters)) {
      if (name.length > 120 || !isParameterName.test(name)) refuse(name, 'must be named as "parameter" or "module.parameter"');
      if (!/^[A-Za-z0-9._:,@+=!%/-]{1,1000}$/.test(value))
        refuse(name, 'must be 1 to 1000 letters, digits and "._:,@+=!%/-": modprobe would split or change others');
    }
  });

const flag = z.boolean(must("must be true or false")).default(false);

/** What a user writes for one device. */
export const entryFields = {
  bus: kernelName,
  device: z.union([kernelName, selectorSchema], must("must be the device's name or a selector")),
  driver: orNull(driverName),
  strategy: z.enum(["auto", "override", "bind", "new-id"], must('must be "auto", "override", "bind" or "new-id"')).default("auto"),
  newIdMayClaim: z.array(kernelName, must("must be a list of devices' names")).optional(),
  module: z.union([kernelName, z.literal(false)], must("must be a module's name, or false for none")).optional(),
  moduleParameters: moduleParameters.optional(),
  triggers: z.array(z.unknown(), must("must be a list")).default([]),
  expect: identitySchema.optional(),
  /** Takes the other devices of its IOMMU group along; bridges stay as they are. */
  wholeIommuGroup: flag,
  /** Takes the other functions of its PCI slot along. */
  wholeSlot: flag,
  onDelete: z.enum(["restore", "unbind", "probe", "keep"], must('must be "restore", "unbind", "probe" or "keep"')).default("restore"),
  onDrift: z.enum(["repair", "report"], must('must be "repair" or "report"')).default("repair"),
  persist: flag,
  force: flag,
  /** Resources of this stack (by name), or other claimants, from which the claim may be taken over: how a device moves between resources. */
  claimFrom: z.array(text, must("must be a list of resources' names")).optional(),
};

/** What a user writes for the transaction that one resource is: all its devices are of one board. */
export const transactionFields = {
  confirmSeconds: z
    .int(must("must be a whole number of seconds"))
    .min(10, { error: "must be at least 10 seconds" })
    .max(3600, { error: "must be at most 3600 seconds" })
    .optional(),
  afterRebind: z
    .array(z.string(must("must be a text")).refine(isWhole, whole), must("must be a command as a list of words"))
    .min(1, { error: "must be a command as a list of words" })
    .optional(),
  timeoutSeconds: z
    .int(must("must be a whole number of seconds"))
    .min(2, { error: "must be at least 2 seconds" })
    .max(3600, { error: "must be at most 3600 seconds" })
    .default(30),
  whenUnreachable: z.enum(["error", "skip"], must('must be "error" or "skip"')).default("error"),
  deleteUnreachable: flag,
  claimAs: text.max(255, { error: "must not be longer than 255 characters" }).refine(isWhole, whole).optional(),
  stateDirectory: notYet(text.optional()),
};

/** All that a user writes for a device that is a resource of its own. */
export const wishFields = { ...entryFields, ...transactionFields };

/** One that a bus has not is told at the selector. */
function checkBus({ bus, device }: { bus: string; device: string | Selector }, context: z.RefinementCtx): void {
  const message = typeof device === "string" || bus === unknownValue ? undefined : wrongBus(device, bus);
  if (message !== undefined && typeof device !== "string") context.addIssue({ code: "custom", path: ["device", device.key], message });
}

const claimant = text.max(600).default("unknown");

/** One device's binding, as a program writes it and as the provider gets it; `claimant` comes from the constructor. */
export const bindingSchema = z.strictObject({ connection: connectionSchema, ...wishFields, claimant }).superRefine(checkBus);
export type Binding = z.infer<typeof bindingSchema>;
export type BindingInput = z.input<typeof bindingSchema>;

/** The name of one binding of a board. */
export const entryName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,99}$/, {
  error: 'must be a name of 1 to 100 letters, digits and "._:@-", not starting with a dot, colon, @ or dash',
});

/** Many devices of one board, each under a name that diffs and messages use: one transaction, all or nothing. */
export const boardBindingsSchema = z.strictObject({
  connection: connectionSchema,
  bindings: z.record(
    entryName,
    z.strictObject(entryFields, must("must be a binding")).superRefine(checkBus),
    must("must be an object of bindings"),
  ),
  ...transactionFields,
  claimant,
});
export type BoardBindings = z.infer<typeof boardBindingsSchema>;
export type BoardBindingsInput = z.input<typeof boardBindingsSchema>;

/** Each entry as a binding of its own. */
export function bindingsOf({ bindings, ...shared }: BoardBindings): Record<string, Binding> {
  return Object.fromEntries(Object.entries(bindings).map(([entry, binding]) => [entry, { ...shared, ...binding }]));
}
