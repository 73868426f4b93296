import { z } from "zod";
import { must, port, seconds, text } from "./words";

/** What is known of one host on the way. */
export const hopFields = {
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
  ...hopFields,
  proxy: z.strictObject(hopFields, must("must be a connection")).optional(),
  jumps: z.array(z.strictObject(hopFields, must("must be a connection")), must("must be a list of connections")).optional(),
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
