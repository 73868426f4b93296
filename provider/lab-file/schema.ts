import { z } from "zod";
import { connectionFields, entryFields, entryName, hopFields, must, text, transactionFields } from "../schema";
import { connectionWords, entryWords, transactionWords } from "./words";

/** What a lab file may say. No secret stands in it: where one belongs, it names who knows it. */

const notHere = "must be { config: NAME } or { env: NAME }: no secret stands in a lab file";
const referenceSchema = z.union([z.strictObject({ config: text }), z.strictObject({ env: text })], { error: notHere });
/** A key of Pulumi's config, or a variable of the environment. */
export type SecretReference = z.infer<typeof referenceSchema>;

export const isReference = (value: unknown): value is SecretReference => referenceSchema.safeParse(value).success;

const reference = referenceSchema.optional();
const secrets = { password: reference, privateKey: reference, privateKeyPassword: reference };
const hop = z.strictObject({ ...hopFields, ...secrets }, must("must be a connection"));
const connection = {
  ...connectionFields,
  ...secrets,
  becomePassword: reference,
  proxy: hop.optional(),
  jumps: z.array(hop, must("must be a list of connections")).optional(),
};

/** A part of something: each field may be left to another layer, and null takes away what a layer below says. */
function part<T extends Record<string, z.core.SomeType>>(fields: T, words: Record<keyof T, string>, wrong: string) {
  const described = Object.entries(fields).map(([name, field]) => [name, z.nullish(field).meta({ description: words[name] })]);
  return z.strictObject(Object.fromEntries(described), must(wrong)).nullish();
}

const entry = part(entryFields, entryWords, "must be a binding");
const bindings = z.record(entryName, entry, must("must be an object of bindings")).nullish();
const options = part(transactionFields, transactionWords, "").unwrap().unwrap().shape;
const layer = {
  connection: part(connection, connectionWords, "must be a connection").meta({ description: "How the board is reached." }),
  bindings: bindings.meta({ description: "The devices, each under a name that messages use. null takes an inherited one away." }),
  ...options,
};

const layerSchema = z.strictObject(layer, must("must be an object of what boards have"));
const boardName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
  error: 'must be a board\'s name: 1 to 63 letters, digits and "._-", starting with a letter or digit',
});
const names = (of: string) => z.array(text, must(`must be a list of ${of}`)).nullish();
const boardSchema = z
  .strictObject(
    {
      profiles: names("profiles' names").meta({ description: "Profiles that it takes, in this order; later ones win." }),
      tags: names("tags").meta({ description: "Words by which boards are chosen." }),
      ...layer,
    },
    must("must be a board"),
  )
  .nullish();

/** A whole file. The fields of one board are those of a `BoardBindings`, as each layer may say a part of them. */
export const labSchema = z.strictObject(
  {
    defaults: layerSchema.nullish().meta({ description: "What all boards have, unless a profile or the board says otherwise." }),
    profiles: z
      .record(boardName, layerSchema.nullish(), must("must be an object of profiles"))
      .nullish()
      .meta({ description: "What boards of a kind have." }),
    boards: z.record(boardName, boardSchema, must("must be an object of boards")).meta({ description: "The boards, each under its name." }),
  },
  must("must be an object with boards"),
);

/** One board after its layers were laid on each other: as a `BoardBindings` is written, but for the secrets. */
const writtenBoard = z.strictObject({
  connection: z.strictObject(connection),
  bindings: z.record(entryName, z.strictObject({ ...entryFields, driver: z.string().nullable() })),
  ...transactionFields,
});
export type LabInputs = z.input<typeof writtenBoard>;
export const isLabInputs = (inputs: unknown): inputs is LabInputs => writtenBoard.safeParse(inputs).success;
type LabConnection = LabInputs["connection"];
type LabHop = z.input<typeof hop>;

/** The connection with its secrets, each as `secretOf` gives it. */
export function connectionWith<T>(written: LabConnection, secretOf: (named: SecretReference) => T) {
  const secret = (named: SecretReference | undefined) => (named === undefined ? undefined : secretOf(named));
  const secretsOf = ({ password, privateKey, privateKeyPassword }: LabHop) => ({
    password: secret(password),
    privateKey: secret(privateKey),
    privateKeyPassword: secret(privateKeyPassword),
  });
  const hopWith = (one: LabHop) => ({ ...one, ...secretsOf(one) });
  return {
    ...written,
    ...secretsOf(written),
    becomePassword: secret(written.becomePassword),
    proxy: written.proxy && hopWith(written.proxy),
    jumps: written.jumps?.map(hopWith),
  };
}

/** The JSON schema of lab files, for editors: draft 2020-12. */
export const labJsonSchema = () => ({
  title: "Lab file of pulumi-devbind",
  ...z.toJSONSchema(labSchema, { io: "input", unrepresentable: "any", reused: "ref" }),
});
