import type { Row } from "../seed/rows";
import type { Bench } from "./bench";

/** Plays a row of `npm run seed` without Pulumi: its binding goes through the runtime's door. Returns what was seen. */
export const play = (bench: Bench, { story }: Row): Promise<string> =>
  story({
    board: bench.board,
    binding: (inputs) => {
      const binding = bench.binding(inputs);
      return {
        up: (changes = {}) => {
          binding.inputs = { ...binding.inputs, ...changes };
          return binding.state === undefined ? binding.create() : binding.update();
        },
        destroy: () => binding.delete(),
      };
    },
  });
