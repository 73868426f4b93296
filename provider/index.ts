/** The public door of pulumi-devbind. */
export { type BoardBinding, BoardBindings, type BoardBindingsArgs } from "./board-bindings";
export { DeviceBinding, type DeviceBindingArgs, type DeviceSelector } from "./device-binding";
export { getBoard, getDevices, injectInventory } from "./get-devices";
export type { BoardView, GetBoardArgs, GetDevicesArgs, List } from "./get-devices";
export type { Inventory, ListedClaim, ListedDevice, ListedJournal } from "./inventory";
export { Lab, type LabArgs } from "./lab";
export { injectLook, type Look } from "./look";
export type { ConnectionArgs } from "./resource";
