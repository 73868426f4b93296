// A program that makes what bindings.json lists, { "<name>": { "way": "…", "args": {…} } }, and gives the secrets in the way it names.
const { readFileSync } = require("node:fs");
const pulumi = require("@pulumi/pulumi");
const { DeviceBinding } = require("pulumi-devbind");

// A secret stands there as { "hex": "…" }, so that no file of this folder holds one as it is.
const shown = (_key, value) => (typeof value?.hex === "string" ? Buffer.from(value.hex, "hex").toString() : value);
const wanted = JSON.parse(readFileSync("bindings.json", "utf8"), shown);

/** Every secret of a connection and of the jump hosts in it, passed through a function that also gets its path. */
function each(connection, give, path = "") {
  const entries = Object.entries(connection).map(([key, value]) => {
    if (key === "proxy") return [key, each(value, give, `${path}.proxy`)];
    if (key === "jumps") return [key, value.map((jump, index) => each(jump, give, `${path}.jumps.${index}`))];
    return [key, /assword$|^privateKey$/.test(key) ? give(value, `${path}.${key}`) : value];
  });
  return Object.fromEntries(entries);
}

const config = new pulumi.Config();
const ways = {
  plain: (connection) => connection,
  secret: (connection) => each(connection, pulumi.secret),
  config: (connection, _first, name) => each(connection, (_value, path) => config.requireSecret(path), name),
  whole: (connection) => pulumi.secret(connection),
  output: (connection) => pulumi.output(connection),
  promise: (connection) => Promise.resolve(connection),
  outputFields: (connection) => each(connection, pulumi.output),
  outputProxy: (connection) => ({ ...connection, proxy: pulumi.output(connection.proxy) }),
  outputJumps: (connection) => ({ ...connection, jumps: pulumi.output(connection.jumps) }),
  outputJump: (connection) => ({ ...connection, jumps: connection.jumps.map((jump) => pulumi.output(jump)) }),
  late: (connection, first) => each(connection, (value) => first.bootId.apply(() => value)),
  lateWhole: (connection, first) => first.bootId.apply(() => connection),
};

let first;
for (const [name, { way, args }] of Object.entries(wanted)) {
  const binding = new DeviceBinding(name, { ...args, connection: ways[way](args.connection, first, name) });
  first ??= binding;
}
