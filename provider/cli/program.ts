import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { z } from "zod";
import { check } from "./check";
import { type Exit, exitOf, exits, LabProblems, messageOf, UsageError } from "./exit";
import { exportBoard } from "./export";
import { examples, exitTable, secretsHelp } from "./help";
import { list } from "./list";
import { plan } from "./plan";
import { release } from "./release";
import { hasColours, Screen, type Stream } from "./screen";

export interface Surroundings {
  out: Stream;
  err: Stream;
  env: Record<string, string | undefined>;
}

const packageFile = join(__dirname, "../../package.json");
/** Made by the build from the zod schema. */
const labSchemaFile = join(__dirname, "../lab.schema.json");

/** Runs the command line. Never rejects: what goes wrong is said, and is the exit code. */
export async function run(words: readonly string[], { out, err, env }: Surroundings): Promise<Exit> {
  const screen = new Screen(out, err, env);
  let exit: Exit = exits.fine;
  const program = programOf(screen, { out, err, env }, (code) => {
    exit = code;
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return exit;
  } catch (error) {
    screen.quiet();
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.fine : exits.usage;
    const code = exitOf(error);
    if (error instanceof LabProblems) {
      for (const problem of error.problems) screen.complain(problem);
      return code;
    }
    screen.complain(code === exits.defect && error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
    if (error instanceof UsageError) screen.note("`devbind --help` tells more.");
    return code;
  }
}

/** Runs a command and keeps its exit code. */
type Keep = (exit: Exit) => void;

function programOf(screen: Screen, { out, err, env }: Surroundings, keep: Keep): Command {
  const program = new Command("devbind");
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(packageFile, "utf8")));
  program
    .description("Which kernel driver owns which device, on the boards of a lab, over SSH.")
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHelpWidth: () => screen.width ?? 100,
      getErrHelpWidth: () => screen.width ?? 100,
      getOutHasColors: () => hasColours(out, env),
      getErrHasColors: () => hasColours(err, env),
    })
    .showHelpAfterError("(`devbind --help` tells more.)")
    .addHelpText("after", `${examples.devbind}\n${exitTable}\n${secretsHelp}`);
  addLooks(program, screen, keep);
  addLabs(program, screen, keep);
  addRelease(program, screen, keep);
  program
    .command("schema")
    .description("print the JSON schema of lab files, for editors")
    .addHelpText("after", examples.schema)
    .action(() => screen.text(readFileSync(labSchemaFile, "utf8")));
  return program;
}

const several = (value: string, before: string[] = []): string[] => [...before, value];

/** How one board is reached without a lab file. */
function withHost(command: Command, isOnly = false): Command {
  const host = "the board, [user@]host[:port]";
  if (isOnly) command.requiredOption("--host <board>", host);
  else command.option("--host <board>", host);
  return command
    .option("--port <number>", "its SSH port (22)")
    .option("--identity <file>", "private key; else the agent's keys, else ~/.ssh/id_ed25519, id_ecdsa, id_rsa")
    .option("--config-file <file>", "OpenSSH client config in which <board> is a name")
    .option("--become <way>", "how the user becomes root: sudo, doas or su")
    .option("--known-hosts <file>", "instead of ~/.ssh/known_hosts and the one beside Pulumi.yaml")
    .option("--host-key-checking <how>", "strict, accept-new or off")
    .option("--ask-password", "ask for the login's password")
    .option("--ask-become-password", "ask for the password of sudo or su");
}

const withLab = (command: Command): Command =>
  command
    .option("--lab <file>", "lab file (lab.yaml)")
    .option("--tag <tag>", "only boards with this tag; several: with all of them", several);

function addLooks(program: Command, screen: Screen, keep: Keep): void {
  withHost(withLab(program.command("list")))
    .description("what a board has, and what of it can be taken")
    .argument("[boards...]", "boards of the lab file")
    .option("--bus <bus>", "only this bus; may be given again", several)
    .option("--driver <driver>", 'only what has this driver ("-": none); may be given again', several)
    .option("--match <text>", "only what has this text in a name, id, compatible, interface or claimant")
    .option("--claimed", "only what somebody claims")
    .option("--unguarded", "only what the board does not stand on")
    .option("--free", "only what can be taken")
    .option("--json", "for programs")
    .addHelpText("after", examples.list)
    .action(async (boards: string[], options) => keep(await list(screen, boards, options)));
  withHost(program.command("export"), true)
    .description("a lab file or a program of a board as it is now")
    .argument("[devices...]", "<bus>/<device>, or a name that only one device has")
    .option("--format <format>", "lab or typescript (lab)")
    .option("--bus <bus>", "all of this bus; may be given again", several)
    .option("--all", "all devices")
    .option("--by <key>", "choose devices by compatible, pciId, deviceTreePath or address where that means one")
    .option("--name <name>", "the board's name there (its host name)")
    .addHelpText("after", examples.export)
    .action(async (devices: string[], options) => keep(await exportBoard(screen, devices, options)));
}

function addLabs(program: Command, screen: Screen, keep: Keep): void {
  withLab(program.command("check"))
    .description("whether a lab file holds on its boards right now")
    .argument("[boards...]", "boards of the lab file (all)")
    .option("--quiet", "no word where all is right")
    .option("--json", "for programs")
    .addHelpText("after", `${examples.check}\n${exitTable}`)
    .action(async (boards: string[], options) => keep(await check(screen, boards, options)));
  withLab(program.command("plan"))
    .description("exactly which writes an `up` of a lab file would do, in order")
    .argument("[boards...]", "boards of the lab file (all)")
    .option("--as <lab>", "organisation/project/stack/name of the Lab: whose claims are its own")
    .option("--json", "for programs")
    .addHelpText("after", examples.plan)
    .action(async (boards: string[], options) => keep(await plan(screen, boards, options)));
}

function addRelease(program: Command, screen: Screen, keep: Keep): void {
  withHost(program.command("release"))
    .description("drop claims of somebody who is gone, undo what was interrupted")
    .argument("[what...]", "devices as <bus>/<device>; with --lab the board before them")
    .option("--lab <file>", "lab file (lab.yaml)")
    .option("--claimant <name>", "only claims of this claimant; * and ? as in a pattern")
    .option("--all", "all claims, whoever's")
    .option("--yes", "don't ask; needed where there is no terminal")
    .addHelpText("after", examples.release)
    .action(async (what: string[], options) => keep(await release(screen, what, options)));
}
