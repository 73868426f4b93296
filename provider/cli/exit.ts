import { DevbindError } from "../errors";

/** How the command ends, for those who run it in cron, CI or a hook. Told in every `--help`. */
export const exits = {
  /** All right: what was asked holds, or was done. */
  fine: 0,
  /** A board answered, and it is not as it should be: drift, a refusal, something that was not released. */
  wrong: 1,
  /** A board gave no answer, or none that can be believed. It goes before `wrong`. */
  unreachable: 2,
  /** The command line can't be right. */
  usage: 64,
  /** A lab file or an input can't be right; no board was asked. */
  data: 65,
  /** A defect of this program. */
  defect: 70,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

/** What the command line asks for can't be. */
export class UsageError extends Error {}

/** A lab file can't be right: every problem with its line. */
export class LabProblems extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** The exit code that an error stands for. */
export function exitOf(error: unknown): Exit {
  if (error instanceof UsageError) return exits.usage;
  if (error instanceof LabProblems) return exits.data;
  if (!(error instanceof DevbindError)) return exits.defect;
  switch (error.kind) {
    case "invalid":
      return exits.data;
    case "unreachable":
    case "untrusted":
    case "denied":
    case "protocol":
      return exits.unreachable;
    default:
      return exits.wrong;
  }
}

/** Whether a board that gave this for an answer may just be off: not one that answers and is not to be trusted, or lets nobody in. */
export const mayBeOff = (error: unknown): boolean => error instanceof DevbindError && ["unreachable", "protocol"].includes(error.kind);

/** An error in words. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * What it means that a board gave no answer to a look: a kernel that does not answer, or a key file that is none, is no answer either
 * way. Only one that may just be off is left out where it may be.
 * @throws the error itself, where it is a defect of this program
 */
export function withoutAnswer(error: unknown, { isSkippable }: { isSkippable: boolean }): { reason: string; isOff: boolean; exit: Exit } {
  if (exitOf(error) === exits.defect) throw error;
  const isOff = isSkippable && mayBeOff(error);
  return { reason: messageOf(error), isOff, exit: isOff ? exits.fine : exits.unreachable };
}

/** Of many boards' exits the one that counts: a board that gave no answer goes before one that is wrong. */
export const worst = (codes: readonly Exit[]): Exit =>
  codes.includes(exits.unreachable) ? exits.unreachable : codes.includes(exits.wrong) ? exits.wrong : exits.fine;
