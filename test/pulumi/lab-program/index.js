// The lab file beside it, if there is one; and the devices of the board in wish.json, by default every e1000e wherever it is bound now.
const { existsSync } = require("node:fs");
const { BoardBindings, getBoard, getDevices, Lab } = require("pulumi-devbind");

if (existsSync("lab.yaml")) exports.devices = new Lab("bench", { file: "lab.yaml" }).devices;

if (existsSync("wish.json")) {
  const { connection, filter = { bus: "pci", pciId: "8086:10d3" } } = require("./wish.json");
  const cards = getDevices({ connection, ...filter });
  const bindings = cards.apply((all) => Object.fromEntries(all.map(({ bus, name }) => [name, { bus, device: name, driver: "vfio-pci" }])));
  exports.cards = new BoardBindings("cards", { connection, bindings }).devices;
  exports.kernel = getBoard({ connection }).board.kernel;
}
