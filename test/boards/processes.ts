import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { sleep } from "./run";

export const bootProgram = join(__dirname, "boot.ts");

/** Runs `npm run board` in a process of its own, by these words for node, until its board is up; `port` is that of the board's SSH server. */
export async function startBoot(nodeArguments: string[]): Promise<{ booted: ChildProcess; port: string }> {
  const booted = spawn(process.execPath, nodeArguments, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  booted.stdout.on("data", (text: Buffer) => {
    output += text.toString();
  });
  while (!output.includes("Ctrl-C")) {
    if (booted.exitCode !== null) throw new Error(`it ended with ${booted.exitCode}: ${output}`);
    await sleep(0.05);
  }
  const port = /-p (\d+)/.exec(output)?.[1];
  if (port === undefined) throw new Error(`no port in "${output}"`);
  return { booted, port };
}

/** The whole command lines of all processes that name this word. */
export async function processesNaming(word: string): Promise<string[]> {
  return (await commandLines(word)).map(({ line }) => line);
}

/** The ids of all processes in the process namespace of those that name this word. Refuses a word that none names. */
export async function namespaceOf(word: string): Promise<string[]> {
  const [first] = await commandLines(word);
  if (first === undefined) throw new Error(`no process names ${word}`);
  const namespace = (id: string) => readlink(join("/proc", id, "ns/pid")).catch(() => undefined);
  const wanted = await namespace(first.id);
  const found: string[] = [];
  for (const id of await processIds()) if ((await namespace(id)) === wanted) found.push(id);
  return found;
}

async function commandLines(word: string): Promise<{ id: string; line: string }[]> {
  const found: { id: string; line: string }[] = [];
  for (const id of await processIds()) {
    const line = await readFile(join("/proc", id, "cmdline"), "utf8").catch(() => "");
    if (line.includes(word)) found.push({ id, line: line.replaceAll("\0", " ") });
  }
  return found;
}

async function processIds(): Promise<string[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
}
