import { join } from "node:path";
import { openEventLog } from "./event-log";
import { type EngineEvent, type Message, messagesOf, type PassEvents, type Step, stepsOf } from "./events";
import { makeProject, type ProjectOptions } from "./project";
import { type Finished, run } from "./run";

export type { EngineEvent, Message, Pass, Step } from "./events";

/** How to run one operation of the engine. */
export interface RunOptions {
  extraArguments?: string[];
  env?: Record<string, string>;
  /** The operation has to fail: it throws if it succeeds. */
  expectFailure?: boolean;
  /** 300 unless told. It is then killed with all its processes, and leaves the backend's lock, as a killed engine does: `pulumi cancel`. */
  timeoutSeconds?: number;
}

/** What an operation left behind. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
  /** All events of all passes, in their order. */
  events: EngineEvent[];
  /** What was planned and done, resource by resource. */
  steps: Step[];
  /** What was logged, printed or said. */
  messages: Message[];
  /** The last pass's counts by operation, the stack itself included. */
  summary: { create?: number; update?: number; same?: number; delete?: number; replace?: number };
}

/** A stack of the real engine, on a file backend of its own. */
export interface Stack {
  /** The project's folder, in which commands run. */
  readonly folder: string;
  readonly name: string;
  /** What the CLI's processes see, to run further commands of it. */
  readonly env: Record<string, string>;
  /** Where the backend keeps the state. */
  stateFile(): string;
  /** `pulumi up`: both passes, unless `--skip-preview` is among the extra arguments. */
  up(options?: RunOptions): Promise<Result>;
  preview(options?: RunOptions): Promise<Result>;
  refresh(options?: RunOptions): Promise<Result>;
  destroy(options?: RunOptions): Promise<Result>;
  setConfig(key: string, value: string, options?: { secret?: boolean }): Promise<void>;
  /** Any other command of the CLI, on this stack's home and backend. */
  command(commandArguments: string[], options?: RunOptions): Promise<Finished>;
  /** `pulumi stack export`: secrets stay encrypted. */
  state(): Promise<unknown>;
  /** The stack's outputs, secrets shown. */
  outputs(): Promise<Record<string, unknown>>;
  /** Removes the stack's home, backend and copied project. It destroys nothing. */
  close(): Promise<void>;
}

/** Opens a new stack for a project. Nothing of the caller's Pulumi settings reaches it, and it reaches no account. */
export async function openStack(options: ProjectOptions & { config?: Record<string, string> }): Promise<Stack> {
  const project = await makeProject(options);
  const { folder, env, stack } = project;
  const command = (commandArguments: string[], runOptions: RunOptions = {}) => runChecked(folder, env, commandArguments, runOptions);
  const operation = (name: string, yes: boolean) => (runOptions?: RunOptions) => operate(command, stack, name, yes, runOptions);
  const json = async (...commandArguments: string[]) =>
    JSON.parse((await command([...commandArguments, "--stack", stack])).stdout) as unknown;
  const opened: Stack = {
    folder,
    env,
    name: stack,
    stateFile: () => join(project.backend, ".pulumi", "stacks", project.name, `${stack}.json`),
    up: operation("up", true),
    preview: operation("preview", false),
    refresh: operation("refresh", true),
    destroy: operation("destroy", true),
    command,
    setConfig: async (key, value, { secret } = {}) => {
      await command(["config", "set", "--stack", stack, secret ? "--secret" : "--plaintext", "--", key, value]);
    },
    state: () => json("stack", "export"),
    outputs: async () => (await json("stack", "output", "--json", "--show-secrets")) as Record<string, unknown>,
    close: () => project.close(),
  };
  try {
    await command(["stack", "init", "--stack", stack]);
    const config = Object.entries(options.config ?? {}).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    if (config.length > 0) await command(["config", "set-all", "--stack", stack, ...config]);
  } catch (error) {
    await project.close();
    throw error;
  }
  return opened;
}

type Command = Stack["command"];

async function operate(command: Command, stack: string, name: string, yes: boolean, options: RunOptions = {}): Promise<Result> {
  const extra = options.extraArguments ?? [];
  const onePass = extra.includes("--skip-preview") || extra.includes("-f");
  const log = await openEventLog(onePass ? "update" : "preview");
  try {
    const always = ["--stack", stack, "--event-log", log.address, ...(yes && !extra.includes("--preview-only") ? ["--yes"] : [])];
    const finished = await command([name, ...always, ...extra], { ...options, extraArguments: [] });
    return resultOf(finished, log.passes);
  } finally {
    log.close();
  }
}

function resultOf({ code, stdout, stderr }: Finished, passes: PassEvents[]): Result {
  const events = passes.flatMap((pass) => pass.events);
  const summary = events.flatMap((event) => event.summaryEvent ?? []).at(-1)?.resourceChanges ?? {};
  return { code, stdout, stderr, events, steps: stepsOf(passes), messages: messagesOf(passes), summary };
}

async function runChecked(folder: string, env: Record<string, string>, commandArguments: string[], options: RunOptions): Promise<Finished> {
  const all = [...commandArguments, ...(options.extraArguments ?? [])];
  const words = ["--non-interactive", "--color", "never"];
  const separator = all.includes("--") ? all.indexOf("--") : all.length;
  const finalArguments = [...all.slice(0, separator), ...words, ...all.slice(separator)];
  const finalEnv = { ...env, ...options.env };
  const result = await run("pulumi", finalArguments, { folder, env: finalEnv, timeoutSeconds: options.timeoutSeconds ?? 300 });
  const failed = result.code !== 0 || result.stopped !== undefined;
  if (failed === (options.expectFailure ?? false) && !result.stopped) return result;
  const how = result.stopped ?? (failed ? `failed with exit code ${result.code}` : "was expected to fail, and did not");
  throw new Error(`pulumi ${commandArguments[0]} in ${folder} ${how}\n--- stdout\n${result.stdout}\n--- stderr\n${result.stderr}`);
}
