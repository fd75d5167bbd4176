/** A small model of a family through a device, to be compared with the same on the processor. */
import { languageGraph, modelInMemory, parseConfig, textPositions, visionParts, type ModelType, type Qwen2VL } from '../../models/qwen2vl/index.ts';
import { isPacked, type Part } from '../../models/weight-types.ts';
import type { Runtime } from '../../runtime/index.ts';
import { Decoder } from '../decoder.ts';
import { encodeVisual } from '../encoder.ts';
import { compileParts, visionForms } from './parts.ts';

/** What decides which kernels a model needs. */
export type Sort = { model_type: ModelType; types: Readonly<Record<Part, string>> };

export const float32 = { vision: 'f32', language: 'f32', embeddings: 'f32', head: 'f32' } as const;

export const sortOf = ({ config: { model_type }, weightTypes }: Pick<Qwen2VL, 'config' | 'weightTypes'>): Sort => ({ model_type, types: weightTypes });

const tokens = { vision_start_token_id: 150, vision_end_token_id: 151, image_token_id: 152, video_token_id: 153 };
const text = { hidden_size: 128, intermediate_size: 256, num_hidden_layers: 1, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 160, tie_word_embeddings: true, rope_scaling: { mrope_section: [4, 6, 6] }, temporal_attention: { head_scale: 0.5 }, ...tokens };

/** Wide enough for blocks of 128 packed weights, rows enough for the kernels that real clips and prompts get. Temporal attention, a decoder layer, and of Qwen2.5-VL a block with windows and one without. */
const configs: Record<ModelType, object> = {
  qwen2_vl: { model_type: 'qwen2_vl', ...text, vision_config: { depth: 1, embed_dim: 128, num_heads: 4, mlp_ratio: 2, hidden_size: 128 } },
  qwen2_5_vl: { model_type: 'qwen2_5_vl', ...text, vision_config: { depth: 2, hidden_size: 128, num_heads: 4, intermediate_size: 256, out_hidden_size: 128, window_size: 112, fullatt_block_indexes: [1], tokens_per_second: 2 } },
};

const grid: [number, number, number] = [2, 8, 14]; // two windows a frame, the second one not full

/** A clip and a prompt through vision encoder, prefill and one decoded token. @returns visual tokens, [V, hidden_size], and the logits of both tokens, [vocab_size] each */
export async function selfTest(runtime: Pick<Runtime, 'device' | 'compile'>, { model_type, types }: Sort): Promise<Float32Array[]> {
  const config = parseConfig(configs[model_type]);
  const model = modelInMemory(config, types, weights);
  const vision = await compileParts(runtime, visionParts(model, visionForms(runtime.device)));
  await using language = await runtime.compile(languageGraph(model));
  const [t, h, w] = grid;
  const embeds = await encodeVisual(vision, config, [{ kind: 'video', grid, pixel_values: noise(t * h * w * 3 * 2 * 14 * 14, 1, 1) }]);
  const decoder = new Decoder(language, config);
  const ids = [1, 2, 150, ...Array.from({ length: (t * h * w) / 4 }, () => 153), 151, 3];
  const prefill = await decoder.append({ ids, position_ids: textPositions(0, ids.length, 0) }, embeds);
  const step = await decoder.append({ ids: [4], position_ids: textPositions(ids.length, 1, 0) }, new Float32Array());
  return [embeds, prefill, step];
}

/** What a device is tried with: a sort with packed weights in float32 first, for there a wrong kernel shows best. */
export const triedSorts = (sort: Sort): Sort[] => [...(isPacked(sort.types) ? [{ ...sort, types: float32 }] : []), sort];

/** Part of the largest number by which a device may differ: more than other orders of sums and 19-bit products take, less than what a wrong kernel gives. Products of packed weights round their other factor
 * to 8 bits on the processor; a device may round otherwise, or not at all. */
export const tolerance = ({ types }: Sort): number => (isPacked(types) ? 0.1 : 2e-3);

/** The worst of several tensors, see difference(). */
export function differences(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  return Math.max(...a.map((tensor, i) => difference(tensor, b[i])));
}

/** The largest difference, as a part of the largest number; NaN where one is no number. */
function difference(a: Float32Array, b: Float32Array): number {
  let most = 0, largest = 0;
  for (let i = 0; i < b.length; i++) {
    const off = Math.abs(a[i] - b[i]);
    if (Number.isNaN(off)) return NaN;
    most = Math.max(most, off);
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return most / largest;
}

/** Weights as large as makes attention choose: over scores that are all alike, wrong kernels give right numbers. Of norms around 1. */
function weights(name: string, length: number): Float32Array {
  const data = noise(length, name.length, 0.25);
  return /norm.*\.weight$|ln_q\.weight$/.test(name) ? data.map((w) => 1 + w) : data;
}

/** Numbers up to `size` without a pattern, the same everywhere. */
function noise(length: number, seed: number, size: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => (size * (state = (Math.imul(state, 1664525) + 1013904223) | 0)) / 2 ** 31);
}
