import { z } from "zod";
import { identitySchema, selectorKeys, selectorSchema, wrongBus } from "./selector";

/**
 * Every shape that crosses a border: what a user writes, what a look brings, what lies in Pulumi's state. Types come only from
 * here, by `z.infer`. Inputs that a later version builds are here from the start and are refused with a clear word, so that no
 * program silently means something else after an upgrade.
 */

/** "is missing" for nothing at all, else the given word. */
const must = (word: string) => ({ error: (issue: { input?: unknown }) => (issue.input === undefined ? "is missing" : word) });

/** Accepts a missing value as `null`, as the engine does in its own comparisons. */
const orNull = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? null);

/** The type of a later version, of which this one takes only the values named. */
const notYet = <T extends z.ZodType>(type: T, allowed: readonly unknown[] = [], hint = "") =>
  type.refine((value) => value === undefined || allowed.includes(value), {
    error: ({ input }) => `${typeof input === "string" && allowed.length > 0 ? `"${input}" ` : ""}is not built yet in this version${hint}`,
  });

const isKernelName = /^[A-Za-z0-9_:@+=!%,][A-Za-z0-9 ._:@+=!%,-]*$/;

/**
 * The name of a bus, device, driver or module as the kernel's folders have it: 1 to 255 bytes of letters, digits, spaces and
 * `._:,@+=!%-`; nothing that a path or a shell could read as its own.
 */
export const kernelName = z
  .string(must("must be a text"))
  .min(1, { error: "must not be empty" })
  .refine((name) => Buffer.byteLength(name) <= 255, { error: "must not be longer than 255 bytes" })
  .refine((name) => name === "" || (isKernelName.test(name) && !name.includes("..") && !name.endsWith(" ")), {
    error:
      'must be letters, digits, spaces and "._:,@+=!%-", without "..", not starting with a space, dot or dash, nor ending with a space',
  });

const driverName = z
  .string(must("must be a text"))
  .refine((name) => name !== "(null)", { error: "is no driver's name; null keeps the device without a driver", abort: true })
  .pipe(kernelName);
const seconds = (least: number) => z.number(must("must be a number of seconds")).min(least, { error: `must be at least ${least} seconds` });
const text = z.string(must("must be a text")).min(1, { error: "must not be empty" });
const port = z
  .int(must("must be a whole number from 1 to 65535"))
  .min(1, { error: "must be from 1 to 65535" })
  .max(65535, { error: "must be from 1 to 65535" });

/** What arrives on a board as it was written: an argument holds no NUL, and half a letter is none in UTF-8. */
const isWhole = (words: string): boolean => !/[\0\p{Surrogate}]/u.test(words);
const whole = { error: "must not hold NUL or half a letter" };

const hop = {
  host: text.regex(/^[A-Za-z0-9._:%[\]-]+$/, { error: "must be an address or a host name" }),
  port: port.optional(),
  user: text.optional(),
  password: text.optional(),
  privateKey: text.optional(),
  privateKeyPath: text.optional(),
  privateKeyPassword: text.optional(),
  agentSocketPath: text.optional(),
  dialErrorLimit: z.int(must("must be a whole number")).min(-1, { error: "must be -1 (no limit) or more" }).default(10),
  perDialTimeout: seconds(0).default(15),
  hostKey: text.optional(),
};

export const connectionFields = {
  ...hop,
  proxy: z.strictObject(hop, must("must be a connection")).optional(),
  jumps: z.array(z.strictObject(hop, must("must be a connection")), must("must be a list of connections")).optional(),
  configFile: text.optional(),
  knownHosts: z.union([text, z.array(text)], { error: "must be a path or a list of paths" }).optional(),
  hostKeyChecking: z.enum(["strict", "accept-new", "off"], must('must be "strict", "accept-new" or "off"')).default("strict"),
  become: z.enum(["sudo", "doas", "su"], must('must be "sudo", "doas" or "su"')).optional(),
  becomePassword: text.optional(),
};

/**
 * How to reach a board: every field and default of `@pulumi/command`'s `remote.ConnectionArgs`, and ours. `dialErrorLimit` counts
 * failed dials (-1: no limit); `perDialTimeout` is in seconds (0: no limit). Relative paths start at the folder of Pulumi.yaml.
 * `port` and `user` are 22 and root, unless there is a `configFile`, which may say otherwise: then they stay open here.
 */
