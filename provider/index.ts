/** The public door of pulumi-devbind. */
export { type ConnectionArgs, DeviceBinding, type DeviceBindingArgs } from "./device-binding";
export { injectLook, type Look } from "./look";
