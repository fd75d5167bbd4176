/** The tensors of a converted checkpoint: what each of the base's becomes, and how it gets there piece by piece. */
import { StaveError } from '../errors.ts';
import { packedTensors, packingOf, type PackedTensors, type Packing } from '../models/packed.ts';
import { parameterShapes, type Qwen2VL } from '../models/qwen2vl/index.ts';
import { partOf, tied, type WeightTypes } from '../models/weight-types.ts';
import type { PutTensor, TensorPlan } from '../weights/index.ts';
import type { Packers } from './packers.ts';

/** What becomes of a tensor. `name`: as the base's file has it. */
export type Change = { name: string; shape: readonly number[] } & ({ dtype: 'F32' | 'F16' } | { packing: Packing; tensors: PackedTensors });

/** Of each tensor that the model has, by its part: linear layers and the embedding table in few bits, norms and biases as numbers. */
export function changes({ config, storedName }: Pick<Qwen2VL, 'config' | 'storedName'>, types: WeightTypes): Change[] {
  const all = tied(types, config.tie_word_embeddings);
  return [...parameterShapes(config)].map(([name, shape]): Change => {
    const type = all[partOf(name)];
    const packing = packingOf(name, shape, type);
    const stored = { name: storedName(name), shape };
    if (packing === undefined) return { ...stored, dtype: type === 'f16' ? 'F16' : 'F32' };
    return { ...stored, packing, tensors: packedTensors(stored.name, shape, packing) };
  });
}

/** What the file will hold of it. */
export function plansOf(change: Change): TensorPlan[] {
  return 'dtype' in change ? [change] : Object.values(change.tensors);
}

/** Numbers that are read, packed and written at once: 16 MB. What all threads hold together bounds the memory, however large a tensor is. */
const PIECE = 4 << 20;

/** Pieces whose codes are put together where they are laid on their side: 32 MB. */
const STRIP = 8;
const HALF_MAX = 65504;

/** Writes what becomes of numbers of a tensor, whole rows, from number `at` on. @throws RangeError for numbers that are not finite */
type Write = (numbers: Float32Array, at: number) => Promise<void>;

/** Reads a tensor of the base in pieces of whole rows, and writes what becomes of them.
 * @returns the pieces on their way: wait for them  @throws WEIGHTS_CORRUPT for numbers that are not finite; USAGE for those too large for f16; as reading does */
export async function* convertTensor({ weights }: Pick<Qwen2VL, 'weights'>, change: Change, packers: Packers, put: PutTensor): AsyncGenerator<{ numbers: number; written: Promise<void> }> {
  const { name, shape } = change;
  const total = shape.reduce((a, b) => a * b, 1);
  const width = 'packing' in change ? shape[1] : 1;
  const rows = Math.max(1, Math.floor(PIECE / width));
  const step = rows * width;
  const write = writer(change, rows, packers, put);
  for (let start = 0; start < total; start += step) {
    const end = Math.min(start + step, total);
    const numbers = await weights.readF32(name, { start, end });
    const written = write(numbers, start).catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error;
      throw new StaveError('WEIGHTS_CORRUPT', { what: `tensor "${name}" of ${weights.path} holds numbers that are not finite`, fix: 'check the weights against their source' });
    });
    yield { numbers: end - start, written };
  }
}

/** @param rows of a piece */
function writer(change: Change, rows: number, packers: Packers, put: PutTensor): Write {
  if ('dtype' in change) return plainWriter(change, put);
  const { packing, tensors } = change;
  const [out, width] = change.shape;
  return packing.block_size === undefined ? rowWriter({ out, width, most: rows * STRIP }, tensors, packers, put) : blockWriter({ width, ...packing }, tensors, packers, put);
}

function plainWriter({ name, dtype }: Extract<Change, { dtype: string }>, put: PutTensor): Write {
  const most = dtype === 'F16' ? HALF_MAX : Number.MAX_VALUE;
  return async (numbers, at) => {
    const bad = numbers.find((w) => !(Math.abs(w) <= most));
    if (bad !== undefined && !Number.isFinite(bad)) throw new RangeError(name);
    if (bad !== undefined) throw new StaveError('USAGE', { what: `tensor "${name}" holds ${bad}, f16 ends at ${HALF_MAX}`, fix: 'choose f32, int8, w8a8 or int4 for this part of the model' });
    await put(name, numbers, at);
  };
}

function blockWriter(options: { width: number; bits: 4 | 8; block_size: number }, { codes, scales, zeros }: PackedTensors, packers: Packers, put: PutTensor): Write {
  return async (numbers, at) => {
    const row = at / options.width;
    const made = await packers.pack(numbers, options);
    await put(codes.name, made.codes, row * codes.shape[1] * codes.shape[2]);
    await put(scales.name, made.scales, row * scales.shape[1]);
    await put(zeros!.name, made.zeros, row * zeros!.shape[1]);
  };
}

/** Laid on their side, rows that come together stand apart: a bit of each column. So the codes of as many pieces as make a strip of columns are put together in memory, and a strip is written when all of it is there.
 * @param most rows of a strip: whole pieces */
function rowWriter({ out, width, most }: { out: number; width: number; most: number }, { codes, scales }: PackedTensors, packers: Packers, put: PutTensor): Write {
  const strips = new Map<number, { codes: Int8Array; missing: number }>(); // by first row; codes: [width, height]
  return async (numbers, at) => {
    const row = at / width;
    const rows = numbers.length / width;
    const first = row - (row % most);
    const height = Math.min(most, out - first);
    const made = await packers.packRows(numbers, width);
    const strip = strips.get(first) ?? { codes: new Int8Array(width * height), missing: height };
    strips.set(first, strip);
    for (let column = 0; column < width; column++) strip.codes.set(made.codes.subarray(column * rows, (column + 1) * rows), column * height + row - first);
    await put(scales.name, made.scales, row);
    strip.missing -= rows;
    if (strip.missing > 0) return;
    strips.delete(first);
    if (height === out) await put(codes.name, strip.codes);
    else for (let column = 0; column < width; column++) await put(codes.name, strip.codes.subarray(column * height, (column + 1) * height), column * out + first);
  };
}