export const connectionSchema = z
  .strictObject(connectionFields, must("must be a connection"))
  .superRefine(({ proxy, jumps, become, becomePassword }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
    if (proxy !== undefined && jumps !== undefined) refuse("jumps", "can't stand beside `proxy`: put that one first into the list");
    if (becomePassword === undefined) return;
    if (become === undefined) refuse("becomePassword", "is for `become`, which is not set");
    if (become === "doas") refuse("becomePassword", "is of no use: doas reads no password from a script; give the user a `nopass` rule");
    if (/[\0\r\n]/.test(becomePassword)) refuse("becomePassword", "must be one line");
  })
  .transform(({ jumps, proxy, ...board }) => {
    const filled = board.configFile === undefined ? { port: 22, user: "root" } : undefined;
    const fill = <T extends { port?: number; user?: string }>(one: T): T =>
      filled === undefined ? one : { ...one, port: one.port ?? filled.port, user: one.user ?? filled.user };
    return { ...fill(board), ...(proxy && { proxy: fill(proxy) }), ...(jumps && { jumps: jumps.map(fill) }) };
  });
export type Connection = z.infer<typeof connectionSchema>;

/** What of a connection everybody may read. All else is secret in state whatever the user did, also what nobody knows: a misspelt password. */
export const openFields: readonly string[] = [
  ...["host", "port", "user", "privateKeyPath", "agentSocketPath", "dialErrorLimit", "perDialTimeout", "hostKey"],
  ...["knownHosts", "hostKeyChecking", "configFile", "become"],
];

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

/** What a user writes for one device. */
export const wishFields = {
  bus: kernelName,
  device: z.union([kernelName, selectorSchema], must("must be the device's name or a selector")),
  driver: orNull(driverName),
  strategy: z.enum(["auto", "override", "bind", "new-id"], must('must be "auto", "override", "bind" or "new-id"')).default("auto"),
  newIdMayClaim: z.array(kernelName, must("must be a list of devices' names")).optional(),
  module: z.union([kernelName, z.literal(false)], must("must be a module's name, or false for none")).optional(),
  moduleParameters: moduleParameters.optional(),
  triggers: z.array(z.unknown(), must("must be a list")).default([]),
  expect: identitySchema.optional(),
  wholeIommuGroup: notYet(z.boolean(must("must be true or false")).default(false), [false]),
  onDelete: z.enum(["restore", "unbind", "probe", "keep"], must('must be "restore", "unbind", "probe" or "keep"')).default("restore"),
  onDrift: z.enum(["repair", "report"], must('must be "repair" or "report"')).default("repair"),
  persist: z.boolean(must("must be true or false")).default(false),
  force: z.boolean(must("must be true or false")).default(false),
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
  whenUnreachable: notYet(z.enum(["error", "skip"], must('must be "error" or "skip"')), ["error"]).default("error"),
  deleteUnreachable: z.boolean(must("must be true or false")).default(false),
  claimAs: text.max(255, { error: "must not be longer than 255 characters" }).refine(isWhole, whole).optional(),
  stateDirectory: notYet(text.optional()),
};

/** One device's binding, as a program writes it and as the provider gets it; `claimant` comes from the constructor. */
export const bindingSchema = z
  .strictObject({ connection: connectionSchema, ...wishFields, claimant: text.max(600).default("unknown") })
  .superRefine(({ bus, device }, context) => {
    const message = typeof device === "string" || bus === unknownValue ? undefined : wrongBus(device, bus);
    if (message !== undefined && typeof device !== "string") context.addIssue({ code: "custom", path: ["device", device.key], message });
  });
export type Binding = z.infer<typeof bindingSchema>;
export type BindingInput = z.input<typeof bindingSchema>;

/** A board as a look finds it. */
export const boardSchema = z.object({
  boardId: z.string(),
  bootId: z.string(),
  hostName: z.string(),
  kernel: z.string(),
  isRoot: z.boolean(),
  isSysfsWritable: z.boolean(),
  stateFolder: orNull(z.string()),
  condition: z.enum(["quiet", "busy"]),
  /** Whether a binding can be kept over a reboot, where that was asked. */
  keeping: z
    .object({
      /** Why not: no systemd; /etc is read-only, in memory, or an overlay of which that is not known. */
      obstacle: z.enum(["systemd", "readonly", "memory", "unknown"]).nullable(),
      /** What brings bindings back at boot: there and ours, missing or changed, or something of that name that is not ours. */
      unit: z.enum(["right", "wrong", "foreign"]),
    })
    .nullish(),
});
export type Board = z.infer<typeof boardSchema>;

