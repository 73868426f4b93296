/** The public door of pulumi-devbind. */
export { DeviceBinding, type DeviceBindingArgs } from "./device-binding";
export { injectLook, type Look } from "./look";
