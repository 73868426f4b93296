import { z } from "zod";
import type { Device } from "../schema";
import type { LookItem } from "../transaction";
import { type AnswerLine, bound, decode, field, list, readLine, yes, yesOrNothing } from "./protocol";

/** One of these words, or null for "-", also where a board's line does not have it. */
const oneOf = <T extends string>(...words: [T, ...T[]]) =>
  z
    .string()
    .refine((word) => word === "-" || words.some((known) => known === word))
    .transform((word) => words.find((known) => known === word) ?? null)
    .prefault("-");

const parameter = z.object({
  module: z.string().nullable(),
  name: z.string(),
  is: z.enum(["right", "wrong", "fixed", "hidden", "unloaded", "none"]),
  value: z.string().nullable(),
});

/** `<module>;<name>;<how it is>;<value>,…` */
const parameterList = z
  .string()
  .transform((words) => {
    if (words === "-") return [];
    return words.split(",").map((word) => {
      const [module = "-", name = "-", is, value = "-"] = word.split(";");
      return { module: decode(module), name: decode(name), is, value: decode(value) };
    });
  })
  .pipe(z.array(parameter));

const offersLine = z.object({
  lack: oneOf("kernel", "disabled", "release"),
  takesIds: oneOf("no", "add", "both"),
  matches: yesOrNothing.prefault("-"),
  id: field.prefault("-"),
  alike: bound.prefault("-"),
  parameters: parameterList.prefault("-"),
  iommu: yes.optional(),
  noiommu: oneOf("Y", "N", "absent"),
  reset: yesOrNothing.prefault("-"),
  resets: oneOf("Y", "N"),
  claimIds: list.prefault("-"),
});

/** What leads to the wanted driver besides the override: ids, modules and their parameters, and what vfio needs. */
export interface Offers extends Pick<Device, "newId" | "parameters" | "vfio"> {
  wanted: Omit<NonNullable<Device["wanted"]>, "isRegistered" | "canBind" | "isLoadable">;
  idDrivers: string[];
}

/** Reads that from a device's line. */
export function offersOf(line: AnswerLine | undefined, item: LookItem, address: string): Offers {
  const found = readLine(line, offersLine, address);
  return {
    wanted: { lack: found.lack, takesIds: found.takesIds, isMatch: found.matches },
    newId: item.asksId ? { id: found.id, others: found.alike } : undefined,
    parameters: item.parameters ? found.parameters : undefined,
    vfio:
      found.iommu === undefined
        ? undefined
        : { hasIommu: found.iommu, noIommu: found.noiommu, hasReset: found.reset, needsReset: found.resets },
    idDrivers: found.claimIds,
  };
}
