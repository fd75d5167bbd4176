/** What the plan says of memory, held against what the decoder then runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askedOf } from '../../src/generate/decide/decide.ts';
import { Decoder } from '../../src/generate/decoder.ts';
import { estimateMemory } from '../../src/generate/memory.ts';
import { openModelFiles } from '../../src/generate/model-files.ts';
import { prepare } from '../../src/generate/plan.ts';
import type { LoadedModel } from '../../src/generate/prefill.ts';
import { parseConfig, textPositions } from '../../src/models/qwen2vl/index.ts';
import type { Tensor } from '../../src/graph/index.ts';
import type { Program } from '../../src/runtime/index.ts';

/** A language model in which nothing is large but attention scores, and logits where the vocabulary is. */
const config = (heads: number, vocab_size = 4) => parseConfig({
  model_type: 'qwen2_vl', hidden_size: 2 * heads, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: heads, num_key_value_heads: 1, vocab_size, max_position_embeddings: 32768,
  rms_norm_eps: 1e-6, rope_theta: 1e6, tie_word_embeddings: true, rope_scaling: { type: 'mrope', mrope_section: [1, 0, 0] }, image_token_id: 1, video_token_id: 2, vision_start_token_id: 3, eos_token_id: 0,
  vision_config: { depth: 1, embed_dim: 8, hidden_size: 2 * heads, num_heads: 1, mlp_ratio: 2, patch_size: 14, spatial_merge_size: 2, temporal_patch_size: 2, in_chans: 3 },
}, 'config.json');

/** A decoder that computes nothing, and bytes of the scores (scores, scores and mask, weights) and of three times the logits of its fullest run. */
function watched(heads: number, vocab_size?: number): { decoder: Decoder; most(): number } {
  let most = 0;
  const run = (feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> => {
    const [, , S, width] = feeds.attention_bias.dims;
    most = Math.max(most, 3 * 4 * heads * S * width + 3 * 4 * feeds.logits_index.dims[0] * (vocab_size ?? 4));
    const fresh: Tensor = { dtype: 'float32', dims: [1, 1, S, 2], data: new Float32Array(2 * S) };
    return Promise.resolve({ logits: { dtype: 'float32', dims: [0, 4], data: new Float32Array() }, 'present_key.0': fresh, 'present_value.0': fresh });
  };
  return { decoder: new Decoder({ run } as unknown as Program, config(heads, vocab_size)), most: () => most };
}

const read = (decoder: Decoder, length: number) => decoder.append({ ids: Array<number>(length).fill(0), position_ids: textPositions(decoder.length, length, 0) }, new Float32Array(), { rows: 0 });

/** Of the fullest run when sections of these lengths are read. */
async function fullest(heads: number, sections: readonly number[]): Promise<number> {
  const { decoder, most } = watched(heads);
  for (const length of sections) await read(decoder, length);
  return most();
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

for (const [heads, prompt, branches, vocab] of [[12, 5, 300, 4], [12, 3000, 40, 4], [12, 3000, 1200, 4], [12, 500, 700, 151_936], [64, 4000, 2000, 4]])
  test(`${branches} tokens of choices behind a prompt of ${prompt}, ${heads} heads, vocabulary ${vocab}: the fullest run is planned`, async () => {
    const { decoder, most } = watched(heads, vocab);
    await read(decoder, prompt);
    for await (const _ of decoder.branch({ ids: Array<number>(branches).fill(0), parents: Array<number>(branches).fill(-1) }, 0));
    const { language } = estimateMemory(config(heads, vocab), 0, { clips: [], visual_tokens: 0, prompt_tokens: prompt, max_new_tokens: 2, branches });
    assert.ok(language >= most(), `${language} for ${most()}`);
    assert.ok(language < 1.15 * Math.max(most(), planned(heads, prompt)) + 3e6, `${language} for ${most()}`);
  });

test('a decision is planned with the tokens of its choices, those that begin alike once', async () => {
  const files = await openModelFiles(fileURLToPath(new URL('../goldens/models/staveq2', import.meta.url)));
  const messages = [{ role: 'user', content: 'What?' }] as const;
  const choices = Array.from({ length: 40 }, (_, i) => `it is number ${i}, or so it seems to those who look`);
  const { spelled, reading } = askedOf({ files } as LoadedModel, messages, choices, {});
  const branches = new Set(spelled.flatMap(({ tokens: [ids] }) => ids.slice(1).map((_, i) => ids.slice(0, i + 1).join()))).size;
  const { plan } = await prepare(files, messages, reading);
  const { model: { config: own }, weight_bytes } = files;
  const amounts = { clips: [], visual_tokens: 0, prompt_tokens: plan.prompt_tokens, max_new_tokens: Math.max(...spelled.map(({ tokens: [ids] }) => ids.length)) };
  assert.ok(branches > 5 * amounts.max_new_tokens);
  assert.deepEqual(plan.memory, estimateMemory(own, weight_bytes, { ...amounts, branches }));
  assert.ok(plan.memory.language > 2 * estimateMemory(own, weight_bytes, amounts).language);
  await assert.rejects(prepare(files, messages, { ...reading, limits: { memory: plan.memory.total - 1 } }), { code: 'LIMIT', message: new RegExp(`the choices ${branches} side by side.*\\n→ use fewer or shorter choices, or smaller weights`) });
});
