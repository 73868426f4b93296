/** The public door of pulumi-devbind. */
export { type ConnectionArgs, DeviceBinding, type DeviceBindingArgs, type DeviceSelector } from "./device-binding";
export { injectLook, type Look } from "./look";
