import { parseArgs } from "node:util";

/** How a run of the faults differs from another one. */
export interface Option {
  isShort: boolean;
  seed: number;
  /** So many times as many trials in the long run. */
  scale: number;
  /** How many boards share the cases. */
  boards: number;
  only: string | undefined;
}

/** Reads the command line; the environment's DEVBIND_SEED counts where it says none. Refuses words that it does not know. */
export function optionsFrom(words: string[]): Option {
  const { values } = parseArgs({
    args: words,
    options: {
      short: { type: "boolean" },
      seed: { type: "string" },
      scale: { type: "string" },
      boards: { type: "string" },
      only: { type: "string" },
    },
  });
  return {
    isShort: values.short ?? false,
    seed: number("seed", values.seed ?? process.env.DEVBIND_SEED ?? "20"),
    scale: number("scale", values.scale ?? "1"),
    boards: number("boards", values.boards ?? "2"),
    only: values.only,
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text === "" || !(value > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return value;
}
