import { initializer, type DType, type PackedMatrix, type Value } from '../../graph/index.ts';
import { Params } from '../../nn/index.ts';
import { pack, packRows } from '../../weights/index.ts';
import { packedTensors, packingOf, type Packing } from '../packed.ts';
import { partOf, type Part } from '../weight-types.ts';
import type { Qwen2VLConfig } from './config.ts';
import type { Qwen2VL } from './model.ts';
import { parameterShapes } from './tensors.ts';

/** A model for the graphs whose weights are in memory. @param types of its parts' matrices: those of few bits are packed, all others held as float32
 * @param numbers a tensor's weights, row-major */
export function modelInMemory(config: Qwen2VLConfig, types: Readonly<Record<Part, string>>, numbers: (name: string, length: number) => Float32Array): Pick<Qwen2VL, 'config' | 'visual' | 'language'> {
  const values = new Map<string, Value | PackedMatrix>();
  for (const [name, shape] of parameterShapes(config)) {
    const data = numbers(name, shape.reduce((a, b) => a * b, 1));
    const packing = packingOf(name, shape, types[partOf(name)]);
    values.set(name, packing === undefined ? initializer(name, 'float32', shape, { data }) : packed(name, shape as [number, number], data, packing));
  }
  const params = Params.from((name) => values.get(name));
  return { config, visual: params.at('visual'), language: { model: params.at('model'), head: config.tie_word_embeddings ? undefined : params.at('lm_head') } };
}

function packed(name: string, [out, width]: [number, number], numbers: Float32Array, packing: Packing): PackedMatrix {
  const plan = packedTensors(name, [out, width], packing);
  const shape = [out, width] as const;
  if (packing.block_size === undefined) {
    const { codes, scales } = packRows(numbers, width);
    return { shape, bits: 8, codes: tensor('int8', plan.codes, codes), scales: tensor('float32', plan.scales, scales) };
  }
  const { bits, block_size } = packing;
  const { codes, scales, zeros } = pack(numbers, { width, bits, block_size });
  const rows = width % block_size === 0 && { rows: tensor('uint8', { name: `${plan.codes.name} by rows`, shape: [out, (width * bits) / 8] }, codes) };
  return { shape, bits, block_size, codes: tensor('uint8', plan.codes, codes), ...rows, scales: tensor('float32', plan.scales, scales), zeros: tensor('uint8', plan.zeros!, zeros) };
}

const tensor = (dtype: DType, { name, shape }: { name: string; shape: readonly number[] }, data: Float32Array | Uint8Array | Int8Array) => initializer(name, dtype, shape, { data });
