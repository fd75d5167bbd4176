/** What opening a checkpoint accepts and refuses; variants are made from a golden one. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openQwen2VL } from '../../src/models/qwen2vl/index.ts';
import { openWeights, saveSafetensors, type SaveTensor } from '../../src/weights/index.ts';

const golden = fileURLToPath(new URL('../goldens/models/staveq2', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'stave-open-'));
after(() => rm(folder, { recursive: true }));

type Json = Record<string, unknown>;

/** A copy of the golden with its tensors and config changed. */
async function variant(change: { tensor?: (t: SaveTensor) => SaveTensor | undefined; config?: (json: Json) => Json }): Promise<string> {
  const dir = await mkdtemp(join(folder, 'model-'));
  const config = JSON.parse(await readFile(join(golden, 'config.json'), 'utf8')) as Json;
  await writeFile(join(dir, 'config.json'), JSON.stringify(change.config?.(config) ?? config));
  await using weights = await openWeights(golden);
  const tensors: SaveTensor[] = [];
  for (const [name, { dtype, shape }] of weights.tensors) {
    const tensor = { name, dtype, shape, data: await weights.read(name) } as SaveTensor;
    const changed = change.tensor ? change.tensor(tensor) : tensor;
    if (changed) tensors.push(changed);
  }
  await saveSafetensors(join(dir, 'model.safetensors'), tensors);
  return dir;
}

async function open(dir: string) {
  const model = await openQwen2VL(dir);
  await model.weights.close();
  return model;
}

const without = (name: string) => (t: SaveTensor) => (t.name === name ? undefined : t);

test('STA and its heads are found in the tensors', async () => {
  const { config, parameters } = await open(golden);
  assert.deepEqual(config.vision_config.temporal_attention, { head_scale: 0.25, order: 'spatial-first', rows: 'patch-major' });
  assert.equal(parameters, 563_088); // counted by hand from the header
});

test('a checkpoint without STA is plain Qwen2-VL', async () => {
  const { config, visual } = await open(await variant({ tensor: (t) => (/temp_attn|norm3/.test(t.name) ? undefined : t) }));
  assert.equal(config.vision_config.temporal_attention, undefined);
  assert.equal(visual.at('blocks').at(0).has('temp_attn.qkv.weight'), false);
});

test('the order in config.json is taken, the one given wins', async () => {
  const dir = await variant({ config: (json) => ({ ...json, temporal_attention: { order: 'temporal-first', rows: 'frame-major' } }) });
  assert.deepEqual((await open(dir)).config.vision_config.temporal_attention, { head_scale: 0.25, order: 'temporal-first', rows: 'frame-major' });
  const model = await openQwen2VL(dir, { order: 'spatial-first' });
  await model.weights.close();
  assert.equal(model.config.vision_config.temporal_attention?.order, 'spatial-first');
});

const rename = (t: SaveTensor) => ({ ...t, name: t.name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.') });

test('tensor names of transformers 4.57 are read as well', async () => {
  const { visual, language } = await open(await variant({ tensor: rename }));
  assert.deepEqual(visual.at('patch_embed.proj').weight().shape, [64, 3, 2, 14, 14]);
  assert.deepEqual(language.model.get('norm.weight').shape, [64]);
});

test('a tied head needs no tensor, an untied one does', async () => {
  const tied = await open(await variant({ tensor: without('lm_head.weight'), config: (json) => ({ ...json, tie_word_embeddings: true }) }));
  assert.equal(tied.language.head, undefined);
  await assert.rejects(open(await variant({ tensor: without('lm_head.weight') })), { code: 'WEIGHT_MISSING', message: /model\.safetensors.*"lm_head\.weight"/ });
});

test('a missing tensor is named', async () => {
  for (const name of ['visual.blocks.1.temp_attn.proj.bias', 'visual.blocks.2.norm3.weight', 'model.layers.2.mlp.up_proj.weight', 'visual.merger.ln_q.weight'])
    await assert.rejects(open(await variant({ tensor: without(name) })), { code: 'WEIGHT_MISSING', message: new RegExp(name.replaceAll('.', '\\.')) });
});

test('a wrong shape is told with both shapes', async () => {
  const dir = await variant({ config: (json) => ({ ...json, intermediate_size: 160 }) });
  await assert.rejects(open(dir), { code: 'WEIGHT_SHAPE', message: /gate_proj\.weight" is \[128, 64\][^]*\[160, 64\]/ });
});

const cut = (t: SaveTensor) => (t.name.endsWith('temp_attn.qkv.weight') ? { ...t, shape: [40, 64], data: (t.data as Uint16Array).slice(0, 40 * 64) } : t);

test('temporal heads must be whole', async () => {
  await assert.rejects(open(await variant({ tensor: cut })), { code: 'WEIGHT_SHAPE', message: /temp_attn\.qkv\.weight" is \[40, 64\][^]*multiple of 24/ });
});

const integers = (t: SaveTensor): SaveTensor => (t.name === 'model.norm.weight' ? { ...t, dtype: 'I32', data: new Int32Array(64) } : t);

test('weights must be floating-point', async () => {
  await assert.rejects(open(await variant({ tensor: integers })), { code: 'WEIGHT_SHAPE', message: /model\.norm\.weight" is I32/ });
});

test('config.json may ask for STA that the weights lack', async () => {
  const dir = await variant({ tensor: (t) => (/temp_attn|norm3/.test(t.name) ? undefined : t), config: (json) => ({ ...json, temporal_attention: { order: 'spatial-first' } }) });
  await assert.rejects(open(dir), { code: 'WEIGHT_MISSING', message: /temp_attn\.qkv\.weight[^]*without it/ });
});

const blocks = (list: unknown) => ({ config: (json: Json) => ({ ...json, temporal_attention: { blocks: list } }) });

test('the blocks that config.json names are those whose tensors are asked for', async () => {
  const dir = await variant({ ...blocks([0, 2]), tensor: (t) => (/blocks\.1\.(temp_attn|norm3)/.test(t.name) ? undefined : t) });
  assert.deepEqual((await open(dir)).config.vision_config.temporal_attention, { head_scale: 0.25, order: 'spatial-first', rows: 'patch-major', blocks: [0, 2] });
  await assert.rejects(open(await variant(blocks([0, 2]))), { code: 'MODEL_CONFIG', message: /has the tensor "visual\.blocks\.1\.temp_attn\.qkv\.weight"\nconfig\.json says that temporal attention is in the blocks 0, 2/ });
  for (const wrong of [[], [3], [1, 0], [1, 1], ['1']]) await assert.rejects(open(await variant(blocks(wrong))), { code: 'MODEL_CONFIG', message: /temporal_attention\.blocks is / });
});

test('a folder that is no model is told apart', async () => {
  await assert.rejects(open(join(folder, 'nowhere')), { code: 'MODEL_MISSING', message: /no model directory/ });
  await assert.rejects(open(folder), { code: 'MODEL_MISSING', message: /has no config\.json/ });
  await assert.rejects(open(join(golden, 'config.json')), { code: 'MODEL_MISSING', message: /not a directory/ });
  await assert.rejects(open(await variant({ config: () => ({ model_type: 'llama' }) })), { code: 'MODEL_CONFIG', message: /llama/ });
});
