/** Stacked temporal attention put into a checkpoint that has none: where fine-tuning begins (arXiv:2510.26027). */
import { random } from '../clips/index.ts';
import { StaveError } from '../errors.ts';
import { configJson, defaultRows, openQwen2VL, parameterShapes, temporalHeads, type Qwen2VL, type TemporalAttention } from '../models/qwen2vl/index.ts';
import type { SaveTensor } from '../weights/index.ts';
import { checkNew, storedTensor, withType, writeModel, type FloatType, type OnTensor } from './write-model.ts';

export type InsertOptions = {
  /** Temporal heads as a part of the spatial ones. Default: 0.25. */
  head_scale?: number;
  /** Default: spatial-first. */
  order?: TemporalAttention['order'];
  /** Where an output meets the residual. Default: as the authors' code has it, patch-major for Qwen2-VL; frame-major for Qwen2.5-VL. */
  rows?: TemporalAttention['rows'];
  /** `normal`: N(0, 0.02), as the authors do. `zero`: the output projection is zero, so that the model still answers exactly as its base does. Default: normal. */
  init?: 'normal' | 'zero';
  /** Of the random numbers; those of a tensor depend on it and on the tensor's name alone. Default: 1. */
  seed?: number;
  /** Vision blocks that get it: all, the last n, or these. Default: all. */
  blocks?: 'all' | { last: number } | readonly number[];
  /** Type of the floating-point weights. Default: as the base has each. */
  dtype?: FloatType;
  /** Bytes of tensors in a file at most. Default: 5 GB. */
  max_shard_size?: number;
  signal?: AbortSignal;
  onTensor?: OnTensor;
};

export type Inserted = { /** Vision blocks that have it now. */ blocks: number[]; /** Temporal heads of each. */ heads: number; /** Weights added. */ parameters: number };

/** Deviation of new weights: `initializer_range` of the authors' base. */
const STD = 0.02;

/** Writes the checkpoint with temporal attention into a new directory; config.json says what was put in. The base is only read, one tensor at a time.
 * @throws USAGE when the base has temporal attention, `out` exists or an option can't be; as opening a model does; IO */
export async function insertTemporalAttention(base: string, out: string, options: InsertOptions = {}): Promise<Inserted> {
  await checkNew(out, base);
  const model = await openQwen2VL(base);
  await using _ = model.weights;
  const plain = parameterShapes(model.config);
  const { vision_config: vision } = model.config;
  if (vision.temporal_attention) throw new StaveError('MODEL_CONFIG', { what: `${base} has temporal attention already`, why: `${temporalHeads(vision.num_heads, vision.temporal_attention.head_scale)} heads, ${vision.temporal_attention.order}`, fix: 'train it as it is, or give a checkpoint without' });
  const { head_scale = 0.25, order = 'spatial-first', rows = defaultRows(vision.windowed !== undefined), init = 'normal', seed = 1, dtype, max_shard_size, signal, onTensor } = options;
  if (!(head_scale > 0 && head_scale <= 4)) throw new StaveError('USAGE', { what: `head_scale is ${head_scale}`, fix: 'give a number over 0 and at most 4' });
  const blocks = chooseBlocks(options.blocks ?? 'all', vision.depth);
  vision.temporal_attention = { head_scale, order, rows, ...(blocks.length < vision.depth && { blocks }) };
  const added = [...parameterShapes(model.config)].filter(([name]) => !plain.has(name));
  const tensors = added.map(([name, shape]) => newTensor(model, name, shape, { init, seed, dtype }));
  await writeModel(out, { base, config: withType(configJson(model.config), dtype), tensors: [...stored(model, plain.keys(), dtype), ...tensors] }, { max_shard_size, signal, onTensor });
  return { blocks, heads: temporalHeads(vision.num_heads, head_scale), parameters: added.reduce((sum, [, shape]) => sum + count(shape), 0) };
}

/** @throws USAGE */
function chooseBlocks(wanted: NonNullable<InsertOptions['blocks']>, depth: number): number[] {
  const all = Array.from({ length: depth }, (_, i) => i);
  if (wanted === 'all') return all;
  const blocks = 'last' in wanted ? all.slice(-wanted.last) : [...new Set(wanted)].toSorted((a, b) => a - b);
  const fits = 'last' in wanted ? Number.isInteger(wanted.last) && wanted.last >= 1 && wanted.last <= depth : blocks.length > 0 && blocks.every((block) => all.includes(block));
  if (!fits) throw new StaveError('USAGE', { what: `blocks is ${JSON.stringify(wanted)}`, why: `the vision encoder has ${depth} blocks`, fix: `give numbers from 0 to ${depth - 1}, or how many of the last` });
  return blocks;
}

/** The base's tensors; those that the model does not use stay as they are. */
function stored({ weights, storedName }: Qwen2VL, used: Iterable<string>, dtype: FloatType | undefined): SaveTensor[] {
  const names = new Set([...used].map(storedName));
  return [...weights.tensors.keys()].map((name) => storedTensor(weights, name, names.has(name) ? dtype : undefined));
}

/** Norms one, biases zero, matrices normally distributed. Named and typed as the spatial attention beside it. */
function newTensor({ weights, storedName }: Qwen2VL, name: string, shape: number[], { init, seed, dtype }: { init: 'normal' | 'zero'; seed: number; dtype?: FloatType }): SaveTensor {
  const beside = weights.info(storedName(name.replace('.temp_attn.', '.attn.').replace('.norm3.', '.norm1.')));
  return {
    name: storedName(name),
    dtype: dtype ?? beside.dtype,
    shape,
    data: () => {
      const data = new Float32Array(count(shape));
      if (name.endsWith('.norm3.weight')) return data.fill(1);
      if (name.endsWith('.bias') || (init === 'zero' && name.endsWith('.proj.weight'))) return data;
      const { normal } = random(seed, name);
      for (let i = 0; i < data.length; i++) data[i] = normal() * STD;
      return data;
    },
  };
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
