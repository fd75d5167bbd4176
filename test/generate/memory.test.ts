/** What the plan says of memory, held against what the decoder then runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '../../src/generate/decoder.ts';
import { estimateMemory } from '../../src/generate/memory.ts';
import { parseConfig, textPositions } from '../../src/models/qwen2vl/index.ts';
import type { Tensor } from '../../src/graph/index.ts';
import type { Program } from '../../src/runtime/index.ts';

/** A language model in which nothing is large but attention scores. */
const config = (heads: number) => parseConfig({
  model_type: 'qwen2_vl', hidden_size: 2 * heads, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: heads, num_key_value_heads: 1, vocab_size: 4, max_position_embeddings: 32768,
  rms_norm_eps: 1e-6, rope_theta: 1e6, tie_word_embeddings: true, rope_scaling: { type: 'mrope', mrope_section: [1, 0, 0] }, image_token_id: 1, video_token_id: 2, vision_start_token_id: 3, eos_token_id: 0,
  vision_config: { depth: 1, embed_dim: 8, hidden_size: 2 * heads, num_heads: 1, mlp_ratio: 2, patch_size: 14, spatial_merge_size: 2, temporal_patch_size: 2, in_chans: 3 },
}, 'config.json');

/** Bytes of the scores of the fullest run (scores, scores and mask, weights) when sections of these lengths are read; nothing is computed. */
async function fullest(heads: number, sections: readonly number[]): Promise<number> {
  let most = 0;
  const run = (feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> => {
    const [, , S, width] = feeds.attention_bias.dims;
    most = Math.max(most, 3 * 4 * heads * S * width);
    const fresh: Tensor = { dtype: 'float32', dims: [1, 1, S, 2], data: new Float32Array(2 * S) };
    return Promise.resolve({ logits: { dtype: 'float32', dims: [0, 4], data: new Float32Array() }, 'present_key.0': fresh, 'present_value.0': fresh });
  };
  const decoder = new Decoder({ run } as unknown as Program, config(heads));
  for (const length of sections) await decoder.append({ ids: Array<number>(length).fill(0), position_ids: textPositions(decoder.length, length, 0) }, new Float32Array(), { rows: 0 });
  return most;
}

const planned = (heads: number, prompt_tokens: number) => estimateMemory(config(heads), 0, { clips: [], visual_tokens: 0, prompt_tokens, max_new_tokens: 1 }).language;

for (const [heads, prompt] of [[12, 5], [12, 500], [12, 3000], [12, 14_000], [28, 9000], [64, 4000]])
  test(`a prompt of ${prompt} tokens, ${heads} heads: the fullest piece is planned, wherever sections end`, async () => {
    const third = Math.floor(prompt / 3), some = Math.min(139, third); // 139: the last place where 64 heads have a piece of 512
    const most = Math.max(...await Promise.all([[prompt], [third + 1, third, prompt - 2 * third - 1], [some, prompt - some]].map((sections) => fullest(heads, sections))));
    const plan = planned(heads, prompt);
    assert.ok(plan >= most, `${plan} for ${most}`);
    assert.ok(prompt < 3000 || plan < 1.15 * most + 1e6, `${plan} for ${most}`);
  });
