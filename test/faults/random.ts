/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  one<T>(values: readonly T[]): T;
  /** The same values in another order. */
  shuffled<T>(values: readonly T[]): T[];
}

/** The generator mulberry32. `name` gives each case numbers of its own, whatever runs beside it. */
export function randomFrom(seed: number, name: string): Random {
  let state = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed | 0);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    between,
    one(values) {
      const value = values[between(0, values.length - 1)];
      if (value === undefined) throw new RangeError("nothing to choose from");
      return value;
    },
    shuffled(values) {
      const left = [...values];
      return values.flatMap(() => left.splice(between(0, left.length - 1), 1));
    },
  };
}
