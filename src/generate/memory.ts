import { totalmem } from 'node:os';
import { isWindowed, windowUnits, type Grid, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import { PIECE } from './decoder.ts';

/** Bytes that an answer is expected to take. */
export type MemoryEstimate = { weights: number; vision: number; language: number; /** Node, the engine, the decoder's process. */ base: number; total: number };

const FLOAT = 4;
const BASE = 200e6; // measured: Node 24 with onnxruntime and tokenizer loaded, a decoding process beside it

/** What lives at the same time at the fullest moment of the vision encoder and of prefill, from the shapes alone. Weights count twice: mapped, and packed for the matrix kernels. */
export function estimateMemory(config: Qwen2VLConfig, parameters: number, grids: readonly Grid[], prompt_tokens: number, max_new_tokens: number): MemoryEstimate {
  const weights = 2 * parameters * FLOAT;
  const vision = Math.max(0, ...grids.map((grid) => visionBytes(config, grid)));
  const language = languageBytes(config, prompt_tokens, max_new_tokens);
  return { weights, vision, language, base: BASE, total: weights + Math.max(vision, language) + BASE };
}

function visionBytes({ vision_config: vision }: Qwen2VLConfig, [t, h, w]: Grid): number {
  const N = h * w;
  const rows = t * N;
  const pixels = vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2;
  const sides = vision.windowed === undefined ? 2 : 3; // of the activation; in a gated MLP what it is multiplied by, too
  const attention = vision.windowed === undefined ? 8 : 11; // residual, norm, and q k v in two layouts; once more window by window
  const block = Math.max(attention * vision.embed_dim, 2 * vision.embed_dim + sides * vision.intermediate_size);
  const whole = Array.from({ length: vision.depth }, (_, i) => i).some((i) => !isWindowed(vision, i)); // a block that sees all of a frame
  const seen = whole ? N : Math.min(N, (windowUnits(vision) * vision.spatial_merge_size) ** 2);
  const scores = 2 * t * vision.num_heads * N * seen; // before and after the softmax
  return FLOAT * (rows * (pixels + block) + scores);
}

function languageBytes(config: Qwen2VLConfig, prompt_tokens: number, max_new_tokens: number): number {
  const total = prompt_tokens + max_new_tokens;
  const piece = Math.min(prompt_tokens, PIECE);
  const head_dim = config.hidden_size / config.num_attention_heads;
  const cache = 2 * config.num_hidden_layers * config.num_key_value_heads * head_dim * total;
  const block = piece * (6 * config.hidden_size + 3 * config.intermediate_size);
  const scores = 3 * config.num_attention_heads * piece * total;
  return FLOAT * (cache + block + scores + 2 * config.vocab_size);
}

/** Bytes that this process may take at all: the machine's, or its container's. */
export function availableMemory(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
