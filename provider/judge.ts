import * as pulumi from "@pulumi/pulumi";
import { listed, nothingSent, plain } from "./errors";
import { claimantOf } from "./plan/guards";
import { coOwnerWords } from "./plan/keep";
import { planDevice, wishOf } from "./plan/plan";
import { blockedWords } from "./plan/vfio";
import type { Binding, Observed, Problem } from "./schema";

/** The exit code that means "it has been said already" to the engine's Node.js host: no stack trace, and `up` stops after preview. */
const saidAlready = 32;

/**
 * Says in a preview, on the resource it concerns, what an update would refuse. What is certain ends the preview non-zero, and `up`
 * stops before it touches anything, after all resources were shown; `log.error` alone would leave the exit code at 0. What a
 * dependency may still bring is a warning.
 */
export function judge(resource: pulumi.Resource, binding: Binding, observed: Observed, options: pulumi.CustomResourceOptions): void {
  if (observed.unreachable !== undefined) {
    if (observed.isCertain) refuseOnce(resource, binding, observed.unreachable);
    else void pulumi.log.warn(`${observed.unreachable} The preview goes on without a look at this board.`, resource);
    return;
  }
  const { board, device } = observed;
  if (!board || !device || ["driver", "observed"].some((input) => options.ignoreChanges?.includes(input))) return;
  const plan = planDevice(binding, wishOf(binding, device, false), board, device, ownersOf(binding, options));
  const isRefused = plan.refusals.some(({ isCertain }) => isCertain);
  if (!isRefused && plan.unbinds.length > 0 && device.dependents.length > 0) {
    const names = device.dependents.map(({ name, driver }) => `${name} (${driver})`);
    void pulumi.log.warn(plain(`Unbinding ${device.name} also takes from their drivers what depends on it: ${listed(names)}.`), resource);
  }
  for (const words of isRefused ? [] : [blockedWords(binding.driver, device), coOwnerWords(binding, device)])
    if (words !== undefined) void pulumi.log.warn(plain(words), resource);
  for (const refusal of plan.refusals) {
    const text = `${refusal.property}: ${refusal.reason} ${refusal.todo}`;
    if (refusal.isCertain && refusal.property.startsWith("connection")) refuseOnce(resource, binding, text);
    else if (refusal.isCertain) refuse(resource, text);
    else void pulumi.log.warn(plain(`Not there yet: ${text}`), resource);
  }
}

/** Whose claims on the board are this resource's own: also those under names that it had before. */
function ownersOf(binding: Binding, { aliases }: pulumi.CustomResourceOptions): string[] {
  const stack = binding.claimant.split("/").slice(0, 3).join("/");
  const names = Array.isArray(aliases)
    ? aliases.map((alias) => (typeof alias === "object" && "name" in alias ? alias.name : undefined))
    : [];
  return [claimantOf(binding), binding.claimant, ...names.filter((name) => typeof name === "string").map((name) => `${stack}/${name}`)];
}

/** Says which inputs can't be right, whatever the board says. */
export function refuseInputs(resource: pulumi.Resource, problems: readonly Problem[]): void {
  for (const { property, message, text } of problems) refuse(resource, text ?? `${property} ${message}. ${nothingSent}`);
}

/** Says, wherever it looks, that host keys are not checked: once for a board. */
export function warnOfUnchecked(resource: pulumi.Resource, binding: Binding): void {
  if (binding.connection.hostKeyChecking !== "off" || !isFirst(binding, "unchecked")) return;
  const text = `Host keys are not checked (connection.hostKeyChecking is "off"): whoever answers at ${binding.connection.host} gets the credentials.`;
  void pulumi.log.warn(plain(text), resource);
}

/** What is true of a whole board is said on the first of its devices only. */
function refuseOnce(resource: pulumi.Resource, binding: Binding, text: string): void {
  if (isFirst(binding, text)) refuse(resource, text);
  else process.exitCode = saidAlready;
}

const said = new Set<string>();

function isFirst({ connection: { host, port, user, become } }: Binding, text: string): boolean {
  const key = JSON.stringify([host, port, user, become, text]);
  return !said.has(key) && said.add(key) !== undefined;
}

function refuse(resource: pulumi.Resource, text: string): void {
  void pulumi.log.error(plain(text), resource);
  process.exitCode = saidAlready;
}
