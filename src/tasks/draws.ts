import type { Random } from '../clips/index.ts';

/** Random draws as places in what is offered: data sets are built with the draws of a seed, or with recorded ones. */
export type Draws = {
  /** One of n. */
  choice(n: number): number;
  /** k different ones of n, in the order drawn. */
  sample(n: number, k: number): number[];
  /** The new order of n. */
  shuffle(n: number): number[];
};

/** Draws of a seeded generator. */
export function seededDraws(random: Random): Draws {
  const shuffle = (n: number) => random.shuffle(Array.from({ length: n }, (_, i) => i));
  return { choice: (n) => random.int(0, n - 1), shuffle, sample: (n, k) => shuffle(n).slice(0, k) };
}

/** A shuffled copy. */
export function shuffled<T>(items: readonly T[], draws: Draws): T[] {
  return draws.shuffle(items.length).map((i) => items[i]);
}
