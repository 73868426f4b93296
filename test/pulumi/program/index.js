// A program that makes what bindings.json lists: { "<name>": { "args": {…}, "options": {…}, "after": ["<name>"] } }. What has `bindings`
// is a BoardBindings.
const { BoardBindings, DeviceBinding } = require("pulumi-devbind");
const wanted = require("./bindings.json");

const made = {};
for (const [name, { args, options, after = [] }] of Object.entries(wanted)) {
  const Resource = "bindings" in args ? BoardBindings : DeviceBinding;
  made[name] = new Resource(name, args, { ...options, dependsOn: after.map((other) => made[other]) });
  exports[name] = "bindings" in args ? made[name].devices : made[name].currentDriver;
}
