/** Whether two runs differ by more than chance: closed forms and resampling over pairs of answers to the same questions. */
import { Random } from '../generate/random.ts';

/** What an answer is worth: 0 or 1; null: it doesn't count. */
export type Points = 0 | 1 | null;

/** Two runs' answers to one question. */
export type Pair = readonly [a: Points, b: Points];

/** Percent of the points that count; 0 where nothing does. */
export function percent(right: number, counted: number): number {
  return counted === 0 ? 0 : (100 * right) / counted;
}

/** A run's percentage; of several strata (the tasks of a group) the mean of theirs. */
export function meanPercent(strata: readonly (readonly Pair[])[], run: 0 | 1): number {
  const each = strata.map((pairs) => percent(pairs.reduce((sum, pair) => sum + (pair[run] ?? 0), 0), pairs.filter((pair) => pair[run] !== null).length));
  return each.reduce((sum, d) => sum + d, 0) / strata.length;
}

/** McNemar's test in its exact form: of the questions that one run alone has right, is the split between the runs that of a fair coin? Questions that don't count in one of them are left out.
 * @returns how many each alone has right, and the two-sided p-value: min(1, 2·P[X ≤ min]), X ~ Binomial(n, ½) */
export function mcnemar(pairs: readonly Pair[]): { onlyA: number; onlyB: number; p: number } {
  const onlyA = pairs.filter(([a, b]) => a === 1 && b === 0).length, onlyB = pairs.filter(([a, b]) => a === 0 && b === 1).length;
  const n = onlyA + onlyB;
  let logTerm = -n * Math.LN2, tail = Math.exp(logTerm); // C(n, 0) / 2ⁿ
  for (let k = 1; k <= Math.min(onlyA, onlyB); k++) {
    logTerm += Math.log((n - k + 1) / k); // in logarithms: 2ⁿ is out of range from n = 1024 on
    tail += Math.exp(logTerm);
  }
  return { onlyA, onlyB, p: Math.min(1, 2 * tail) };
}

/** Paired bootstrap: questions are drawn anew with replacement, each with both its answers, in each stratum as many as it has.
 * @returns the middle `level` of the differences that come out, in percentage points: the 2.5th and 97.5th percentile by default */
export function bootstrap(strata: readonly (readonly Pair[])[], { draws = 10_000, level = 0.95, seed = 0 }: { draws?: number; level?: number; seed?: number } = {}): [low: number, high: number] {
  const random = new Random(seed);
  const coded = strata.map((pairs) => Uint8Array.from(pairs, ([a, b]) => code(a) * 3 + code(b)));
  const counts = new Uint32Array(9); // how often each of the nine kinds of pairs was drawn
  const found = Float64Array.from({ length: draws }, () => {
    let sum = 0;
    for (const codes of coded) {
      counts.fill(0);
      for (let i = 0; i < codes.length; i++) counts[codes[Math.floor((random.next32() / 2 ** 32) * codes.length)]]++;
      const [a0, a1, b0, b1] = [counts[3] + counts[4] + counts[5], counts[6] + counts[7] + counts[8], counts[1] + counts[4] + counts[7], counts[2] + counts[5] + counts[8]];
      sum += percent(b1, b0 + b1) - percent(a1, a0 + a1);
    }
    return sum / coded.length;
  }).toSorted();
  return [quantile(found, (1 - level) / 2), quantile(found, (1 + level) / 2)];
}

const code = (points: Points): number => (points === null ? 0 : points + 1);

/** By the nearest rank: the smallest value that at least the share q doesn't exceed. */
function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1))];
}

/** Wilson's interval of a share, in percent: where the true percentage lies, given so many right of so many. [0, 100] where nothing was counted. @param z 1.96: 95 % */
export function wilson(right: number, counted: number, z = 1.96): [low: number, high: number] {
  if (counted === 0) return [0, 100];
  const p = right / counted, n = counted, zz = z * z;
  const middle = p + zz / (2 * n), half = z * Math.sqrt((p * (1 - p)) / n + zz / (4 * n * n));
  return [Math.max(0, (100 * (middle - half)) / (1 + zz / n)), Math.min(100, (100 * (middle + half)) / (1 + zz / n))];
}
