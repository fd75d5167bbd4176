/** What the checkers of reference sets share: their rows, and how far numbers are off. */
import type { TypedArray } from '../../src/graph/index.ts';
import type { Picture } from '../../src/video/index.ts';
import { picturesOf } from '../../src/video/pictures.ts';

/** A case's result. deviation: its worst, in the unit that the set's checker names. */
export type Row = { name: string; ok: boolean; deviation?: number; note?: string };

/** Largest difference over the largest expected entry; infinite when sizes differ or a value is no number. */
export function deviation(actual: TypedArray, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0, largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(Number(actual[i]) - expected[i]);
    if (Number.isNaN(d)) return Infinity;
    difference = Math.max(difference, d);
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return largest === 0 ? difference : difference / largest;
}

/** uint8 [frames, H, W, 3] or [H, W, 3] as pictures. */
export function pictures(data: Uint8Array, shape: readonly number[]): Picture[] {
  const [height, width] = shape.slice(-3);
  return picturesOf(data, width, height);
}
