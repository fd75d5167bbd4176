/** What the stages of an answer have to do at least: floating-point operations of the matrix products, and bytes of weights and cache. */
import { packedTensors, packingOf } from '../../src/models/packed.ts';
import { isTemporal, isWindowed, parameterShapes, temporalHeads, windowUnits, type Grid, type Qwen2VLConfig } from '../../src/models/qwen2vl/index.ts';
import type { WeightTypes } from '../../src/models/weight-types.ts';
import { bytesOf } from '../../src/weights/index.ts';

/** Operations, two for a product and its sum; of rotary embeddings, norms and activations none. */
export function visionFlops({ vision_config: vision }: Qwen2VLConfig, [t, h, w]: Grid): number {
  const { embed_dim: D, depth, spatial_merge_size: merge, intermediate_size: inner } = vision;
  const N = h * w, rows = t * N;
  const seen = (block: number) => (isWindowed(vision, block) ? Math.min(N, (windowUnits(vision) * merge) ** 2) : N);
  const width = (D / vision.num_heads) * temporalHeads(vision.num_heads, vision.temporal_attention?.head_scale);
  let perRow = D * vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2; // multiplications: patch embedding
  for (let i = 0; i < depth; i++) {
    perRow += 4 * D * D + 2 * D * seen(i) + (vision.windowed === undefined ? 2 : 3) * D * inner;
    if (isTemporal(vision, i)) perRow += 4 * D * width + 2 * width * t;
  }
  const merged = D * merge ** 2;
  return 2 * (rows * perRow + (rows / merge ** 2) * merged * (merged + vision.out_hidden_size));
}

/** Of a prompt from its first token on, each token seeing those before it; logits of the last token alone. */
export function prefillFlops(config: Qwen2VLConfig, tokens: number): number {
  const { num_hidden_layers, hidden_size, vocab_size } = config;
  const attention = 2 * hidden_size * (tokens / 2) * num_hidden_layers;
  return 2 * (tokens * (layerWeights(config) + attention) + vocab_size * hidden_size);
}

/** Weights that every token reads: the layers' matrices and the head's, a tied head too. */
export function decodeWeights(config: Qwen2VLConfig): number {
  return layerWeights(config) + config.vocab_size * config.hidden_size;
}

/** Bytes that they take as the engine holds them: what has not few bits as float32. */
export function decodeBytes(config: Qwen2VLConfig, { language, head }: WeightTypes): number {
  return layerMatrices(config).reduce((sum, [name, shape]) => sum + heldBytes(name, shape, language), heldBytes('lm_head.weight', [config.vocab_size, config.hidden_size], head));
}

function heldBytes(name: string, shape: number[], type: string): number {
  const packing = packingOf(name, shape, type);
  return packing === undefined ? 4 * count(shape) : Object.values(packedTensors(name, shape, packing)).reduce((sum, tensor) => sum + bytesOf(tensor), 0);
}

/** Bytes of keys and values of so many positions, in float32. */
export function cacheBytes({ num_hidden_layers, num_key_value_heads, hidden_size, num_attention_heads }: Qwen2VLConfig, positions: number): number {
  return 4 * 2 * num_hidden_layers * num_key_value_heads * (hidden_size / num_attention_heads) * positions;
}

function layerWeights(config: Qwen2VLConfig): number {
  return layerMatrices(config).reduce((sum, [, shape]) => sum + count(shape), 0);
}

/** The matrices of the language model's layers, [out, in]. */
function layerMatrices(config: Qwen2VLConfig): [string, number[]][] {
  return [...parameterShapes(config)].filter(([name, shape]) => name.startsWith('model.layers.') && shape.length === 2);
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
