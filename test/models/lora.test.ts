/** PEFT's rules, case by case: check_target_module_exists, get_pattern_key, the scale of LoraLayer.update_layer (peft 0.21.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearLayers, loraLayers, pattern, type LoraConfig } from '../../src/models/lora.ts';

const names = ['visual.blocks.0.attn.qkv', 'visual.blocks.0.attn.proj', 'visual.blocks.0.temp_attn.qkv', 'visual.blocks.10.attn.qkv', 'visual.blocks.10.mlp.fc1', 'visual.merger.mlp.0', 'model.layers.0.self_attn.q_proj', 'model.layers.1.mlp.up_proj', 'lm_head'];
const layers = new Map(names.map((name) => [name, { in: 8, out: 4 }]));
const plain: LoraConfig = { r: 4, alpha: 8, dropout: 0, targets: [], rank_pattern: {}, alpha_pattern: {}, modules_to_save: [] };
const chosen = (config: Partial<LoraConfig>) => loraLayers({ ...plain, ...config }, layers).map(({ module }) => module);

test('a target is a name or its end at a dot', () => {
  assert.deepEqual(chosen({ targets: ['attn.qkv'] }), ['visual.blocks.0.attn.qkv', 'visual.blocks.10.attn.qkv']); // not temp_attn.qkv
  assert.deepEqual(chosen({ targets: ['qkv'] }), ['visual.blocks.0.attn.qkv', 'visual.blocks.0.temp_attn.qkv', 'visual.blocks.10.attn.qkv']);
  assert.deepEqual(chosen({ targets: ['q_proj', 'up_proj'] }), ['model.layers.0.self_attn.q_proj', 'model.layers.1.mlp.up_proj']);
  assert.deepEqual(chosen({ targets: ['merger.mlp.0', 'lm_head', 'proj'] }), ['visual.blocks.0.attn.proj', 'visual.merger.mlp.0', 'lm_head']); // q_proj does not end at a dot
  assert.deepEqual(chosen({ targets: ['visual.blocks.0.attn'] }), []);
});

test('a text is a regular expression for the whole name', () => {
  assert.deepEqual(chosen({ targets: '.*self_attn\\.(q|v)_proj' }), ['model.layers.0.self_attn.q_proj']);
  assert.deepEqual(chosen({ targets: 'self_attn' }), []);
});

test('modules_to_save and exclude win over targets', () => {
  assert.deepEqual(chosen({ targets: ['qkv'], modules_to_save: ['temp_attn'] }), ['visual.blocks.0.attn.qkv', 'visual.blocks.10.attn.qkv']);
  assert.deepEqual(chosen({ targets: ['qkv'], modules_to_save: ['attn'] }), ['visual.blocks.0.temp_attn.qkv']);
  assert.deepEqual(chosen({ targets: ['qkv'], exclude: ['attn.qkv'] }), ['visual.blocks.0.temp_attn.qkv']);
  assert.deepEqual(chosen({ targets: ['qkv'], exclude: '.*\\.10\\..*' }), ['visual.blocks.0.attn.qkv', 'visual.blocks.0.temp_attn.qkv']);
});

test('layers_to_transform goes by the first number behind two names, or by the one that layers_pattern names', () => {
  assert.deepEqual(chosen({ targets: ['qkv', 'fc1', 'q_proj', 'up_proj', 'lm_head'], layers_to_transform: [0] }), ['visual.blocks.0.attn.qkv', 'visual.blocks.0.temp_attn.qkv', 'model.layers.0.self_attn.q_proj']);
  assert.deepEqual(chosen({ targets: ['qkv', 'q_proj', 'up_proj'], layers_to_transform: [0, 1], layers_pattern: ['layers'] }), ['model.layers.0.self_attn.q_proj', 'model.layers.1.mlp.up_proj']);
});

const table = (config: Partial<LoraConfig>) => loraLayers({ ...plain, targets: ['qkv', 'lm_head'], ...config }, layers).map(({ module, r, alpha, scale }) => [module, r, alpha, scale]);

test('ranks and alphas by pattern: the first that fits the name or its end at a dot', () => {
  assert.deepEqual(table({ rank_pattern: { 'attn.qkv': 32 }, alpha_pattern: { 'attn.qkv': 64 } }), [
    ['visual.blocks.0.attn.qkv', 32, 64, 2],
    ['visual.blocks.0.temp_attn.qkv', 4, 8, 2],
    ['visual.blocks.10.attn.qkv', 32, 64, 2],
    ['lm_head', 4, 8, 2],
  ]);
  assert.deepEqual(table({ rank_pattern: { '^lm_head': 1, 'visual\\.blocks\\.\\d\\.attn.qkv': 2, qkv: 16 }, rslora: true }), [
    ['visual.blocks.0.attn.qkv', 2, 8, 8 / Math.SQRT2],
    ['visual.blocks.0.temp_attn.qkv', 16, 8, 2],
    ['visual.blocks.10.attn.qkv', 16, 8, 2],
    ['lm_head', 1, 8, 8],
  ]);
});

const newer = (name: string) => name.replace(/^visual\./, 'model.visual.').replace(/^model\.layers/, 'model.language_model.layers');

test('the configuration may call layers otherwise than the model', () => {
  assert.deepEqual(loraLayers({ ...plain, targets: ['model.visual.merger.mlp.0'] }, layers, newer).map(({ module }) => module), ['visual.merger.mlp.0']);
});

test('linear layers are the matrices; embeddings and convolutions are none', () => {
  const shapes = new Map([['visual.patch_embed.proj.weight', [8, 3, 2, 14, 14]], ['visual.blocks.0.norm1.weight', [8]], ['visual.blocks.0.attn.qkv.weight', [24, 8]], ['visual.blocks.0.attn.qkv.bias', [24]], ['model.embed_tokens.weight', [50, 8]], ['lm_head.weight', [50, 8]]]);
  assert.deepEqual([...linearLayers(shapes)], [['visual.blocks.0.attn.qkv', { out: 24, in: 8 }], ['lm_head', { out: 50, in: 8 }]]);
});

test('a pattern that could take for ever is refused', () => {
  for (const evil of ['(a+)+b', '(a|a)*b', '([a-z]*){9}b', 'a*a*a*a*a*b']) assert.throws(() => pattern(evil), /not supported/);
  for (const fine of ['.*decoder.*(SelfAttention|EncDecAttention).*(q|v)', 'a\\)*b', '[*+]', '(mlp\\.)?fc1']) pattern(fine);
});
