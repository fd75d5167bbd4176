/** Matrices in few bits as a checkpoint stores them: two or three tensors in place of one. */
import { StaveError } from '../errors.ts';
import { initializer, type DType, type PackedMatrix } from '../graph/index.ts';
import type { TensorInfo, TensorPlan, Weights } from '../weights/index.ts';
import { bitsOf, partOf } from './weight-types.ts';

/** What stands for a `….weight` of few bits: codes, scales and zero points, see PackedMatrix. The names are GPTQ's, the layout is the engine's. */
export function packedNames(weight: string): { codes: string; scales: string; zeros: string } {
  const module = weight.replace(/\.weight$/, '');
  return { codes: `${module}.qweight`, scales: `${module}.scales`, zeros: `${module}.qzeros` };
}

/** Whether a checkpoint has a weight, in whatever form. */
export const hasWeight = (weights: Weights, name: string): boolean => weights.has(name) || weights.has(packedNames(name).codes);

/** How a matrix of few bits is stored: with a scale and a zero point for each block of a row, or with a scale for each row. */
export type Packing = { bits: 4 | 8; block_size: number } | { bits: 8; block_size?: undefined };

/** How a weight of a part of this type is stored; undefined: as floating-point numbers, as all that is no matrix is. @param name the model's for it */
export function packingOf(name: string, shape: readonly number[], type: string | undefined): Packing | undefined {
  const bits = type === undefined ? undefined : bitsOf(type);
  if (bits === undefined || shape.length !== 2) return undefined;
  if (type === 'w8a8') return { bits: 8 };
  const block_size = blockSize(shape[1], partOf(name) === 'embeddings');
  return block_size === undefined ? undefined : { bits, block_size };
}

/** Numbers that share a scale: as many as fill up rows by at most a sixteenth. Rows of an embedding table are not filled up: undefined where no size fits.
 * @param whole whether it is an embedding table */
function blockSize(width: number, whole: boolean): number | undefined {
  const filled = (size: number): number => Math.ceil(width / size) * size - width;
  return [128, 64, 32, 16].find((size) => filled(size) <= (whole ? 0 : width / 16)) ?? (whole ? undefined : 16);
}

/** The tensors of a matrix [out, in]. Rows without blocks have no zero points. */
export type PackedTensors<T = TensorPlan> = { codes: T; scales: T; zeros?: T };

/** @param weight the checkpoint's name for it */
export function packedTensors(weight: string, [out, width]: readonly number[], { bits, block_size }: Packing): PackedTensors {
  const { codes, scales, zeros } = packedNames(weight);
  if (block_size === undefined) return { codes: { name: codes, dtype: 'I8', shape: [width, out] }, scales: { name: scales, dtype: 'F32', shape: [out] } };
  const blocks = Math.ceil(width / block_size);
  return {
    codes: { name: codes, dtype: 'U8', shape: [out, blocks, (block_size * bits) / 8] },
    scales: { name: scales, dtype: 'F32', shape: [out, blocks] },
    zeros: { name: zeros, dtype: 'U8', shape: [out, Math.ceil((blocks * bits) / 8)] },
  };
}

export type PackedInfo = PackedTensors<TensorInfo> & { packing: Packing };

/** A weight of the model: its name, what the checkpoint calls it, its shape [out, in] and the type that config.json gives its part. */
export type PackedWeight = { name: string; storedName: string; shape: readonly number[]; type: string | undefined };

/** Finds a matrix of few bits. @throws WEIGHT_MISSING, WEIGHT_SHAPE */
export function packedInfo(weights: Weights, { name, storedName, shape, type }: PackedWeight): PackedInfo {
  const packing = packingOf(name, shape, type);
  if (packing === undefined) throw wrong(weights.info(packedNames(storedName).codes), type === undefined || bitsOf(type) === undefined ? 'config.json has floating-point numbers here' : `rows of ${shape[1]} numbers are no whole blocks`);
  const { bits, block_size } = packing;
  const find = ({ name, dtype, shape: dims }: TensorPlan): TensorInfo => {
    const info = weights.info(name);
    if (info.shape.join() !== dims.join() || info.dtype !== dtype) throw wrong(info, `[${shape.join(', ')}] with ${bits} bits ${block_size === undefined ? 'by rows' : `in blocks of ${block_size}`} needs ${dtype} [${dims.join(', ')}]`);
    return info;
  };
  const { codes, scales, zeros } = packedTensors(storedName, shape, packing);
  return { packing, codes: find(codes), scales: find(scales), ...(zeros && { zeros: find(zeros) }) };
}

/** A matrix of few bits for a graph, by reference to its file. @throws as packedInfo */
export function packedMatrix(weights: Weights, weight: PackedWeight): PackedMatrix {
  const { packing: { bits, block_size }, ...infos } = packedInfo(weights, weight);
  const names = packedNames(weight.name);
  const [out, width] = weight.shape;
  const shape = [out, width] as const;
  const tensor = (name: keyof typeof names, dtype: DType) => stored(names[name], dtype, infos[name]!.shape, infos[name]!);
  const scales = tensor('scales', 'float32');
  if (block_size === undefined) return { shape, bits: 8, codes: tensor('codes', 'int8'), scales };
  const rows = width % block_size === 0 && { rows: stored(`${names.codes} by rows`, 'uint8', [out, (width * bits) / 8], infos.codes) };
  return { shape, bits, block_size, codes: tensor('codes', 'uint8'), ...rows, scales, zeros: tensor('zeros', 'uint8') };
}

const stored = (name: string, dtype: DType, dims: readonly number[], { file, offset, byteLength }: TensorInfo) => initializer(name, dtype, dims, { file, offset, byteLength });

const wrong = ({ file, name, dtype, shape }: TensorInfo, why: string): StaveError =>
  new StaveError('WEIGHT_SHAPE', { what: `${file}: tensor "${name}" is ${dtype} [${shape.join(', ')}]`, why, fix: 'convert the checkpoint again' });
