import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { insertTemporalAttention } from '../../src/checkpoints/insert.ts';
import { Decoder } from '../../src/generate/decoder.ts';
import { encodeVisual } from '../../src/generate/encoder.ts';
import { languageGraph, openQwen2VL, textPositions, visionParts, type Grid } from '../../src/models/qwen2vl/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { openWeights, saveCheckpoint, type SaveTensor } from '../../src/weights/index.ts';
import { random } from '../close.ts';

const goldens = fileURLToPath(new URL('../goldens/models/', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'stave-insert-'));
const runtime = await Runtime.create({ threads: 1 });
after(async () => {
  await runtime.dispose();
  await rm(folder, { recursive: true });
});

let count = 0;
const fresh = (): string => join(folder, `out-${count++}`);

/** Visual tokens of a video of 3 × 8 × 4 patches, and the logits of a prompt with them. */
const pixels = random(3 * 8 * 4 * 3 * 2 * 14 * 14);
async function compute(dir: string): Promise<[Float32Array, Float32Array]> {
  const model = await openQwen2VL(dir);
  await model.weights.close();
  const { config } = model;
  const grid: Grid = [3, 8, 4];
  const embeds = await encodeVisual(await runtime.compile(visionParts(model)), config, [{ kind: 'video', grid, pixel_values: pixels }], { scope: 'item' });
  const ids = [5, config.vision_start_token_id, ...Array<number>(24).fill(config.video_token_id), config.vision_end_token_id, 7, 8];
  return [embeds, await new Decoder(await runtime.compile(languageGraph(model)), config).append({ ids, position_ids: textPositions(0, ids.length, 0) }, embeds, { rows: ids.length })];
}

for (const base of ['qwen2vl', 'qwen2_5vl'])
  test(`${base}: with the output projection zero, visual tokens and logits are the base's to the last bit; normal ones are others`, async () => {
    const before = await compute(join(goldens, base));
    for (const options of [{}, { order: 'temporal-first', rows: 'frame-major', head_scale: 1 }, { blocks: { last: 1 } }] as const) {
      const out = fresh();
      await insertTemporalAttention(join(goldens, base), out, { ...options, init: 'zero' });
      assert.deepEqual(await compute(out), before);
    }
    const out = fresh();
    await insertTemporalAttention(join(goldens, base), out);
    const [embeds, logits] = await compute(out);
    assert.ok(embeds.every(Number.isFinite) && embeds.some((x, i) => x !== before[0][i]) && logits.some((x, i) => x !== before[1][i]));
  });

test('what is put in is named, typed and sized as the blocks\' spatial attention; the base\'s tensors stay as they are', async () => {
  for (const [base, prefix, norm] of [['qwen2vl', 'visual', ['norm3.bias', 'norm3.weight']], ['qwen2_5vl', 'visual', ['norm3.weight']]] as const) {
    const out = fresh();
    const inserted = await insertTemporalAttention(join(goldens, base), out, { head_scale: 0.5 });
    await using old = await openWeights(join(goldens, base));
    await using all = await openWeights(out);
    for (const name of old.tensors.keys()) assert.deepEqual([all.info(name).dtype, await all.read(name)], [old.info(name).dtype, await old.read(name)]);
    const added = [...all.tensors.values()].filter(({ name }) => !old.has(name));
    const block = added.filter(({ name }) => name.includes('.1.')).map(({ name }) => name.slice(`${prefix}.blocks.1.`.length));
    assert.deepEqual(block.toSorted(), [...norm, 'temp_attn.proj.bias', 'temp_attn.proj.weight', 'temp_attn.qkv.bias', 'temp_attn.qkv.weight']);
    assert.ok(added.every(({ dtype }) => dtype === 'BF16'));
    assert.equal(inserted.parameters, added.reduce((sum, { byteLength }) => sum + byteLength / 2, 0));
    const model = await openQwen2VL(out);
    await model.weights.close();
    const { depth, num_heads, temporal_attention } = model.config.vision_config;
    assert.deepEqual(temporal_attention, { head_scale: 0.5, order: 'spatial-first', rows: base === 'qwen2vl' ? 'patch-major' : 'frame-major' });
    assert.deepEqual([inserted.blocks.length, inserted.heads], [depth, num_heads / 2]);
    assert.deepEqual((JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as Record<string, unknown>).temporal_attention, temporal_attention); // for those who read the file alone
    const norm3 = await all.readF32(`${prefix}.blocks.0.norm3.weight`), bias = await all.readF32(`${prefix}.blocks.0.temp_attn.qkv.bias`);
    assert.ok(norm3.every((x) => x === 1) && bias.every((x) => x === 0));
  }
});

