export const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Best and median of times. */
export const bestAndMedian = (times: readonly number[]): [number, number] => [Math.min(...times), median(times)];

/** `1.20 / 1.31` */
export const both = (pair: readonly number[], digits: number): string => pair.map((x) => x.toFixed(digits)).join(' / ');
