import type { Tensor } from '../../graph/index.ts';

/** cos and sin of angles, [positions, d], the second half repeating the first. */
export type RopeTables = { cos: Tensor; sin: Tensor };

const THETA = 10_000; // transformers VisionRotaryEmbedding

/** Tables of spatial attention: half of the angles of a patch turn with its row, half with its column. Patches in merge order: 2×2 neighbours follow each other.
 * @param h patches down   @param w patches across   → [h·w, head_dim] */
export function spaceTables(h: number, w: number, head_dim: number, merge_size: number): RopeTables {
  const line = timeTables(Math.max(h, w), head_dim / 2); // every row's or column's values once: [max(h, w), head_dim / 2], the second half repeating the first
  const table = ({ data: values }: Tensor): Tensor => {
    const data = new Float32Array(h * w * head_dim);
    let at = 0;
    for (let blockRow = 0; blockRow < h; blockRow += merge_size)
      for (let blockColumn = 0; blockColumn < w; blockColumn += merge_size)
        for (let row = blockRow; row < blockRow + merge_size; row++)
          for (let column = blockColumn; column < blockColumn + merge_size; column++)
            for (const position of [row, column, row, column])
              for (let i = 0, from = (position * head_dim) / 2; i < head_dim / 4; i++) data[at++] = (values as Float32Array)[from + i];
    return { dtype: 'float32', dims: [h * w, head_dim], data };
  };
  return { cos: table(line.cos), sin: table(line.sin) };
}

/** Tables of temporal attention: a patch's angles turn with the number of its frame group. → [T, head_dim] */
export function timeTables(T: number, head_dim: number): RopeTables {
  const frequencies = inverseFrequencies(head_dim, THETA);
  const angles = Float32Array.from({ length: (T * head_dim) / 2 }, (_, i) => Math.floor(i / frequencies.length) * frequencies[i % frequencies.length]);
  return tables(angles, T, head_dim);
}

/** θ^(−2i/d) for i < d/2, rounded to float32 where PyTorch rounds. */
export function inverseFrequencies(d: number, theta: number): Float32Array {
  return Float32Array.from({ length: d / 2 }, (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / d)));
}

/** angles: [positions, d/2] */
function tables(angles: Float32Array, positions: number, d: number): RopeTables {
  const table = (f: (angle: number) => number): Tensor => {
    const data = new Float32Array(positions * d);
    for (let p = 0; p < positions; p++) for (let i = 0; i < d; i++) data[p * d + i] = f(angles[(p * d) / 2 + (i % (d / 2))]);
    return { dtype: 'float32', dims: [positions, d], data };
  };
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
