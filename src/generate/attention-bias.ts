/** What each of S new positions may see, as the language graph takes it: [1, 1, S, capacity + S], the places of the cache and then the new positions. */
import type { Tensor } from '../graph/index.ts';
import { MASKED } from '../models/qwen2vl/index.ts';

/** The stored positions, the new ones before it and itself. */
export function causalBias(S: number, stored: number, capacity: number): Tensor {
  const width = capacity + S;
  const data = new Float32Array(S * width);
  for (let i = 0; i < S; i++) {
    data.fill(MASKED, i * width + stored, i * width + capacity);
    data.fill(MASKED, i * width + capacity + i + 1, (i + 1) * width);
  }
  return tensor(S, width, data);
}

/** Tokens `start` to `end` of a tree: each sees the positions that the tree goes on from, its ancestors and itself. @param parents of all tokens, −1 for none  @param root positions before the tree; the tree's tokens before `start` are stored behind them */
export function treeBias(parents: readonly number[], [start, end]: readonly [number, number], root: number, capacity: number): Tensor {
  const width = capacity + end - start;
  const data = new Float32Array((end - start) * width).fill(MASKED);
  for (let token = start; token < end; token++) {
    const row = (token - start) * width;
    data.fill(0, row, row + root);
    for (let seen = token; seen >= 0; seen = parents[seen]) data[row + (seen < start ? root + seen : capacity + seen - start)] = 0;
  }
  return tensor(end - start, width, data);
}

const tensor = (S: number, width: number, data: Float32Array): Tensor => ({ dtype: 'float32', dims: [1, 1, S, width], data });
