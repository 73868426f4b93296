/** The public door of pulumi-devbind. */
export { type BoardBinding, BoardBindings, type BoardBindingsArgs } from "./board-bindings";
export { DeviceBinding, type DeviceBindingArgs, type DeviceSelector } from "./device-binding";
export { injectLook, type Look } from "./look";
export type { ConnectionArgs } from "./resource";
