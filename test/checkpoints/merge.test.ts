/** The numbers of a merged model are held to PEFT's by the training reference set; here: files, types, names, refusals. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mergeAdapter } from '../../src/checkpoints/merge.ts';
import { openWeights, saveCheckpoint, type SaveTensor } from '../../src/weights/index.ts';
import { assertClose } from '../close.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const adapter = join(goldens, 'training/adapter');
const base = join(goldens, 'models/staveq2');
const folder = await mkdtemp(join(tmpdir(), 'stave-merge-'));
after(() => rm(folder, { recursive: true }));

test('a merged checkpoint has the base\'s files, tensors and types; what no adapter touches is the same to the bit', async () => {
  const before = await readdir(base);
  const out = join(folder, 'merged');
  const progress: number[] = [];
  await mergeAdapter(base, adapter, out, { onTensor: ({ done, total }) => progress.push(done / total) });
  assert.deepEqual(await readdir(base), before);
  const left = before.filter((name) => !name.endsWith('.safetensors'));
  assert.deepEqual((await readdir(out)).toSorted(), [...left, 'model.safetensors'].toSorted());
  for (const name of left) assert.ok((await readFile(join(out, name))).equals(await readFile(join(base, name))), name);

  await using old = await openWeights(base);
  await using merged = await openWeights(out);
  assert.equal(progress.length, old.tensors.size);
  const changed: string[] = [];
  for (const { name, dtype, shape } of old.tensors.values()) {
    assert.deepEqual([merged.info(name).dtype, merged.info(name).shape], [dtype, shape]);
    const [a, b] = [await old.read(name), await merged.read(name)] as Uint16Array[];
    if (a.some((value, i) => value !== b[i])) changed.push(name);
  }
  assert.equal(changed.length, 33 + 18);
  assert.ok(changed.every((name) => /(qkv|proj|fc1|fc2)\.weight$|norm3|temp_attn/.test(name)));
});

test('W + α/r · B A, by loops', async () => {
  const out = join(folder, 'f32');
  await mergeAdapter(base, adapter, out, { dtype: 'F32' });
  assert.equal((JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as { torch_dtype: string }).torch_dtype, 'float32');
  await using old = await openWeights(base);
  await using merged = await openWeights(out);
  await using low = await openWeights(join(adapter, 'adapter_model.safetensors'));
  for (const [module, r, scale] of [['visual.blocks.2.attn.qkv', 8, 1], ['model.layers.1.mlp.up_proj', 4, 2]] as const) {
    const [O, I] = old.info(`${module}.weight`).shape;
    const [W, A, B] = [await old.readF32(`${module}.weight`), await low.readF32(`base_model.model.${module}.lora_A.weight`), await low.readF32(`base_model.model.${module}.lora_B.weight`)];
    const expected = Float64Array.from(W);
    for (let o = 0; o < O; o++) for (let i = 0; i < I; i++) for (let k = 0; k < r; k++) expected[o * I + i] += scale * B[o * r + k] * A[k * I + i];
    assertClose(await merged.readF32(`${module}.weight`), expected, 1e-7);
  }
});

const newer = (name: string) => name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.');

test('a base with transformers\' newer names, in shards, with a tensor of its own: names and tensor stay', async () => {
  const dir = join(folder, 'newer');
  await cp(base, dir, { recursive: true });
  await rm(join(dir, 'model.safetensors'));
  await using old = await openWeights(base);
  const tensors = [...old.tensors.values()].map(({ name, dtype, shape }): SaveTensor => ({ name: newer(name), dtype, shape, data: () => old.read(name) }));
  await saveCheckpoint(dir, [...tensors, { name: 'extra.ids', dtype: 'I64', shape: [2], data: BigInt64Array.of(3n, 4n) }], { max_shard_size: 300_000 });
  const out = join(folder, 'newer-merged');
  await mergeAdapter(dir, adapter, out, { dtype: 'F32' });
  await using merged = await openWeights(out);
  await using plain = await openWeights(join(folder, 'f32'));
  assert.deepEqual(await merged.read('extra.ids'), BigInt64Array.of(3n, 4n));
  for (const name of plain.tensors.keys()) assert.deepEqual(await merged.read(newer(name)), await plain.read(name), name);
});

test('nothing is overwritten, nothing is written where it does not fit, nothing is left of an abort', async () => {
  const dir = await mkdtemp(join(folder, 'places-'));
  const empty = join(dir, 'empty');
  await mkdir(empty);
  await assert.rejects(mergeAdapter(base, adapter, empty), { code: 'IO', message: /empty exists already/ });
  await assert.rejects(mergeAdapter(base, adapter, join(base, 'inside')), { code: 'USAGE', message: /inside lies in .*staveq2/ });
  await assert.rejects(mergeAdapter(join(goldens, 'models/qwen2vl'), adapter, join(dir, 'other')), { code: 'ADAPTER' });
  await assert.rejects(mergeAdapter(base, adapter, join(dir, 'aborted'), { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  await writeFile(join(dir, 'file'), '');
  await assert.rejects(mergeAdapter(base, adapter, join(dir, 'file', 'out')), { code: 'IO' });
  assert.deepEqual((await readdir(dir)).toSorted(), ['empty', 'file']);
});
