import * as pulumi from "@pulumi/pulumi";
import { nothingSent, plain } from "./errors";
import { verdictOf } from "./plan/verdict";
import type { Binding, Device, Observed, Problem } from "./schema";

/** The exit code that means "it has been said already" to the engine's Node.js host: no stack trace, and `up` stops after preview. */
const saidAlready = 32;

/** What a resource has bound on its board: a binding, or many with their names. */
export interface Judged {
  binding: Binding;
  observed: Observed;
  /** Stands before the names of inputs: "bindings.card."; empty for a resource of one binding. */
  path: string;
  /** The other bindings of its transaction, by their names. */
  together?: Record<string, Device>;
}

/**
 * Says in a preview, on the resource it concerns, what an update would refuse. What is certain ends the preview non-zero, and `up`
 * stops before it touches anything, after all resources were shown; `log.error` alone would leave the exit code at 0. What a
 * dependency may still bring is a warning.
 */
export function judge(
  resource: pulumi.Resource,
  { binding, observed, path, together }: Judged,
  options: pulumi.CustomResourceOptions,
): void {
  if (observed.unreachable !== undefined) judgeUnreachable(resource, binding, observed);
  const { board, device } = observed;
  if (!board || !device || ["driver", "observed"].some((input) => options.ignoreChanges?.includes(input))) return;
  const { refusals, warnings } = verdictOf(binding, board, device, { former: formerClaimants(binding, options), together });
  for (const words of warnings) void pulumi.log.warn(plain(words), resource);
  for (const refusal of refusals) {
    const ofBoard = refusal.property.startsWith("connection");
    const text = `${ofBoard ? "" : path}${refusal.property}: ${refusal.reason} ${refusal.todo}`;
    if (refusal.isCertain && ofBoard) refuseOnce(resource, binding, text);
    else if (refusal.isCertain) refuse(resource, text);
    else void pulumi.log.warn(plain(`Not there yet: ${text}`), resource);
  }
}

/** A board that is left out is none that an update would wait for. */
function judgeUnreachable(resource: pulumi.Resource, binding: Binding, { unreachable = "", isCertain }: Observed): void {
  if (isCertain) refuseOnce(resource, binding, unreachable);
  else if (binding.whenUnreachable === "error")
    void pulumi.log.warn(plain(`${unreachable} The preview goes on without a look at this board.`), resource);
}

/** Names that the resource had before: claims under them are its own. */
function formerClaimants(binding: Binding, { aliases }: pulumi.CustomResourceOptions): string[] {
  const stack = binding.claimant.split("/").slice(0, 3).join("/");
  const names = Array.isArray(aliases)
    ? aliases.map((alias) => (typeof alias === "object" && "name" in alias ? alias.name : undefined))
    : [];
  return [binding.claimant, ...names.filter((name) => typeof name === "string").map((name) => `${stack}/${name}`)];
}

/** Says which inputs can't be right, whatever the board says. */
export function refuseInputs(resource: pulumi.Resource, problems: readonly Problem[]): void {
  for (const { property, message, text } of problems) refuse(resource, text ?? `${property} ${message}. ${nothingSent}`);
}

/** Says, wherever it looks, that host keys are not checked: once for a board. */
export function warnOfUnchecked(resource: pulumi.Resource | undefined, reached: Pick<Binding, "connection">): void {
  if (reached.connection.hostKeyChecking !== "off" || !isFirst(reached, "unchecked")) return;
  const text = `Host keys are not checked (connection.hostKeyChecking is "off"): whoever answers at ${reached.connection.host} gets the credentials.`;
  void pulumi.log.warn(plain(text), resource);
}

/** Says in each pass that the board is left out, once for a resource. */
export function warnOfSkipped(resource: pulumi.Resource, { whenUnreachable }: Binding, { unreachable, isCertain }: Observed): void {
  if (whenUnreachable !== "skip" || unreachable === undefined || isCertain) return;
  void pulumi.log.warn(plain(`${unreachable} The board is left out (whenUnreachable: "skip").`), resource);
}

/** What is true of a whole board is said on the first of its devices only. */
function refuseOnce(resource: pulumi.Resource, binding: Binding, text: string): void {
  if (isFirst(binding, text)) refuse(resource, text);
  else process.exitCode = saidAlready;
}

const said = new Set<string>();

function isFirst({ connection: { host, port, user, become } }: Pick<Binding, "connection">, text: string): boolean {
  const key = JSON.stringify([host, port, user, become, text]);
  return !said.has(key) && said.add(key) !== undefined;
}

/** Says an error on a resource; the program then ends as one that failed, after all was shown. */
export function refuse(resource: pulumi.Resource, text: string): void {
  void pulumi.log.error(plain(text), resource);
  process.exitCode = saidAlready;
}
