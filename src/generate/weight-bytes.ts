import { blockSize, packedShape } from '../models/packed.ts';
import { parameterShapes, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { bitsOf, partOf, type Part } from '../models/weight-types.ts';

/** Bytes of weights as the engine holds them: each once, for the mapped file is let go of when a matrix has been packed for its kernel; a table that is the head too is there in both forms.
 * @param types as what each part's matrices are stored; all that is not int8 or int4 is held as float32 */
export function weightBytes(config: Qwen2VLConfig, types: Record<Part, string>): number {
  let bytes = 0;
  for (const [name, shape] of parameterShapes(config)) {
    const part = partOf(name);
    const forms = part === 'embeddings' && config.tie_word_embeddings ? 2 : 1;
    const bits = bitsOf(types[part]);
    const block_size = bits === undefined || shape.length !== 2 ? undefined : blockSize(shape[1], part === 'embeddings');
    if (bits === undefined || block_size === undefined) bytes += forms * 4 * count(shape);
    else {
      const { codes, scales, zeros } = packedShape(shape, bits, block_size);
      bytes += forms * (count(codes) + 4 * count(scales) + count(zeros));
    }
  }
  return bytes;
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
