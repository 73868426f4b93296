import { dirname } from "node:path";
import { expect } from "vitest";
import type { Result, Stack } from "../helpers/pulumi/engine";
import type { Marks } from "./secrets-marks";
import { watchProcesses } from "./secrets-processes";

/** The messages that Pulumi's own SDK gives at severity "debug", whatever the resource is: with what the engine keeps of it, in clear. */
const ofTheSdk = /^(<\{%reset%\}>)?RegisterResource RPC finished: /;

/** The lines in which the engine itself writes down what it hands on, in its log at -v=9. */
const ofTheEngine =
  /^\{"time":"[^"]+","level":"INFO","msg":"(Unmarshaling property for RPC\[|Marshaling property for RPC\[|Planner decided |(eventSink::Debug\(<\{%reset%\}>)?RegisterResource RPC finished: )/;

/**
 * The lines, on any of its ways out, in which a pass shows a mark. Left out are only those two, of which SECURITY.md tells; with --debug
 * the messages come on stdout and stderr, too.
 */
function shownBy({ stdout, stderr, events }: Result, marks: Marks): string[] {
  const messages = events.map(({ diagnosticEvent }) => diagnosticEvent?.message ?? "");
  const told = new Set(
    messages.filter((message) => ofTheSdk.test(message)).flatMap((message) => message.split("\n").map((line) => line.trim())),
  );
  const isTold = (line: string) => /(^| )debug: RegisterResource RPC finished: /.test(line) || told.has(line.trim());
  const lines = [
    ...`${stdout}\n${stderr}`.split("\n").filter((line) => !isTold(line) && !ofTheEngine.test(line)),
    ...events.filter(({ diagnosticEvent }) => !ofTheSdk.test(diagnosticEvent?.message ?? "")).map((event) => JSON.stringify(event)),
  ];
  return lines.flatMap((line) => {
    const names = marks.in(line);
    return names.length === 0 ? [] : [`${line.slice(0, 200)}: ${names.join(", ")}`];
  });
}

/** Everything that a stack's commands can write to lies in here. */
export const scratchOf = (stack: Stack) => dirname(stack.env.TMPDIR ?? "");

/** Pulumi hands all configuration to the program and its providers in this variable; nothing of ours does. */
const isConfiguration = (shown: string) => /^PULUMI_CONFIG of [^:]*: (config[^,]*(, )?)+$/.test(shown);

/** Runs an operation, and holds that no mark is seen meanwhile or after it: in output, processes or files. */
export async function closely(stack: Stack, marks: Marks, operation: () => Promise<Result>): Promise<Result> {
  const stop = watchProcesses(marks);
  const result = await operation().finally(stop);
  const { commands, shown } = await stop();
  const processes = shown.filter((one) => !isConfiguration(one));
  expect({ output: shownBy(result, marks), processes, files: marks.inFiles(scratchOf(stack)) }).toEqual({
    output: [],
    processes: [],
    files: [],
  });
  expect(commands.filter((command) => /dynamic-provider/.test(command)).length, "the provider's process was seen").toBeGreaterThan(0);
  return result;
}

/** The engine's sign that an object stands for a secret (`@pulumi/pulumi` runtime/rpc), and the key that it lies under. */
const secretSign = "1b47061264138c4ac30d75fd1eb44270";
const signKey = "4dabf18193072939515e22adb298388d";

/** What the state holds of the marks: in clear, and sealed, which only `--show-secrets` opens. */
export async function stored(stack: Stack, marks: Marks): Promise<{ inClear: string[]; sealed: string[] }> {
  const exported = async (...words: string[]) => (await stack.command(["stack", "export", "--stack", stack.name, ...words])).stdout;
  const opened = { clear: [] as string[], sealed: [] as string[] };
  sort(JSON.parse(await exported("--show-secrets")), opened);
  const inClear = [...marks.in(await exported()), ...marks.in(opened.clear.join("\n"))];
  return { inClear, sealed: marks.in(opened.sealed.join("\n")) };
}

function sort(value: unknown, into: { clear: string[]; sealed: string[] }): void {
  if (typeof value !== "object" || value === null) into.clear.push(String(value));
  else if (signKey in value && value[signKey] === secretSign) into.sealed.push(JSON.stringify(value));
  else for (const inner of Object.values(value)) sort(inner, into);
}
