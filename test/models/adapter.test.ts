/** What is read of PEFT's files, and what is refused; variants are made from the recorded adapter. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openAdapter } from '../../src/models/adapter.ts';
import { openQwen2VL, parameterShapes } from '../../src/models/qwen2vl/index.ts';
import { openWeights, saveSafetensors, type SaveTensor } from '../../src/weights/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const golden = join(goldens, 'training/adapter');
const staveq2 = join(goldens, 'models/staveq2');
const folder = await mkdtemp(join(tmpdir(), 'stave-adapter-'));
after(() => rm(folder, { recursive: true }));

type Json = Record<string, unknown>;

/** A copy of the adapter with its tensors and config changed. */
async function variant({ tensor = (t) => t, config = {} }: { tensor?: (t: SaveTensor) => SaveTensor | undefined; config?: Json }): Promise<string> {
  const dir = await mkdtemp(join(folder, 'adapter-'));
  const json = JSON.parse(await readFile(join(golden, 'adapter_config.json'), 'utf8')) as Json;
  await writeFile(join(dir, 'adapter_config.json'), JSON.stringify({ ...json, ...config }));
  await using weights = await openWeights(join(golden, 'adapter_model.safetensors'));
  const tensors: SaveTensor[] = [];
  for (const [name, { dtype, shape }] of weights.tensors) {
    const changed = tensor({ name, dtype, shape, data: await weights.read(name) });
    if (changed) tensors.push(changed);
  }
  await saveSafetensors(join(dir, 'adapter_model.safetensors'), tensors);
  return dir;
}

async function open(dir: string, model = staveq2) {
  const { config, weights } = await openQwen2VL(model);
  await weights.close();
  const adapter = await openAdapter(dir, { dir: model, shapes: parameterShapes(config) });
  await adapter.weights.close();
  return adapter;
}

const refused = async (changes: Parameters<typeof variant>[0], message: RegExp, model?: string) => assert.rejects(open(await variant(changes), model), { code: 'ADAPTER', message });

test('what PEFT saved is read: layers with their ranks and scales, tensors trained whole', async () => {
  const { layers, whole, parameters } = await open(golden);
  const { length } = await readFile(join(golden, 'adapter_model.safetensors'));
  assert.deepEqual([layers.size, whole.size], [3 * 4 + 3 * 7, 3 * 6]);
  const of = (module: string) => (({ r, alpha, scale }) => [r, alpha, scale])(layers.get(module)!);
  assert.deepEqual([of('visual.blocks.1.attn.qkv'), of('visual.blocks.1.attn.proj'), of('model.layers.2.mlp.down_proj')], [[8, 8, 1], [4, 8, 2], [4, 8, 2]]);
  assert.ok(layers.get('visual.blocks.1.temp_attn.qkv') === undefined && whole.has('visual.blocks.1.temp_attn.qkv.weight'));
  assert.ok(4 * parameters < length && parameters > 20_000);
});

const newer = (t: SaveTensor) => ({ ...t, name: t.name.replace('base_model.model.model.', 'base_model.model.model.language_model.').replace('base_model.model.visual.', 'base_model.model.model.visual.') });

test('an adapter of a model with transformers\' newer names is the same adapter', async () => {
  const dir = await variant({ tensor: newer, config: { target_modules: '(model\\.visual\\.blocks\\.\\d+\\.(attn|mlp)\\.|model\\.language_model\\.layers\\.\\d+\\.).*(qkv|proj|fc1|fc2)' } });
  const [a, b] = [await open(dir), await open(golden)];
  assert.deepEqual([...a.layers.keys()], [...b.layers.keys()]);
  assert.deepEqual([...a.whole.keys()], [...b.whole.keys()]);
});