async function read(options: Parameters<typeof insertTemporalAttention>[2]): Promise<Float32Array> {
  const out = fresh();
  await insertTemporalAttention(join(goldens, 'qwen2vl'), out, { head_scale: 1, ...options });
  await using weights = await openWeights(out);
  return await weights.readF32('visual.blocks.0.temp_attn.qkv.weight');
}

test('new matrices are N(0, 0.02); the seed decides them', async () => {
  const x = await read({});
  const mean = x.reduce((a, b) => a + b) / x.length, std = Math.sqrt(x.reduce((a, b) => a + b * b, 0) / x.length);
  assert.ok(Math.abs(mean) < 4 * 0.02 / Math.sqrt(x.length) && Math.abs(std - 0.02) < 0.001, `${mean} ± ${std} over ${x.length}`);
  assert.ok(x.some((value) => Math.abs(value) > 0.05)); // no uniform distribution
  assert.deepEqual(await read({ seed: 1, blocks: [0] }), x);
  assert.notDeepEqual(await read({ seed: 2 }), x);
});

test('in another type: float32 holds the same numbers, and config.json says so', async () => {
  const out = fresh();
  await insertTemporalAttention(join(goldens, 'qwen2vl'), out, { dtype: 'F32', init: 'zero' });
  await using old = await openWeights(join(goldens, 'qwen2vl'));
  await using wide = await openWeights(out);
  assert.ok([...wide.tensors.values()].every(({ dtype }) => dtype === 'F32'));
  for (const name of old.tensors.keys()) assert.deepEqual(await wide.read(name), await old.readF32(name));
  assert.equal((JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as Record<string, unknown>).torch_dtype, 'float32');
});

test('some blocks only: they are the ones that compute with it, and config.json says so', async () => {
  const [base, out] = [join(goldens, 'qwen2vl'), fresh()];
  const { blocks } = await insertTemporalAttention(base, out, { blocks: [2, 0, 2] });
  assert.deepEqual(blocks, [0, 2]);
  const model = await openQwen2VL(out);
  await using weights = model.weights;
  assert.deepEqual(model.config.vision_config.temporal_attention?.blocks, [0, 2]);
  assert.deepEqual([0, 1, 2].map((i) => model.visual.at('blocks').at(i).has('temp_attn.qkv.weight')), [true, false, true]);
  assert.equal([...weights.tensors.keys()].filter((name) => name.includes('temp_attn.qkv.weight')).length, 2);
});

const newer = (name: string) => name.replace(/^model\./, 'model.language_model.').replace(/^visual\./, 'model.visual.');

test('a base of transformers\' newer names gets new names of that kind; large ones come in shards', async () => {
  const dir = fresh();
  await cp(join(goldens, 'qwen2vl'), dir, { recursive: true });
  for (const name of await readdir(dir)) if (/safetensors/.test(name)) await rm(join(dir, name));
  await using old = await openWeights(join(goldens, 'qwen2vl'));
  await saveCheckpoint(dir, [...old.tensors.values()].map(({ name, dtype, shape }): SaveTensor => ({ name: newer(name), dtype, shape, data: () => old.read(name) })));
  const out = fresh();
  await insertTemporalAttention(dir, out, { max_shard_size: 400_000 });
  assert.ok((await readdir(out)).filter((name) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name)).length > 1);
  await using weights = await openWeights(out);
  assert.ok(weights.has('model.visual.blocks.0.temp_attn.qkv.weight') && weights.has('model.visual.blocks.0.norm3.bias'));
});

test('refused before anything is written', async () => {
  const dir = fresh();
  await mkdir(dir);
  const [base, sta, out] = [join(goldens, 'qwen2vl'), join(goldens, 'staveq2'), join(dir, 'out')];
  await assert.rejects(insertTemporalAttention(sta, out), { code: 'MODEL_CONFIG', message: /staveq2 has temporal attention already\n2 heads, spatial-first/ });
  await assert.rejects(insertTemporalAttention(base, dir), { code: 'IO', message: /exists already/ });
  await assert.rejects(insertTemporalAttention(base, join(base, 'new')), { code: 'USAGE', message: /new lies in / });
  await assert.rejects(insertTemporalAttention(join(dir, 'nowhere'), out), { code: 'MODEL_MISSING' });
  for (const head_scale of [0, -1, NaN, 5]) await assert.rejects(insertTemporalAttention(base, out, { head_scale }), { code: 'USAGE', message: /head_scale is / });
  for (const blocks of [[], [3], [-1], [0.5], { last: 0 }, { last: 4 }]) await assert.rejects(insertTemporalAttention(base, out, { blocks }), { code: 'USAGE', message: /blocks is .*\nthe vision encoder has 3 blocks/ });
  await assert.rejects(insertTemporalAttention(base, out, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  assert.deepEqual(await readdir(dir), []);
});
