import { execFileSync } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { DevbindError, nothingSent } from "../errors";
import type { SecretReference } from "../lab-file/schema";
import { UsageError } from "./exit";

/** Secrets come by a prompt, by the environment, or out of Pulumi's config: never as an argument, which every process could read. */

export interface Asking {
  become?: string;
  askPassword?: boolean;
  askBecomePassword?: boolean;
}

/**
 * The passwords for one board: asked for where an option says so, else from DEVBIND_PASSWORD and DEVBIND_BECOME_PASSWORD.
 * @throws UsageError where one is to be asked for without a terminal
 */
export async function passwords(asking: Asking, env: NodeJS.ProcessEnv): Promise<{ password?: string; becomePassword?: string }> {
  const password = asking.askPassword ? await askHidden("Password: ") : env.DEVBIND_PASSWORD || undefined;
  const own = asking.become === undefined ? undefined : env.DEVBIND_BECOME_PASSWORD || undefined;
  const becomePassword = asking.askBecomePassword ? await askHidden(`Password for ${asking.become ?? "become"}: `) : own;
  return { ...(password !== undefined && { password }), ...(becomePassword !== undefined && { becomePassword }) };
}

async function askHidden(question: string): Promise<string> {
  if (process.stdin.isTTY !== true)
    throw new UsageError(`There is no terminal to ask at: ${question.replace(/: $/, "")} must come by the environment.`);
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await reader.question("");
  } finally {
    reader.close();
    process.stderr.write("\n");
  }
}

/** Asks a question that only "y" answers with yes. */
export async function askYes(question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `)).trim());
  } finally {
    reader.close();
  }
}

/**
 * Resolves the secrets of a lab file in `folder`: each once, and only when it is asked for.
 * @throws DevbindError "invalid" with what Pulumi said
 */
export function secretsIn(folder: string, env: NodeJS.ProcessEnv = process.env): (reference: SecretReference) => string {
  const known = new Map<string, string>();
  return (reference) => {
    const key = JSON.stringify(reference);
    const value = known.get(key) ?? ("env" in reference ? ofEnvironment(reference.env, env) : ofConfig(reference.config, folder, env));
    known.set(key, value);
    return value;
  };
}

function ofEnvironment(name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name];
  if (value !== undefined) return value;
  throw secretMissing(`The environment has no variable ${name}, which the lab file names.`, `Set ${name}.`);
}

function ofConfig(name: string, folder: string, env: NodeJS.ProcessEnv): string {
  try {
    const printed = execFileSync("pulumi", ["config", "get", "--non-interactive", name], {
      cwd: folder,
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return printed.replace(/\r?\n$/, "");
  } catch (error) {
    throw secretMissing(
      `The lab file names the secret ${name} of Pulumi's config, and ${whyNot(error, name)}`,
      todoFor(error, name, folder),
    );
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

function whyNot(error: unknown, name: string): string {
  if (isMissing(error)) return "the Pulumi CLI is not installed here.";
  const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim().split("\n").at(-1) : undefined;
  return `\`pulumi config get ${name}\` says: "${(said ?? "nothing").replace(/^error: /, "").slice(0, 300)}".`;
}

const todoFor = (error: unknown, name: string, folder: string): string =>
  isMissing(error)
    ? "Install it, or let the lab file name a variable of the environment ({ env: NAME })."
    : `In ${folder}: \`pulumi stack select\`, then \`pulumi config set --secret ${name}\`.`;

const secretMissing = (failed: string, todo: string): DevbindError => new DevbindError("invalid", { failed, now: nothingSent, todo });
