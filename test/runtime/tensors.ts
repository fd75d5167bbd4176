import type { Tensor } from '../../src/graph/index.ts';

/** A float32 tensor; without dims a vector. */
export function f32(values: Iterable<number>, dims?: number[]): Tensor {
  const data = Float32Array.from(values);
  return { dtype: 'float32', dims: dims ?? [data.length], data };
}

/** The same over shared memory, at an odd place in it. */
export function shared(values: readonly number[], dims: number[] = [values.length]): Tensor {
  const data = new Float32Array(new SharedArrayBuffer(4 * values.length + 12), 12, values.length);
  data.set(values);
  return { dtype: 'float32', dims, data };
}

export const numbers = ({ data }: Tensor): number[] => Array.from(data as Float32Array);
