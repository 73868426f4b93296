import * as pulumi from "@pulumi/pulumi";
import { BoardBindings } from "./board-bindings";
import { refuse } from "./judge";
import { chosenBoards, type LabBoard, readLab } from "./lab-file/file";
import { connectionWith, type SecretReference } from "./lab-file/schema";
import type { Outputs } from "./schema";
import { resolvePath } from "./ssh/paths";

/** Which lab file, and which of its boards. Plain values: they decide which resources there are. */
export interface LabArgs {
  /** The lab file; a relative path starts at the folder of Pulumi.yaml. */
  file: string;
  /** Only these boards; all without it. A board that is not chosen is given up like one that went from the file. */
  boards?: string[];
  /** Only boards that have all of these tags. */
  tags?: string[];
}

/** The component's type (frozen). */
export const labType = "devbind:index:Lab";

/**
 * The boards of a lab file, each as one `BoardBindings` named `<lab>-<board>`. The file is checked whole before any board is asked;
 * every problem is told as an error with its line, and nothing is then touched. Secrets that the file names come from Pulumi's config
 * (`{ config: NAME }`) or the environment (`{ env: NAME }`), and are secret in state. Boards without bindings are for the command only.
 */
export class Lab extends pulumi.ComponentResource {
  /** The bindings of each board, by the board's name. */
  readonly boards: Readonly<Record<string, BoardBindings>>;
  /** What is known of each device, by board and binding. */
  readonly devices: pulumi.Output<Record<string, Record<string, Outputs>>>;

  constructor(name: string, args: LabArgs, options: pulumi.ComponentResourceOptions = {}) {
    super(labType, name, {}, options);
    const { boards, problems } = chosen(args);
    const missing = boards.flatMap((board) => missingSecrets(board, args.file));
    for (const problem of [...problems, ...missing]) refuse(this, problem);
    this.boards = missing.length > 0 ? {} : Object.fromEntries(boards.map((board) => [board.name, this.bind(name, board)]));
    this.devices = pulumi.all(Object.fromEntries(Object.entries(this.boards).map(([board, { devices }]) => [board, devices])));
    this.registerOutputs({ devices: this.devices });
  }

  private bind(lab: string, { name, inputs }: LabBoard): BoardBindings {
    const connection = connectionWith(inputs.connection, secretOf);
    return new BoardBindings(`${lab}-${name}`, { ...inputs, connection }, { parent: this });
  }
}

function chosen({ file, boards = [], tags = [] }: LabArgs): { boards: LabBoard[]; problems: string[] } {
  const lab = readLab(resolvePath(file), file);
  const found = chosenBoards(lab.boards, boards, tags);
  const unknown = [
    ...found.unknown.map((name) => `${file} has no board ${name}.`),
    ...(found.missingTags.length > 0 ? [`${file} has no board with the tag ${found.missingTags.join(" and the tag ")}.`] : []),
  ];
  const problems = lab.problems.length > 0 ? lab.problems : unknown;
  return { boards: problems.length > 0 ? [] : found.chosen.filter(({ inputs }) => Object.keys(inputs.bindings).length > 0), problems };
}

function secretOf(named: SecretReference): pulumi.Output<string> | undefined {
  if ("env" in named) return process.env[named.env] === undefined ? undefined : pulumi.secret(process.env[named.env] ?? "");
  const at = named.config.lastIndexOf(":");
  const config = at < 0 ? new pulumi.Config() : new pulumi.Config(named.config.slice(0, at));
  return config.getSecret(named.config.slice(at + 1));
}

function missingSecrets({ name, inputs }: LabBoard, file: string): string[] {
  const missing: SecretReference[] = [];
  connectionWith(inputs.connection, (named) => secretOf(named) ?? missing.push(named));
  return missing.map((named) =>
    "env" in named
      ? `${file}: boards.${name}.connection names a variable that the environment has not. Set ${named.env}.`
      : `${file}: boards.${name}.connection names a secret that Pulumi's config has not. Run pulumi config set --secret ${named.config}.`,
  );
}
