/** The tensors of a converted checkpoint: what each of the base's becomes, and how it gets there piece by piece. */
import { StaveError } from '../errors.ts';
import { blockSize, packedNames, packedShape, type PackedShape } from '../models/packed.ts';
import { parameterShapes, type Qwen2VL } from '../models/qwen2vl/index.ts';
import { bitsOf, partOf, tied, type WeightTypes } from '../models/weight-types.ts';
import type { PutTensor, TensorPlan } from '../weights/index.ts';
import type { Packers } from './packers.ts';

/** What becomes of a tensor. `name`: as the base's file has it. */
export type Change = { name: string; shape: readonly number[] } & ({ dtype: 'F32' | 'F16' } | { bits: 4 | 8; block_size: number; packed: PackedShape });

/** Of each tensor that the model has, by its part: linear layers and the embedding table in few bits, norms and biases as numbers. */
export function changes({ config, storedName }: Pick<Qwen2VL, 'config' | 'storedName'>, types: WeightTypes): Change[] {
  const all = tied(types, config.tie_word_embeddings);
  return [...parameterShapes(config)].map(([name, shape]): Change => {
    const part = partOf(name);
    const bits = bitsOf(all[part]);
    const block_size = bits === undefined || shape.length !== 2 ? undefined : blockSize(shape[1], part === 'embeddings');
    const stored = { name: storedName(name), shape };
    if (bits === undefined || block_size === undefined) return { ...stored, dtype: all[part] === 'f16' ? 'F16' : 'F32' };
    return { ...stored, bits, block_size, packed: packedShape(shape, bits, block_size) };
  });
}

/** What the file will hold of it. */
export function plansOf(change: Change): TensorPlan[] {
  const { name, shape } = change;
  if ('dtype' in change) return [{ name, dtype: change.dtype, shape }];
  const names = packedNames(name);
  return [
    { name: names.codes, dtype: 'U8', shape: change.packed.codes },
    { name: names.scales, dtype: 'F32', shape: change.packed.scales },
    { name: names.zeros, dtype: 'U8', shape: change.packed.zeros },
  ];
}

/** Numbers that are read, packed and written at once: 16 MB. What all threads hold together bounds the memory, however large a tensor is. */
const PIECE = 4 << 20;
const HALF_MAX = 65504;

/** Reads a tensor of the base in pieces of whole rows, and writes what becomes of them. @param onRead called with the numbers of each piece that is done
 * @returns the pieces on their way: wait for them  @throws WEIGHTS_CORRUPT for numbers that are not finite; USAGE for those too large for f16; as reading does */
export async function* convertTensor({ weights }: Pick<Qwen2VL, 'weights'>, change: Change, packers: Packers, put: PutTensor): AsyncGenerator<{ numbers: number; written: Promise<void> }> {
  const { name, shape } = change;
  const total = shape.reduce((a, b) => a * b, 1);
  const width = 'bits' in change ? shape[1] : 1;
  const step = Math.max(1, Math.floor(PIECE / width)) * width;
  for (let start = 0; start < total; start += step) {
    const end = Math.min(start + step, total);
    const numbers = await weights.readF32(name, { start, end });
    yield { numbers: end - start, written: 'bits' in change ? putPacked(change, numbers, start / width) : putPlain(change, numbers, start) };
  }

  async function putPlain({ dtype }: Extract<Change, { dtype: string }>, numbers: Float32Array, at: number): Promise<void> {
    const most = dtype === 'F16' ? HALF_MAX : Number.MAX_VALUE;
    const bad = numbers.find((w) => !(Math.abs(w) <= most));
    if (bad !== undefined && !Number.isFinite(bad)) throw notFinite();
    if (bad !== undefined) throw new StaveError('USAGE', { what: `tensor "${name}" holds ${bad}, f16 ends at ${HALF_MAX}`, fix: 'choose f32, int8 or int4 for this part of the model' });
    await put(name, numbers, at);
  }

  async function putPacked({ bits, block_size, packed: { codes, zeros } }: Extract<Change, { bits: number }>, numbers: Float32Array, row: number): Promise<void> {
    const names = packedNames(name);
    const made = await packers.pack(numbers, { width, bits, block_size }).catch((error: unknown) => {
      throw error instanceof RangeError ? notFinite() : error;
    });
    await put(names.codes, made.codes, row * codes[1] * codes[2]);
    await put(names.scales, made.scales, row * codes[1]);
    await put(names.zeros, made.zeros, row * zeros[1]);
  }

  function notFinite(): StaveError {
    return new StaveError('WEIGHTS_CORRUPT', { what: `tensor "${name}" of ${weights.path} holds numbers that are not finite`, fix: 'check the weights against their source' });
  }
}
