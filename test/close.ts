import assert from 'node:assert/strict';
import type { Tensor } from '../src/graph/index.ts';

/** Every entry within `tolerance` of the largest expected one; on failure: where, both values. */
export function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length, 'number of entries');
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i] - expected[i]);
    if (!(off <= tolerance * Math.max(largest, 1e-30))) assert.fail(`[${i}]: ${actual[i]} for ${expected[i]}, off by ${off / largest} of the largest entry`);
  }
}

let state = 1;

/** Numbers in [−1, 1), the same in every run. */
export function random(length: number): Float32Array {
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export const tensor = (dims: number[]): Tensor => ({ dtype: 'float32', dims, data: random(dims.reduce((a, b) => a * b, 1)) });
