import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { saveAdapter, wholeModules } from '../../src/checkpoints/save-adapter.ts';
import { openAdapter } from '../../src/models/adapter.ts';
import { openQwen2VL, parameterShapes } from '../../src/models/qwen2vl/index.ts';
import { openWeights } from '../../src/weights/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const golden = join(goldens, 'training/adapter');
const base = join(goldens, 'models/staveq2');
const folder = await mkdtemp(join(tmpdir(), 'stave-adapter-'));
after(() => rm(folder, { recursive: true }));

/** PEFT's lists are sets. */
const sorted = (value: unknown): unknown => (Array.isArray(value) ? value.toSorted() : value);

const json = async (dir: string) => JSON.parse(await readFile(join(dir, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;

test('PEFT\'s adapter, read and saved again, is the same: tensors byte for byte, and every field of its configuration that we write', async () => {
  const model = await openQwen2VL(base);
  await using _ = model.weights;
  const shapes = parameterShapes(model.config);
  const { config, layers, weights } = await openAdapter(golden, { dir: base, shapes });
  await using __ = weights;
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const { name, shape } of weights.tensors.values()) tensors.set(name.slice('base_model.model.'.length), { shape, data: await weights.readF32(name) });
  const dir = join(folder, 'copy');
  await saveAdapter(dir, { config, layers: [...layers.values()], tensors, shapes, base_model_name_or_path: null });

  assert.ok((await readFile(join(dir, 'adapter_model.safetensors'))).equals(await readFile(join(golden, 'adapter_model.safetensors'))));
  const [ours, theirs] = [await json(dir), await json(golden)];
  for (const [field, value] of Object.entries(ours)) assert.deepEqual(sorted(value), sorted(theirs[field]), field);
  const again = await openAdapter(dir, { dir: base, shapes });
  await again.weights.close();
  assert.equal(again.layers.size, 33);
});

test('modules_to_save are the shortest ends of names that mean what was trained and nothing else', async () => {
  const model = await openQwen2VL(base);
  await model.weights.close();
  const all = [...parameterShapes(model.config).keys()];
  const of = (...patterns: RegExp[]) => wholeModules(all.filter((name) => patterns.some((pattern) => pattern.test(name))), all);
  assert.deepEqual(of(/temp_attn/, /norm3/), ['norm3', 'temp_attn']);
  assert.deepEqual(of(/temp_attn\.proj/), ['temp_attn.proj']);
  assert.deepEqual(of(/\.attn\.proj\./), ['0.attn.proj', '1.attn.proj', '2.attn.proj']); // "attn.proj" would be temp_attn.proj, too: PEFT asks for no dot
  assert.deepEqual(of(/blocks\.1\.norm3/), ['1.norm3']);
  assert.deepEqual(of(/lm_head/), ['lm_head']);
  assert.deepEqual(of(/^visual\.merger/), ['merger']);
  assert.deepEqual(of(/^model\.layers\.1\./), ['layers.1']);
  assert.deepEqual(of(/nothing/), []);
});

test('an adapter without whole tensors says so as PEFT does', async () => {
  const dir = join(folder, 'plain');
  const config = { r: 2, alpha: 2, dropout: 0.1, targets: ['lm_head'], rank_pattern: {}, alpha_pattern: {} };
  const tensors = new Map([['lm_head.lora_A.weight', { shape: [2, 64], data: new Float32Array(128) }], ['lm_head.lora_B.weight', { shape: [1024, 2], data: new Float32Array(2048) }]]);
  await saveAdapter(dir, { config, layers: [{ module: 'lm_head', r: 2, alpha: 2 }], tensors, shapes: new Map([['lm_head.weight', [1024, 64]]]), base_model_name_or_path: 'some/base' });
  const { modules_to_save, base_model_name_or_path, lora_dropout } = await json(dir);
  assert.deepEqual([modules_to_save, base_model_name_or_path, lora_dropout], [null, 'some/base', 0.1]);
  await using weights = await openWeights(join(dir, 'adapter_model.safetensors'));
  assert.deepEqual(weights.metadata, { format: 'pt' });
});
