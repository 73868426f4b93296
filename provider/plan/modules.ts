import type { Binding, Board, Device } from "../schema";
import type { ModuleParameter } from "../transaction";
import type { Refusal } from "./guards";

/** The modules that a binding needs, and what their parameters must be. */

type Modules = Pick<Binding, "module" | "driver" | "moduleParameters">;

/** The module to load if the driver isn't there; null for none. */
export const moduleOf = (binding: Pick<Binding, "module" | "driver">): string | null =>
  binding.module === false || binding.driver === null ? null : (binding.module ?? binding.driver);

/** "-" and "_" are one in a module's name. */
const plain = (module: string): string => module.replaceAll("-", "_");

/** The parameters that are asked for; one without a module's name is the driver's module's. */
export function parametersOf({ module, driver, moduleParameters }: Modules): ModuleParameter[] {
  if (driver === null) return [];
  return Object.entries(moduleParameters ?? {}).map(([key, value]) => {
    const [first = "", second] = key.split(".");
    return second === undefined ? { module: module || null, name: first, value } : { module: first, name: second, value };
  });
}

/** What is asked for a module's parameter, under any of its names. */
export function wishedParameter(binding: Modules, module: string, name: string): string | undefined {
  const own = plain(moduleOf(binding) ?? "");
  return parametersOf(binding).find((one) => one.name === name && plain(one.module ?? own) === module)?.value;
}

/**
 * The modules to load for a driver that is to be bound, in order: those whose parameters are asked for first, since what needs
 * them would load them without.
 */
export function modulesToLoad(binding: Modules & Pick<Binding, "device">, device: Device): string[] {
  const own = device.wanted?.isRegistered === false ? moduleOf(binding) : null;
  const others = (device.parameters ?? []).flatMap(({ is, module }) => (is === "unloaded" && module !== null ? [module] : []));
  const isOwn = (module: string) => own !== null && plain(module) === plain(own);
  return [...new Set(others.filter((module) => !isOwn(module))), ...(own === null ? [] : [own])];
}

/** What is asked of parameters and can't be: one that is set otherwise, and one that there is not. `writes`: whether anything else is to be done. */
export function parameterRefusals(binding: Modules, device: Device, writes: boolean): Refusal[] {
  const wished = parametersOf(binding);
  return (device.parameters ?? []).flatMap(({ module, name, is, value }, index) => {
    const words = { property: "moduleParameters", isCertain: writes };
    const now = `The parameter ${name} of the module ${module} is ${value === null ? "empty" : `"${value}"`}, not "${wished[index]?.value}"`;
    const change = "this package changes no parameter of a module that is loaded, also where the kernel would allow it";
    switch (is) {
      case "wrong":
        return [{ ...words, reason: `${now}, and the module is loaded.`, todo: `Unload ${module} first; ${change}.` }];
      case "fixed":
        return [
          { ...words, reason: `${now}, and the module is the kernel's own.`, todo: `Set ${module}.${name} on the kernel's command line.` },
        ];
      case "hidden":
      case "none":
        return [{ ...words, ...unknownParameter(module, name) }];
      default:
        return [];
    }
  });
}

const unknownParameter = (module: string | null, name: string) => ({
  reason: module === null ? `Whose parameter "${name}" is, is not known.` : `The module ${module} shows no parameter "${name}".`,
  todo: 'Correct the name; that of another module is written "module.parameter".',
});

/** Why no module brings the driver, as the rest of a sentence, and what to do. */
export function lackWords(wanted: NonNullable<Device["wanted"]>, { kernel }: Pick<Board, "kernel">): { why: string; todo: string } {
  switch (wanted.lack) {
    case "kernel":
      return { why: "the board's kernel was built without modules", todo: "Use a kernel that has the driver built in." };
    case "disabled":
      return { why: "the kernel loads no more modules until it is booted again (kernel.modules_disabled)", todo: "Load it at boot." };
    case "release":
      return {
        why: `no modules are installed for the running kernel ${kernel}`,
        todo: "Boot the kernel that is installed, or install the modules of the running one.",
      };
    default: {
      const isMissing = wanted.isLoadable === false;
      return {
        why: isMissing ? "no module of its name is installed for the running kernel" : "the board has no list of modules",
        todo: "Correct the name, name the `module` that brings it, or install it first.",
      };
    }
  }
}
