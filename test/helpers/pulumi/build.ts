import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Progress, pinnedVersion } from "./cache";
import { makeInCache } from "./make";
import { run } from "./run";

/** The Go programs that are built: each from a small module of its own beside this file, which pins every version. */
const programs = [
  { name: "pulumi", module: "engine", version: pinnedVersion, path: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  // The last one that the Go module of the SDK still holds; newer engines work with it.
  {
    name: "pulumi-language-nodejs",
    module: "language-nodejs",
    version: "3.65.0",
    path: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
  },
];

type Program = (typeof programs)[number];

/** Builds the CLI from Go modules into the cache: about 5 minutes on two cores, and 2 more where the modules aren't there yet. */
export async function build(onProgress: Progress): Promise<void> {
  await requireGo();
  await makeInCache("built", onProgress, async (folder) => {
    await mkdir(join(folder, "bin"));
    for (const program of programs) await buildProgram(program, join(folder, "bin"), onProgress);
    const launcher = "pulumi-resource-pulumi-nodejs";
    await copyFile(join(__dirname, launcher), join(folder, "bin", launcher));
  });
}

async function requireGo(): Promise<void> {
  const go = await run("go", ["version"], { timeoutSeconds: 20 }).catch(() => undefined);
  if (go?.code === 0) return;
  throw new Error(
    `There is no Pulumi CLI, npm's pulumi could not download it, and "go", which would build it, does not run. Install Go 1.25 or newer, ` +
      `or the Pulumi CLI (3.200 or newer) itself, so that it is on PATH.`,
  );
}

async function buildProgram(program: Program, target: string, onProgress: Progress): Promise<void> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  let packages = 0;
  let modules = 0;
  onProgress(`Building ${program.name} ${program.version} from Go modules (minutes, once)`);
  const report = setInterval(
    () => onProgress(`${program.name}: ${modules} modules fetched, ${packages} packages built, ${seconds()} s`),
    15_000,
  );
  const onLine = (line: string) => {
    if (line.startsWith("go: downloading ")) modules += 1;
    else packages += 1;
  };
  try {
    const result = await run("go", buildArguments(program, target), { ...surroundings(program), onLine, timeoutSeconds: 3600 });
    if (result.code !== 0 || result.stopped)
      throw new Error(`go could not build ${program.name}: ${result.stopped ?? ""}\n${tail(result.stderr)}`);
  } finally {
    clearInterval(report);
  }
  onProgress(`Built ${program.name} in ${seconds()} s`);
}

function buildArguments(program: Program, target: string): string[] {
  const flags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${program.version}`;
  return [
    "build",
    "-v",
    "-mod=readonly",
    "-buildvcs=false",
    "-trimpath",
    "-ldflags",
    flags,
    "-o",
    join(target, program.name),
    program.path,
  ];
}

function surroundings(program: Program) {
  return { folder: join(__dirname, program.module), env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off" } };
}

function tail(text: string): string {
  return text.trim().split("\n").slice(-15).join("\n");
}