test('an adapter for another model is refused with what does not fit', async () => {
  await assert.rejects(open(golden, join(goldens, 'models/qwen2vl')), { code: 'ADAPTER', message: /^the adapter in .*adapter does not fit the model in .*qwen2vl\nthe model has no place for its tensor "base_model\.model\.visual\.blocks\.0\.norm3\.bias"\n[^]*\nand 12 more\n→ it was trained on a model with temporal attention: .*stave insert/ });
  await assert.rejects(open(golden, join(goldens, 'models/staveq2-heads-0.5')), { code: 'ADAPTER', message: /temp_attn\.qkv\.weight" is \[48, 64\], the model asks for \[96, 64\]/ });
  await refused({ config: { base_model_name_or_path: 'saves/base' }, tensor: (t) => (t.name.includes('layers.2.mlp') ? undefined : t) }, /it has no tensor "base_model\.model\.model\.layers\.2\.mlp\.gate_proj\.lora_A\.weight", which target_modules asks for[^]*→ use it with the model that it was trained on, "saves\/base"$/);
  await refused({ tensor: (t) => (t.name.endsWith('1.norm3.bias') ? undefined : t) }, /it has no tensor "base_model\.model\.visual\.blocks\.1\.norm3\.bias", which modules_to_save asks for/);
  await refused({ tensor: (t) => (t.name.endsWith('layers.1.self_attn.q_proj.lora_A.weight') ? { ...t, name: t.name.replace('layers.1', 'layers.7') } : t) }, /layers\.1\.self_attn\.q_proj\.lora_A[^]*no place for its tensor "base_model\.model\.model\.layers\.7\.self_attn\.q_proj\.lora_A\.weight"/);
  await refused({ config: { r: 2 } }, /blocks\.0\.attn\.proj\.lora_A\.weight" is \[4, 64\], the model asks for \[2, 64\]/);
  await refused({ tensor: (t) => ({ ...t, name: t.name.slice('base_model.model.'.length) }) }, /does not begin with "base_model\.model\."/);
});

test('targets of the configuration that no layer has are no misfit: PEFT passes over them, too', async () => {
  const { target_modules } = JSON.parse(await readFile(join(golden, 'adapter_config.json'), 'utf8')) as { target_modules: string[] };
  assert.equal((await open(await variant({ config: { target_modules: [...target_modules, 'c_attn'] } }))).layers.size, 33);
});

test('other adapters than LoRA, and its variants, are named', async () => {
  await refused({ config: { peft_type: 'IA3' } }, /adapter_config\.json: peft_type is "IA3"/);
  for (const [field, value] of Object.entries({ use_dora: true, lora_bias: true, fan_in_fan_out: true, layer_replication: [[0, 2]], trainable_token_indices: [1], bias: 'all', init_lora_weights: 'pissa', r: 0, lora_alpha: 'big', target_modules: 7, modules_to_save: 'norm3' }))
    await refused({ config: { [field]: value } }, new RegExp(`adapter_config\\.json: ${field} is `));
  await refused({ config: { rank_pattern: { 'attn.qkv': 0.5 } } }, /rank_pattern is .*\nthe value of "attn\.qkv" is 0\.5/);
  await refused({ config: { rank_pattern: { '(x+)+': 4 } } }, /rank_pattern is .*\nInvalid regular expression/);
  await refused({ config: { target_modules: '(unclosed' } }, /target_modules is "\(unclosed"/);
  await refused({ config: { peft_type: undefined } }, /peft_type is missing/);
});

test('a folder that is no adapter is told apart', async () => {
  await assert.rejects(open(join(folder, 'nowhere')), { code: 'MODEL_MISSING', message: /there is no adapter directory/ });
  await assert.rejects(open(staveq2), { code: 'MODEL_MISSING', message: /has no adapter_config\.json/ });
  await assert.rejects(open(join(golden, 'adapter_config.json')), { code: 'MODEL_MISSING', message: /is not a directory/ });
  const dir = await variant({});
  await rm(join(dir, 'adapter_model.safetensors'));
  await assert.rejects(open(dir), { code: 'MODEL_MISSING', message: /adapter_model\.safetensors/ });
});
