/** Weights for models whose speed alone counts. */
import { random } from '../src/clips/index.ts';
import { isBias, isNorm } from '../src/train/tensor-names.ts';

const POOL = 1 << 20;

/** Norms one, biases zero, all else N(0, 0.02): stretches of one row of random numbers, which is quick to make.
 * @returns the numbers of a tensor; `start`: where in the row its stretch begins */
export function randomWeights(seed: string): (name: string, shape: readonly number[], start?: number) => Float32Array {
  const { normal } = random(1, seed);
  const pool = Float32Array.from({ length: POOL }, () => 0.02 * normal());
  return (name, shape, start = 0) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (isNorm(name)) return data.fill(1);
    if (isBias(name)) return data;
    for (let at = 0; at < data.length; ) {
      const from = (start + at) % POOL;
      const piece = pool.subarray(from, Math.min(POOL, from + data.length - at));
      data.set(piece, at);
      at += piece.length;
    }
    return data;
  };
}
