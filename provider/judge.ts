import * as pulumi from "@pulumi/pulumi";
import { nothingSent, plain } from "./errors";
import { planDevice, wishOf } from "./plan/plan";
import type { Binding, Observed, Problem } from "./schema";

/** The exit code that means "it has been said already" to the engine's Node.js host: no stack trace, and `up` stops after preview. */
const saidAlready = 32;

/**
 * Says in a preview, on the resource it concerns, what an update would refuse. What is certain ends the preview non-zero, and `up`
 * stops before it touches anything, after all resources were shown; `log.error` alone would leave the exit code at 0. What a
 * dependency may still bring is a warning.
 */
export function judge(
  resource: pulumi.Resource,
  binding: Binding,
  observed: Observed,
  { ignoreChanges, owners }: { ignoreChanges: readonly string[]; owners: readonly string[] },
): void {
  if (observed.unreachable !== undefined) {
    if (observed.isCertain) refuse(resource, observed.unreachable);
    else void pulumi.log.warn(`${observed.unreachable} The preview goes on without a look at this board.`, resource);
    return;
  }
  const { board, device } = observed;
  if (!board || !device || ignoreChanges.includes("driver") || ignoreChanges.includes("observed")) return;
  for (const refusal of planDevice(binding, wishOf(binding, device, false), board, device, owners).refusals) {
    const text = `${refusal.property}: ${refusal.reason} ${refusal.todo}`;
    if (refusal.isCertain) refuse(resource, text);
    else void pulumi.log.warn(plain(`Not there yet: ${text}`), resource);
  }
}

/** Says which inputs can't be right, whatever the board says. */
export function refuseInputs(resource: pulumi.Resource, problems: readonly Problem[]): void {
  for (const { property, message, text } of problems) refuse(resource, text ?? `${property} ${message}. ${nothingSent}`);
}

function refuse(resource: pulumi.Resource, text: string): void {
  void pulumi.log.error(plain(text), resource);
  process.exitCode = saidAlready;
}
