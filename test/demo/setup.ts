import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Board, type BoardKind, bootBoard } from "../boards/board";
import { pulumiCli } from "../helpers/pulumi/cli";
import { openStack, type Stack } from "../helpers/pulumi/engine";
import type { Ending } from "./ending";
import type { Screen } from "./screen";

const repository = resolve(__dirname, "../..");

/** The Debian packages that boards need. Installed as root; else refused with the command that does it. */
export async function installTools(screen: Screen): Promise<void> {
  const script = join(repository, "test/boards/install-tools.sh");
  await screen.step(
    "Debian packages",
    (say) => lines("sh", [script], say),
    (last) => last.replace(/^install-tools: /, ""),
  );
}

/** Runs a command, tells each line that it prints, and returns the last one. */
function lines(command: string, words: string[], say: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    let last = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        printed += text;
        last = printed.trimEnd().split("\n").at(-1) ?? "";
        say(last);
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(last);
      else reject(new Error(`${words.join(" ")} ended with ${code}:\n${printed.trim().split("\n").slice(-8).join("\n")}`));
    });
  });
}

/** Finds or makes the Pulumi CLI. */
export async function findPulumi(screen: Screen): Promise<void> {
  await screen.step("Pulumi CLI", pulumiCli, ({ version, how }) => `${version}, ${howWords[how]}`);
}

const howWords = { path: "found on PATH", npm: "downloaded by npm's pulumi", built: "built from Go modules" };

/** Boots a board, which ends with the demo. */
export async function bootForDemo(screen: Screen, ending: Ending, kind: BoardKind): Promise<Board> {
  const board = await screen.step(
    kind === "uml" ? "User-mode Linux" : "A board in QEMU",
    (say) => bootBoard(kind, { onProgress: say }),
    ({ port }) => `${kind}, SSH on 127.0.0.1:${port}`,
  );
  ending.atEnd(() => board.close());
  return board;
}

/** A stack of the repository's top-level project: of Pulumi.yaml and the program it names, and nothing else of the repository. */
export async function openDemoStack(ending: Ending, config: Record<string, string>): Promise<Stack> {
  const main = /^main:\s*(\S+)/m.exec(await readFile(join(repository, "Pulumi.yaml"), "utf8"))?.[1];
  if (main === undefined) throw new Error("the top-level Pulumi.yaml names no main");
  const scratch = await mkdtemp(join(tmpdir(), "devbind-demo-"));
  ending.removeAtExit(scratch);
  const project = join(scratch, "demo");
  await cp(join(repository, "Pulumi.yaml"), join(project, "Pulumi.yaml"));
  for (const file of ["index.ts", "package.json", "tsconfig.json"]) {
    await cp(join(repository, main, file), join(project, main, file));
  }
  const stack = await openAt(ending, project, config);
  await rm(scratch, { recursive: true });
  return stack;
}

/** A stack of the project for boards of one's own. */
export function openOwnStack(ending: Ending, config: Record<string, string>): Promise<Stack> {
  return openAt(ending, join(__dirname, "own-board-program"), config);
}

/** A stack of a project's copy, which is removed when the demo ends. */
export async function openAt(ending: Ending, project: string, config: Record<string, string>): Promise<Stack> {
  const stack = await openStack({ project, stack: "demo", config });
  ending.removeAtExit(dirname(stack.env.TMPDIR ?? join(tmpdir(), "none")));
  ending.atEnd(() => stack.close());
  return stack;
}
