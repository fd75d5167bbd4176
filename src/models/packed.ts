/** Matrices in few bits as a checkpoint stores them: three tensors in place of one. */
import { StaveError } from '../errors.ts';
import { initializer, type PackedMatrix } from '../graph/index.ts';
import type { TensorInfo, Weights } from '../weights/index.ts';
import { partOf } from './weight-types.ts';

/** What stands for a `….weight` of few bits: codes, scales and zero points, see PackedMatrix. The names are GPTQ's, the layout is the engine's. */
export function packedNames(weight: string): { codes: string; scales: string; zeros: string } {
  const module = weight.replace(/\.weight$/, '');
  return { codes: `${module}.qweight`, scales: `${module}.scales`, zeros: `${module}.qzeros` };
}

/** Whether a checkpoint has a weight, in whatever form. */
export const hasWeight = (weights: Weights, name: string): boolean => weights.has(name) || weights.has(packedNames(name).codes);

/** Numbers that share a scale: as many as fill up rows by at most a sixteenth. Rows of an embedding table are not filled up: undefined where no size fits.
 * @param whole whether it is an embedding table */
export function blockSize(width: number, whole: boolean): number | undefined {
  const filled = (size: number): number => Math.ceil(width / size) * size - width;
  return [128, 64, 32, 16].find((size) => filled(size) <= (whole ? 0 : width / 16)) ?? (whole ? undefined : 16);
}

export type PackedShape = { codes: [number, number, number]; scales: [number, number]; zeros: [number, number] };

export function packedShape([out, width]: readonly number[], bits: 4 | 8, block_size: number): PackedShape {
  const blocks = Math.ceil(width / block_size);
  return { codes: [out, blocks, (block_size * bits) / 8], scales: [out, blocks], zeros: [out, Math.ceil((blocks * bits) / 8)] };
}

export type PackedInfo = { bits: 4 | 8; block_size: number; codes: TensorInfo; scales: TensorInfo; zeros: TensorInfo };

/** A weight of the model: its name, what the checkpoint calls it, its shape [out, in] and the bits that config.json gives its part. */
export type PackedWeight = { name: string; storedName: string; shape: readonly number[]; bits: 4 | 8 | undefined };

/** Finds a matrix of few bits. @throws WEIGHT_MISSING, WEIGHT_SHAPE */
export function packedInfo(weights: Weights, { name, storedName, shape, bits }: PackedWeight): PackedInfo {
  const names = packedNames(storedName);
  const [codes, scales, zeros] = [weights.info(names.codes), weights.info(names.scales), weights.info(names.zeros)];
  const block_size = blockSize(shape[1], partOf(name) === 'embeddings');
  if (bits === undefined || block_size === undefined) throw wrong(codes, bits === undefined ? 'config.json has floating-point numbers here' : `rows of ${shape[1]} numbers are no whole blocks`);
  const wanted = packedShape(shape, bits, block_size);
  for (const [info, dims, dtype] of [[codes, wanted.codes, 'U8'], [scales, wanted.scales, 'F32'], [zeros, wanted.zeros, 'U8']] as const)
    if (info.shape.join() !== dims.join() || info.dtype !== dtype) throw wrong(info, `[${shape.join(', ')}] with ${bits} bits in blocks of ${block_size} needs ${dtype} [${dims.join(', ')}]`);
  return { bits, block_size, codes, scales, zeros };
}

/** A matrix of few bits for a graph, by reference to its file. @throws as packedInfo */
export function packedMatrix(weights: Weights, weight: PackedWeight): PackedMatrix {
  const { bits, block_size, codes, scales, zeros } = packedInfo(weights, weight);
  const names = packedNames(weight.name);
  const [out, width] = weight.shape;
  return {
    shape: [out, width],
    bits,
    block_size,
    codes: stored(names.codes, 'uint8', codes.shape, codes),
    ...(width % block_size === 0 && { rows: stored(`${names.codes} by rows`, 'uint8', [out, (width * bits) / 8], codes) }),
    scales: stored(names.scales, 'float32', scales.shape, scales),
    zeros: stored(names.zeros, 'uint8', zeros.shape, zeros),
  };
}

const stored = (name: string, dtype: 'uint8' | 'float32', dims: readonly number[], { file, offset, byteLength }: TensorInfo) => initializer(name, dtype, dims, { file, offset, byteLength });

const wrong = ({ file, name, dtype, shape }: TensorInfo, why: string): StaveError =>
  new StaveError('WEIGHT_SHAPE', { what: `${file}: tensor "${name}" is ${dtype} [${shape.join(', ')}]`, why, fix: 'convert the checkpoint again' });