const claimSchema = z.object({
  claimant: z.string(),
  driver: orNull(z.string()),
  override: orNull(z.string()),
  /** The network interface by which the device was chosen, where it was chosen so. */
  networkInterface: z.string().nullish(),
  /** The drivers to which an id was added for this device. */
  idDrivers: z.array(z.string()).optional(),
});

/** A file that keeps a binding over reboots: broken; whole; or right, as the board would write it today. */
const keptSchema = z.object({
  is: z.enum(["broken", "whole", "right"]),
  claimant: orNull(z.string()),
  driver: orNull(z.string()),
  /** Undefined where the bus has no overrides. */
  override: z.string().nullish(),
});

const boundSchema = z.object({ name: z.string(), driver: orNull(z.string()) });

const wantedSchema = z.object({
  isRegistered: z.boolean(),
  canBind: z.boolean(),
  isLoadable: orNull(z.boolean()),
  /** Why no module can be loaded at all: the kernel has none, takes none any more until it is booted, or none is installed for it. */
  lack: z.enum(["kernel", "disabled", "release"]).nullish(),
  /** Whether it takes new ids, and lets go of them again. */
  takesIds: z.enum(["no", "add", "both"]).nullish(),
  /** Whether an id that its module lists matches the device; null where that is not known or does not matter. */
  isMatch: z.boolean().nullish(),
});

/**
 * How a module parameter is: `wrong`, or `fixed` in a module that is the kernel's own; `hidden` where the module shows no such
 * parameter; `unloaded`, and `none` where the module that would be loaded has no such parameter.
 */
const parameterSchema = z.object({
  module: orNull(z.string()),
  name: z.string(),
  is: z.enum(["right", "wrong", "fixed", "hidden", "unloaded", "none"]),
  value: orNull(z.string()),
});

/** What vfio asks of board and device; null where it is not loaded, or not known. */
const vfioSchema = z.object({
  hasIommu: z.boolean(),
  /** Whether it goes without an IOMMU; "absent" where the kernel knows no such mode. */
  noIommu: z.enum(["Y", "N", "absent"]).nullable(),
  /** Whether the board has a reset function for the device. */
  hasReset: z.boolean().nullable(),
  /** Whether the driver wants one. */
  needsReset: z.enum(["Y", "N"]).nullable(),
});

/**
 * A device as a look finds it. Where `isPresent` is false only `isBusPresent`, `similarNames` and `matches` mean anything; for a
 * selector that does not mean exactly one, `name` then says it in words.
 */
export const deviceSchema = z.object({
  bus: z.string(),
  name: z.string(),
  isBusPresent: z.boolean(),
  isPresent: z.boolean(),
  /** The names that there are, or what a selector could have said. */
  similarNames: z.array(z.string()).default([]),
  /** The devices that a selector means, where these are several. */
  matches: z.array(boundSchema).default([]),
  /** What it was chosen by, where that was not its name. */
  selector: z.object({ key: z.enum(selectorKeys), value: z.string() }).nullish(),
  driver: orNull(z.string()),
  canUnbind: z.boolean().default(false),
  override: orNull(z.string()),
  hasOverride: z.boolean().default(false),
  journal: z.enum(["none", "interrupted", "running", "stuck"]).default("none"),
  modalias: orNull(z.string()),
  compatible: z.array(z.string()).default([]),
  sysfsPath: orNull(z.string()),
  iommuGroup: orNull(z.string()),
  groupMembers: z.array(boundSchema).default([]),
  /** The bound devices below it and those that it supplies: they lose their drivers with it. */
  dependents: z.array(boundSchema).default([]),
  /** The processes that have one of its files in /dev open, as "name/pid". */
  holders: z.array(z.string()).default([]),
  vfioPath: orNull(z.string()),
  wanted: orNull(wantedSchema),
  /** What new_id would be given for it (null: its files don't tell), and who else has this id; only where it was asked for. */
  newId: z.object({ id: orNull(z.string()), others: z.array(boundSchema) }).optional(),
  /** The module parameters that were asked for. */
  parameters: z.array(parameterSchema).optional(),
  vfio: vfioSchema.optional(),
  guard: orNull(z.string()),
  claim: orNull(claimSchema),
  /** What brings the device to a driver at the next boot, where something does. */
  kept: keptSchema.nullish(),
  /** The files of others that give it a driver too, where that was asked. */
  coOwners: z.array(z.string()).optional(),
});
export type Device = z.infer<typeof deviceSchema>;

