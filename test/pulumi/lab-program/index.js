// The lab file beside it, if there is one; and with `matching: true` in wish.json every e1000e of a board, wherever it is bound now.
const { existsSync } = require("node:fs");
const { BoardBindings, getBoard, getDevices, Lab } = require("pulumi-devbind");

if (existsSync("lab.yaml")) exports.devices = new Lab("bench", { file: "lab.yaml" }).devices;

if (existsSync("wish.json")) {
  const { connection } = require("./wish.json");
  const cards = getDevices({ connection, bus: "pci", pciId: "8086:10d3" });
  const bindings = cards.apply((all) => Object.fromEntries(all.map(({ bus, name }) => [name, { bus, device: name, driver: "vfio-pci" }])));
  exports.cards = new BoardBindings("cards", { connection, bindings }).devices;
  exports.kernel = getBoard({ connection }).board.kernel;
}
