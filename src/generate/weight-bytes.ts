import { packedTensors, packingOf } from '../models/packed.ts';
import { parameterShapes, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { partOf, type Part } from '../models/weight-types.ts';
import { bytesOf } from '../weights/index.ts';

/** Bytes of weights as the engine holds them: each once, for the mapped file is let go of when a matrix has been packed for its kernel; a table that is the head too is there in both forms.
 * @param types as what each part's matrices are stored; all that has not few bits is held as float32 */
export function weightBytes(config: Qwen2VLConfig, types: Record<Part, string>): number {
  let bytes = 0;
  for (const [name, shape] of parameterShapes(config)) {
    const part = partOf(name);
    const forms = part === 'embeddings' && config.tie_word_embeddings ? 2 : 1;
    const packing = packingOf(name, shape, types[part]);
    const tensors = packing === undefined ? [{ dtype: 'F32' as const, shape }] : Object.values(packedTensors(name, shape, packing));
    bytes += forms * tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  }
  return bytes;
}
