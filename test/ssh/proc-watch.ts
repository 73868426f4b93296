import { spawn } from "node:child_process";
import { endAfterwards } from "./process";

/** What a watch over all processes of the machine saw. */
export interface Seen {
  /** How often it went over all processes. */
  readonly rounds: number;
  /** The names of processes whose arguments or environment held one of the secrets, each as "sudo environ". */
  readonly leaks: readonly string[];
  /** The first argument of every process that was there. */
  readonly programs: readonly string[];
}

/** Goes round and round in a process of its own, which gets the secrets by stdin: they must not be in its own arguments. */
const program = `
const { readdirSync, readFileSync } = require("node:fs");
const leaks = new Set(), programs = new Set();
let secrets, rounds = 0, isOver = false;
const read = (path) => { try { return readFileSync(path, "utf8"); } catch { return ""; } };
function round() {
  for (const pid of readdirSync("/proc").filter((name) => /^\\d+$/.test(name))) {
    const words = read("/proc/" + pid + "/cmdline");
    programs.add(words.split("\\0")[0]);
    const about = { cmdline: words, environ: read("/proc/" + pid + "/environ") };
    for (const [name, text] of Object.entries(about))
      if (secrets.some((secret) => text.includes(secret))) leaks.add(words.split("\\0")[0] + " " + name);
  }
  rounds += 1;
  if (rounds === 1) console.log("watching");
  if (isOver) return console.log(JSON.stringify({ rounds, leaks: [...leaks], programs: [...programs] }));
  setImmediate(round);
}
process.stdin.on("data", (chunk) => { if (secrets === undefined) { secrets = JSON.parse(chunk); round(); } })
  .on("end", () => { isOver = true; });
`;

/** Watches arguments and environments of all processes while the work goes on. */
export async function watchProcesses(secrets: readonly string[], work: () => Promise<unknown>): Promise<Seen> {
  const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  endAfterwards(child);
  let said = "";
  const isWatching = new Promise<void>((resolve) =>
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.startsWith("watching\n")) resolve();
    }),
  );
  child.stdin.write(JSON.stringify(secrets));
  await isWatching;
  await work();
  const ended = new Promise((resolve) => child.on("close", resolve));
  child.stdin.end();
  await ended;
  return JSON.parse(said.slice("watching\n".length));
}
