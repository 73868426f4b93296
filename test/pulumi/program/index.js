// A program that makes what bindings.json lists: { "<name>": { "args": {…}, "options": {…} } }.
const { DeviceBinding } = require("pulumi-devbind");
const wanted = require("./bindings.json");

for (const [name, { args, options }] of Object.entries(wanted)) {
  exports[name] = new DeviceBinding(name, args, options).currentDriver;
}