/** What the program's look gives to the provider's check: an observation, or why there is none. */
export const observedSchema = z.object({
  lookedAt: z.string(),
  board: boardSchema.optional(),
  device: deviceSchema.optional(),
  /** Why the board gave no answer; `isCertain` where no waiting helps: an unknown host key, wrong credentials. */
  unreachable: z.string().optional(),
  isCertain: z.boolean().optional(),
  /** The program has refused these inputs already, on the resource. */
  invalid: z.boolean().optional(),
});
export type Observed = z.infer<typeof observedSchema>;

/** What the resource knows after an operation, beside its inputs. */
export const outputsSchema = z.object({
  currentDriver: orNull(z.string()),
  previousDriver: orNull(z.string()),
  previousOverride: orNull(z.string()),
  driverOverride: orNull(z.string()),
  deviceName: z.string(),
  modalias: orNull(z.string()),
  iommuGroup: orNull(z.string()),
  groupViable: z.boolean().default(false),
  groupBlockers: z.array(z.string()).default([]),
  vfioPath: orNull(z.string()),
  sysfsPath: orNull(z.string()),
  boardId: z.string(),
  bootId: z.string(),
  claimant: z.string(),
});
export type Outputs = z.infer<typeof outputsSchema>;

/** One input that can't be right. */
export interface Problem {
  /** The input as a path: `connection.port`. */
  property: string;
  /** What is wrong with it, to be read after its name. */
  message: string;
  /** The whole message, where it is worded already. */
  text?: string;
}
export type Validation = { problems: Problem[]; binding?: Binding };

/** The engine's sign for a value that is not known before the update (`@pulumi/pulumi` runtime/rpc). */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * Checks inputs of which some may be unknown yet: what `isUnknown` says yes to, and all below it, is passed over. `binding` is
 * there only when everything is known and right. Nulls count as missing.
 */
export function validate(
  inputs: Record<string, unknown>,
  isUnknown: (value: unknown) => boolean = (value) => value === unknownValue,
): Validation {
  const given = withoutNulls(inputs);
  const parsed = bindingSchema.safeParse(given);
  const unknownSomewhere = holdsUnknown(given, isUnknown);
  if (parsed.success) return unknownSomewhere ? { problems: [] } : { problems: [], binding: parsed.data };
  const problems = parsed.error.issues
    .flatMap(ofUnion)
    .filter((issue) => !isUnknownAt(given, issue.path, isUnknown))
    .map((issue) => ({
      property: pathOf(issue.path) || "inputs",
      message:
        issue.code === "unrecognized_keys" ? `does not know ${issue.keys.map((key) => `"${shown(key)}"`).join(", ")}` : issue.message,
    }));
  return { problems };
}

/** "connection.jumps[0].host", as the engine writes paths. */
const pathOf = (path: readonly PropertyKey[]): string =>
  path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${shown(key)}`)).join("");

/** A key that a user wrote, fit to print. */
const shown = (key: PropertyKey): string => String(key).replace(/\p{C}/gu, "?").slice(0, 100);

/** Where a value of several forms was meant as an object or a list and is none of the others: what is wrong in it, by its path. */
function ofUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  const branches = issue.code === "invalid_union" ? issue.errors : [];
  const own = ["unrecognized_keys", "custom"];
  const meant = branches.find((issues) => issues.every(({ code, path }) => own.includes(code) || path.length > 0));
  return meant?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(kept.map(([key, inner]) => [key, isPlainObject(inner) ? withoutNulls(inner) : inner]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function holdsUnknown(value: unknown, isUnknown: (value: unknown) => boolean): boolean {
  if (isUnknown(value)) return true;
  if (Array.isArray(value)) return value.some((inner) => holdsUnknown(inner, isUnknown));
  return isPlainObject(value) && Object.values(value).some((inner) => holdsUnknown(inner, isUnknown));
}

function isUnknownAt(value: unknown, path: readonly PropertyKey[], isUnknown: (value: unknown) => boolean): boolean {
  if (isUnknown(value)) return true;
  const [key, ...rest] = path;
  if (key === undefined) return false;
  if (Array.isArray(value)) return isUnknownAt(value[Number(key)], rest, isUnknown);
  return isPlainObject(value) && isUnknownAt(value[String(key)], rest, isUnknown);
}
