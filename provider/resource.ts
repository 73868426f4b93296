import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { DevbindError } from "./errors";
import { looks } from "./look";
import { type BindingInput, type Connection, openFields, type Problem } from "./schema";
import { checkCredentials } from "./ssh/connection";

/** What the resources of a program share: how inputs are typed, marked as secret and validated before anything is sent. */

/** A value of which every part may be an Output. */
export type Deep<T> = pulumi.Input<T extends readonly (infer U)[] ? Deep<U>[] : T extends object ? DeepFields<T> : T>;
export type DeepFields<T> = { [K in keyof T]: Deep<T[K]> };

type OwnConnection = Omit<BindingInput["connection"], keyof types.input.remote.ConnectionArgs>;

/** How to reach a board: what `@pulumi/command`'s `remote.Command` takes as `connection`, as it is, and our own fields. */
export interface ConnectionArgs extends types.input.remote.ConnectionArgs, DeepFields<OwnConnection> {}

/** The text that every resource's state holds (frozen): it finds this package's runtime from the program's folder, and nothing else. */
export const providerText =
  'exports.handler=()=>{const r=require("module").createRequire(process.cwd()+"/_.js");try{return r("pulumi-devbind/runtime")}catch(e){throw e.code=="MODULE_NOT_FOUND"?Error("pulumi-devbind is not installed in "+process.cwd()+": run npm install there. "+e.message):e}}';

/** In whose name a resource claims its devices. */
export const claimantNamed = (name: string): string => `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}/${name}`;

export const isPending = (value: unknown): boolean => pulumi.Output.isInstance(value) || value instanceof Promise;

/** A driver must be said: whoever forgets it would take the device's away. */
export const isDriverMissing = (inputs: unknown): boolean =>
  typeof inputs === "object" && inputs !== null && !isPending(inputs) && !("driver" in inputs && inputs.driver !== undefined);

/** What is wrong with the credentials that a connection names, key files included; nothing where no look will be made. */
export function credentialProblems(connection: Connection | undefined): Problem[] {
  if (connection === undefined || !looks()) return [];
  try {
    checkCredentials(connection);
    return [];
  } catch (error) {
    if (!(error instanceof DevbindError)) throw error;
    return [{ property: error.property ?? "connection", message: "cannot be used", text: error.message }];
  }
}

/** Marks what is secret in a connection and its jump hosts, field by field, so that the rest stays readable in previews. */
export function withSecrets(connection: unknown): pulumi.Input<unknown> {
  return whenKnown(connection, (known) => {
    if (typeof known !== "object" || known === null || Array.isArray(known)) return pulumi.secret(known);
    return Object.fromEntries(Object.entries(known).map(([key, value]) => [key, marked(key, value)]));
  });
}

function marked(key: string, value: unknown): unknown {
  if (value === undefined || value === null || openFields.includes(key)) return value;
  if (key === "proxy") return withSecrets(value);
  if (key === "jumps") return whenKnown(value, (jumps) => (Array.isArray(jumps) ? jumps.map(withSecrets) : pulumi.secret(jumps)));
  return pulumi.secret(value);
}

function whenKnown(value: unknown, mark: (known: unknown) => unknown): pulumi.Input<unknown> {
  return isPending(value) ? pulumi.all([value]).apply(([known]) => mark(known)) : mark(value);
}

/** An Output that is given its value after `super` was called with it: the look. */
export function later(): { output: pulumi.Output<unknown>; resolve(value: pulumi.Output<unknown>): void } {
  let resolve: (value: pulumi.Output<unknown>) => void = () => {};
  const promise = new Promise<pulumi.Output<unknown>>((settle) => {
    resolve = settle;
  });
  return { output: pulumi.output(promise), resolve };
}
