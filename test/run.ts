import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";

/**
 * `npm test`: the tools, the build, lint, types and every test project, each with its time; last a line `N passed, N failed, N skipped`.
 * Names of projects as arguments run only these. With CI=true a skipped test is a failure.
 */
const repository = resolve(__dirname, "..");
/** In their order. Those in one group run at the same time: much of what they do is waiting. */
const groups = [["unit"], ["script", "login"], ["ssh", "faults"], ["boards"], ["kernel"], ["pulumi"]];
const projects = groups.flat();
const results = mkdtempSync(join(tmpdir(), "devbind-results-"));

interface Part {
  name: string;
  command: string[];
  /** Whether the part is a run of vitest, whose counts are read. */
  isTests?: boolean;
  /** Whether the rest can be tried without it: what needs the tools then says so itself. */
  isOptional?: boolean;
}

const counts = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numPendingTests: z.number(), numTotalTests: z.number() });

const vitest = (name: string, node: string[], project: string, ...more: string[]): Part => ({
  name,
  isTests: true,
  command: [
    ...node,
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    project,
    "--reporter=default",
    "--reporter=json",
    `--outputFile=${join(results, `${name}.json`)}`,
    ...more,
  ],
});

/** The parts of a run; those of one list run at the same time. */
function partsFor(wanted: readonly string[]): Part[][] {
  const preparations: Part[] = [
    { name: "tools", command: ["sh", "test/boards/install-tools.sh"], isOptional: true },
    { name: "build", command: ["npm", "run", "--silent", "build"] },
  ];
  const tests = groups
    .map((group) => group.filter((project) => wanted.includes(project)).map((project) => vitest(project, [process.execPath], project)))
    .filter((group) => group.length > 0);
  if (wanted.length < projects.length) return [...preparations.map((part) => [part]), ...tests];
  const checks: Part[] = [
    { name: "lint", command: ["npm", "run", "--silent", "lint"] },
    { name: "types", command: ["npm", "run", "--silent", "types"] },
  ];
  // Hostile input meets the same code there, and takes half of the time.
  const node24 = ["npm", "exec", "--yes", "--package=node@24", "--", "node"];
  const onNode24 = vitest("unit-on-node-24", node24, "unit", "--exclude=**/fuzz.test.ts");
  return [...[...preparations, ...checks].map((part) => [part]), ...tests, [onNode24]];
}

/** Runs one part with nothing to read; its exit code. What it prints appears as it comes, or, beside others, when it has ended. */
function run({ name, command: [program = "", ...words] }: Part, isAlone: boolean): Promise<number> {
  return new Promise((done) => {
    const said: Buffer[] = [];
    if (isAlone) process.stdout.write(`\n--- ${name}\n`);
    const child = spawn(program, words, { cwd: repository, stdio: ["ignore", isAlone ? "inherit" : "pipe", isAlone ? "inherit" : "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => said.push(data));
    child.on("error", () => done(127));
    child.on("close", (code) => {
      if (!isAlone) process.stdout.write(Buffer.concat([Buffer.from(`\n--- ${name}\n`), ...said]));
      done(code ?? 1);
    });
  });
}

/** What a run of vitest counted; a run that wrote no counts is one failure. */
function countsOf(part: Part, code: number): { passed: number; failed: number; skipped: number } {
  if (!part.isTests) return { passed: 0, failed: code === 0 || part.isOptional ? 0 : 1, skipped: 0 };
  try {
    const said = counts.parse(JSON.parse(readFileSync(join(results, `${part.name}.json`), "utf8")));
    const failed = said.numFailedTests === 0 && code !== 0 ? 1 : said.numFailedTests;
    return { passed: said.numPassedTests, failed, skipped: said.numTotalTests - said.numPassedTests - said.numFailedTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function timed(part: Part, isAlone: boolean): Promise<{ part: Part; code: number; seconds: number }> {
  const started = Date.now();
  const code = await run(part, isAlone);
  return { part, code, seconds: Math.round((Date.now() - started) / 1000) };
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2).filter((argument) => projects.includes(argument));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const times: string[] = [];
  for (const group of partsFor(wanted.length > 0 ? wanted : projects)) {
    const ended = await Promise.all(group.map((part) => timed(part, group.length === 1)));
    for (const { part, code, seconds } of ended) {
      const { passed, failed, skipped } = countsOf(part, code);
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
      times.push(`${part.name} ${seconds} s${code === 0 ? "" : " (failed)"}`);
    }
    if (ended.some(({ part, code }) => code !== 0 && !part.isTests && !part.isOptional)) break;
  }
  rmSync(results, { recursive: true, force: true });
  process.stdout.write(`\ntimes (script and login, ssh and faults at once): ${times.join(", ")}\n`);
  process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  const skipsCount = process.env.CI === "true" && total.skipped > 0;
  if (skipsCount) process.stdout.write("A skipped test is a failure where CI=true.\n");
  process.exitCode = total.failed > 0 || skipsCount ? 1 : 0;
}

void main();
