import { cutBlocks, patchValues, type Qwen2VLConfig, type VisionConfig } from '../models/qwen2vl/index.ts';
import { branchBytes, branchLength, pieceLength, scoreBytes } from './pieces.ts';
import { attendedWidth, frameBytes, passesWhole, runSizes, sequenceBytes, VISION_RUN, wholeBytes } from './run-sizes.ts';
import type { Clips } from './vision-parts.ts';

/** Bytes that an answer is expected to take. */
export type MemoryEstimate = {
  /** As the engine holds them. */
  weights: number;
  /** While videos and images go through the encoder. */
  vision: number;
  /** While the prompt is read and the answer written. */
  language: number;
  /** Node, the engine, the decoder's process. */
  base: number;
  /** Of the fullest moment: weights, the larger of vision and language, base. */
  total: number;
};

/** What decides how much memory an answer takes. clips: that go through the encoder by themselves; branches: tokens that are read side by side behind the prompt, see Decoder.branch. */
export type Amounts = { clips: readonly Pick<Clips, 'T' | 'h' | 'w'>[]; visual_tokens: number; prompt_tokens: number; max_new_tokens: number; branches?: number };

const FLOAT = 4;
const BASE = 200e6; // measured: Node 24 with onnxruntime and tokenizer loaded, a decoding process beside it

/** What lives at the same time at the fullest moments, from the shapes alone. @param weights bytes of them as the engine holds them */
export function estimateMemory(config: Qwen2VLConfig, weights: number, amounts: Amounts): MemoryEstimate {
  const { clips, visual_tokens } = amounts;
  const embeds = FLOAT * visual_tokens * config.hidden_size;
  const vision = embeds + Math.max(0, ...clips.map((clip) => visionBytes(config.vision_config, clip)));
  const language = embeds + languageBytes(config, amounts);
  return { weights, vision, language, base: BASE, total: weights + Math.max(vision, language) + BASE };
}

/** Pixels are bytes, and given away as they are read. */
function visionBytes(config: VisionConfig, { T, h, w }: Pick<Clips, 'T' | 'h' | 'w'>): number {
  const N = h * w;
  const { embed_dim: D } = config;
  const E = attendedWidth(config);
  const temporal = cutBlocks(config).length > 0;
  if (temporal && passesWhole(config, { B: 1, T, N }, VISION_RUN)) return T * N * (1 + FLOAT) * patchValues(config) + wholeBytes(config, { B: 1, T, N });
  const most = runSizes(config, T, N, VISION_RUN);
  const frames = Math.min(T, most.frames);
  const run = Math.max(frames * frameBytes(config, N), temporal ? Math.min(N, most.sequences) * sequenceBytes(config, T) : 0);
  const waiting = 2 * FLOAT * frames * N * (2 * D + E); // what goes in and comes out of two runs
  const held = temporal ? Math.max(patchValues(config) + FLOAT * D, FLOAT * (D + E)) : patchValues(config); // bytes a patch
  return T * N * held + run + waiting;
}

function languageBytes(config: Qwen2VLConfig, { prompt_tokens, max_new_tokens, branches = 0 }: Amounts): number {
  const { num_attention_heads: heads, hidden_size, intermediate_size } = config;
  const total = prompt_tokens + Math.max(max_new_tokens, branches);
  const piece = Math.max(Math.min(prompt_tokens, pieceLength(heads, 0)), Math.min(branches, branchLength(config, prompt_tokens)));
  const cache = 2 * config.num_hidden_layers * config.num_key_value_heads * (hidden_size / heads) * total;
  const block = piece * (6 * hidden_size + 3 * intermediate_size);
  const scores = Math.max(scoreBytes(heads, prompt_tokens), branchBytes(config, prompt_tokens, branches));
  return scores + FLOAT * (2 * cache + block + 2 * config.vocab_size); // the cache twice: where it grows, until the old one is collected
}
