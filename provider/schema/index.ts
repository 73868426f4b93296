/**
 * Every shape that crosses a border: what a user writes, what a look brings, what lies in Pulumi's state. Types come only from
 * here, by `z.infer`. Inputs that a later version builds are here from the start and are refused with a clear word, so that no
 * program silently means something else after an upgrade.
 */

export * from "./binding";
export * from "./connection";
export * from "./observed";
export * from "./unknown";
export * from "./validate";
export { kernelName, must, text } from "./words";
