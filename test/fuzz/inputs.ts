import fc from "fast-check";
import { kernelName } from "../../provider/schema";
import { hush } from "./expectations";
import { hostileText } from "./hostile";
import type { Tree } from "./mutation";
import { identity, moduleParameters, selector } from "./selectors";

/** Inputs as a program may write them: right in form, and hostile wherever any text is taken. */

const letters = "abcXYZ019._:@+=!%,- ";
const madeName = fc
  .string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 16 })
  .filter((name) => kernelName.safeParse(name).success);
export const name = fc.oneof(
  fc.constantFrom("pci", "platform", "0000:00:02.0", "Fixed MDIO bus.0", "soc@0!bus@30800000", "vfio-pci"),
  madeName,
);

const text = fc.oneof(
  fc.constantFrom("a", "root", "~/.ssh/id_ed25519"),
  hostileText.filter((value) => value !== ""),
);
const secret = text.map((value) => `${hush}${value}`);

const hopFields = {
  host: fc.constantFrom("127.0.0.1", "board-7.lab", "fe80::1%eth0", "[::1]"),
  port: fc.integer({ min: 1, max: 65535 }),
  user: text,
  password: secret,
  privateKey: secret,
  privateKeyPath: text,
  privateKeyPassword: secret,
  agentSocketPath: text,
  dialErrorLimit: fc.integer({ min: -1, max: 3 }),
  perDialTimeout: fc.constantFrom(0, 0.5, 15),
  hostKey: fc.oneof(fc.constant("ssh-ed25519 AAAA"), text),
};
const hop = fc.record(hopFields, { requiredKeys: ["host"] });

/** Inputs that not every version takes: seldom there, so that most inputs get past them. */
const laterConnectionFields = {
  jumps: fc.array(hop, { maxLength: 3 }),
  configFile: text,
  become: fc.constantFrom("sudo", "doas", "su"),
  becomePassword: secret,
};

const connectionFields = {
  ...hopFields,
  proxy: hop,
  knownHosts: fc.oneof(text, fc.array(text, { maxLength: 2 })),
  hostKeyChecking: fc.constantFrom("strict", "accept-new", "off"),
};
const connection = fc
  .tuple(
    fc.record(connectionFields, { requiredKeys: ["host"] }),
    fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.record(laterConnectionFields, { requiredKeys: [] }) }),
  )
  .map(([fields, later]): Tree => ({ ...fields, ...later }));

const strategies = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("auto", "override", "bind") },
  { weight: 1, arbitrary: fc.constant("new-id") },
);

const wishFields = {
  connection,
  bus: name,
  device: fc.oneof({ weight: 3, arbitrary: name }, { weight: 2, arbitrary: selector }),
  driver: fc.option(name, { nil: null }),
  strategy: strategies,
  newIdMayClaim: fc.array(name, { maxLength: 3 }),
  module: fc.oneof(name, fc.constant(false)),
  triggers: fc.array(fc.oneof(fc.jsonValue(), hostileText), { maxLength: 3 }),
  onDelete: fc.constantFrom("restore", "unbind", "probe", "keep"),
  onDrift: fc.constantFrom("repair", "report"),
  force: fc.boolean(),
  confirmSeconds: fc.integer({ min: 10, max: 3600 }),
  afterRebind: fc.array(hostileText, { minLength: 1, maxLength: 4 }),
  timeoutSeconds: fc.integer({ min: 2, max: 3600 }),
  deleteUnreachable: fc.boolean(),
  claimAs: text.map((value) => value.slice(0, 255)),
  claimant: text.map((value) => value.slice(0, 600)),
};
const laterWishFields = {
  moduleParameters,
  expect: fc.oneof(identity, fc.record({ modalias: text, compatible: text }, { requiredKeys: [] })),
  wholeIommuGroup: fc.boolean(),
  wholeSlot: fc.boolean(),
  claimFrom: fc.oneof(fc.array(text), text),
  persist: fc.boolean(),
  whenUnreachable: fc.constantFrom("error", "skip"),
  stateDirectory: text,
};

/** All inputs of a DeviceBinding. */
export const inputs: fc.Arbitrary<Tree> = fc
  .tuple(
    fc.record(wishFields, { requiredKeys: ["connection", "bus", "device"] }),
    fc.oneof({ weight: 7, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.record(laterWishFields, { requiredKeys: [] }) }),
  )
  .map(([fields, later]): Tree => ({ ...fields, ...later }));

/** The names of all inputs that are made here. */
export const madeNames: readonly string[] = [wishFields, laterWishFields, connectionFields, laterConnectionFields].flatMap((fields) =>
  Object.keys(fields),
);

/**
 * The same inputs without anything to log in with, so that whatever is tried with them is refused before any dial. (A key's text is
 * kept: it is none.)
 */
export function withoutCredentials(given: Tree): Tree {
  const bare = (hops: unknown): unknown => {
    if (Array.isArray(hops)) return hops.map(bare);
    if (typeof hops !== "object" || hops === null) return hops;
    const kept = Object.entries(hops).filter(([key]) => key !== "password" && key !== "agentSocketPath" && key !== "privateKeyPath");
    return Object.fromEntries(kept.map(([key, value]) => [key, bare(value)]));
  };
  return { ...given, connection: bare(given.connection) };
}
