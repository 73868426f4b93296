import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";

/**
 * `npm test`: the tools, the build, lint, types and every test project, one after the other, each with its time; last a line
 * `N passed, N failed, N skipped`. Names of projects as arguments run only these. With CI=true a skipped test is a failure.
 */
const repository = resolve(__dirname, "..");
const projects = ["unit", "script", "ssh", "login", "boards", "kernel", "faults", "pulumi"];
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

const vitest = (name: string, node: string[], project: string): Part => ({
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
  ],
});

function partsFor(wanted: readonly string[]): Part[] {
  const preparations: Part[] = [
    { name: "tools", command: ["sh", "test/boards/install-tools.sh"], isOptional: true },
    { name: "build", command: ["npm", "run", "--silent", "build"] },
  ];
  const tests = projects.filter((project) => wanted.includes(project)).map((project) => vitest(project, [process.execPath], project));
  if (wanted.length < projects.length) return [...preparations, ...tests];
  const onNode24 = vitest("unit-on-node-24", ["npm", "exec", "--yes", "--package=node@24", "--", "node"], "unit");
  return [
    ...preparations,
    { name: "lint", command: ["npm", "run", "--silent", "lint"] },
    { name: "types", command: ["npm", "run", "--silent", "types"] },
    ...tests,
    onNode24,
  ];
}

/** Runs one part with the terminal as it is and nothing to read; its exit code. */
function run({ command: [program = "", ...words] }: Part): Promise<number> {
  return new Promise((done) => {
    const child = spawn(program, words, { cwd: repository, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", () => done(127));
    child.on("exit", (code) => done(code ?? 1));
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

async function main(): Promise<void> {
  const wanted = process.argv.slice(2).filter((argument) => projects.includes(argument));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const times: string[] = [];
  for (const part of partsFor(wanted.length > 0 ? wanted : projects)) {
    const started = Date.now();
    process.stdout.write(`\n--- ${part.name}\n`);
    const code = await run(part);
    const { passed, failed, skipped } = countsOf(part, code);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    times.push(`${part.name} ${Math.round((Date.now() - started) / 1000)} s${code === 0 ? "" : " (failed)"}`);
    if (code !== 0 && !part.isTests && !part.isOptional) break;
  }
  rmSync(results, { recursive: true, force: true });
  process.stdout.write(`\ntimes: ${times.join(", ")}\n`);
  process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  const skipsCount = process.env.CI === "true" && total.skipped > 0;
  if (skipsCount) process.stdout.write("A skipped test is a failure where CI=true.\n");
  process.exitCode = total.failed > 0 || skipsCount ? 1 : 0;
}

void main();
