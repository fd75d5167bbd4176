/** Converted checkpoints: held to float checkpoints that have the same numbers, and refused where they can't be. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint, insertTemporalAttention, mergeAdapter } from '../../src/checkpoints/index.ts';
import { Decoder } from '../../src/generate/decoder.ts';
import { encodeVisual } from '../../src/generate/encoder.ts';
import { packedInfo } from '../../src/models/packed.ts';
import { languageGraph, openQwen2VL, parameterShapes, textPositions, visionParts } from '../../src/models/qwen2vl/index.ts';
import { parseWeights, partOf, type WeightTypes } from '../../src/models/weight-types.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { openWeights, saveSafetensors, type Packed, type PackedRows, type SaveTensor } from '../../src/weights/index.ts';
import { random } from '../close.ts';
import { unpack, unpackRows } from '../weights/unpack.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const base = join(goldens, 'models/staveq2');
const adapter = join(goldens, 'training/adapter');
const folder = await mkdtemp(join(tmpdir(), 'stave-convert-'));
const runtime = await Runtime.create({ threads: 1 });
after(() => Promise.all([runtime.dispose(), rm(folder, { recursive: true })]));
const types = (text: string) => parseWeights(text) as WeightTypes;

/** The base with the numbers that the converted one's codes stand for, as F32. */
async function asFloats(dir: string, converted: string): Promise<string> {
  const out = `${converted}-floats`;
  await cp(dir, out, { recursive: true, filter: (file) => !file.endsWith('.safetensors') && !file.endsWith('index.json') });
  const model = await openQwen2VL(converted, { packed: true });
  await using weights = model.weights;
  const tensors: SaveTensor[] = [];
  for (const [name, shape] of parameterShapes(model.config)) {
    const stored = model.storedName(name);
    if (weights.has(stored)) tensors.push({ name: stored, dtype: 'F32', shape, data: await weights.readF32(stored) });
    else {
      const { packing, ...infos } = packedInfo(weights, { name, storedName: stored, shape, type: model.config.quantization!.types[partOf(name)] });
      const parts = Object.fromEntries(await Promise.all(Object.entries(infos).map(async ([part, info]) => [part, await weights.read(info.name)] as const)));
      const data = packing.block_size === undefined ? unpackRows(parts as PackedRows) : unpack(parts as Packed, { width: shape[1], ...packing });
      tensors.push({ name: stored, dtype: 'F32', shape, data });
    }
  }
  await saveSafetensors(join(out, 'model.safetensors'), tensors);
  return out;
}

const noise = random(1 << 17);

/** Visual tokens of made-up patches, and logits of a prompt with made-up visual tokens. */
async function compute(dir: string, adapter?: string): Promise<Record<'embeds' | 'logits', Float32Array>> {
  const model = await openQwen2VL(dir, { packed: true, adapter });
  await Promise.all([model.weights.close(), model.adapter?.weights.close()]);
  const { vision_config: vision, hidden_size, video_token_id } = model.config;
  const pixels = vision.in_channels * vision.temporal_patch_size * vision.patch_size ** 2;
  const embeds = await encodeVisual(await runtime.compile(visionParts(model)), model.config, [{ kind: 'video', grid: [2, 4, 6], pixel_values: noise.subarray(0, 48 * pixels) }]);
  const ids = Array.from(noise.subarray(0, 40), (x, i) => (i >= 8 && i < 20 ? video_token_id : Math.floor((x + 1) * 14)));
  const logits = await new Decoder(await runtime.compile(languageGraph(model)), model.config).append({ ids, position_ids: textPositions(0, 40, 0) }, noise.subarray(0, 12 * hidden_size), { rows: 40 });
  return { embeds, logits };
}

/** Largest difference as a part of the largest number. */
const deviation = (a: Float32Array, b: Float32Array): number => Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / Math.max(...b.map(Math.abs));

for (const [name, dir, weights] of [
  ['Qwen2-VL with temporal attention', base, 'int4'],
  ['Qwen2.5-VL, tied, some blocks with temporal attention', join(goldens, 'models/qwen2_5vl-mixed'), 'vision:int4,language:int8,head:int4'],
  ['Qwen2-VL with temporal attention', base, 'w8a8'],
  ['Qwen2.5-VL, tied, some blocks with temporal attention', join(goldens, 'models/qwen2_5vl-mixed'), 'vision:w8a8,language:int4'],
] as const)
  test(`${name}, ${weights}: computes what a float checkpoint with the same numbers computes, but for the rounding of activations`, async () => {
    const out = join(await mkdtemp(join(folder, 'same-')), 'out');
    const { bytes } = await convertCheckpoint(dir, out, { types: types(weights), threads: 2 });
    await using stored = await openWeights(out);
    assert.equal([...stored.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0), bytes);
    const floats = await asFloats(dir, out);
    const [packed, plain] = [await compute(out), await compute(floats)];
    for (const output of ['embeds', 'logits'] as const) {
      const rounding = deviation(packed[output], plain[output]);
      assert.ok(rounding < 0.03, `${output}: ${rounding}`);
    }
  });

test('an adapter is added beside the codes; int8 is near the original', async () => {
  const out = join(folder, 'adapted');
  await convertCheckpoint(base, out, { types: types('int8') });
  const [beside, original, without] = [await compute(out, adapter), await compute(base, adapter), await compute(base)];
  for (const output of ['embeds', 'logits'] as const) {
    const off = deviation(beside[output], original[output]);
    assert.ok(off < 0.05, `${output}: ${off}`);
    assert.ok(deviation(beside[output], without[output]) > 2 * off, `${output}: the adapter does something`);
  }
});

test('f16 and f32 are plain checkpoints', async () => {
  const out = join(folder, 'f16');
  await convertCheckpoint(base, out, { types: types('f16') });
  const model = await openQwen2VL(out); // not a packed one
  await using _ = model.weights;
  assert.deepEqual(model.weightTypes, { vision: 'f16', language: 'f16', embeddings: 'f16', head: 'f16' });
  assert.equal((model.config.raw as { torch_dtype: string }).torch_dtype, 'float16');
  assert.ok(deviation((await compute(out)).logits, (await compute(base)).logits) < 0.01);
});

test('the base\'s other files come along, progress ends at the whole, and the copy says what it was made from', async () => {
  const out = join(folder, 'files');
  const seen: number[] = [];
  await convertCheckpoint(base, out, { types: types('int4'), name: 'AliRasekh/STAVEQ2', onProgress: ({ done, total }) => seen.push(done / total) });
  assert.deepEqual((await readdir(out)).toSorted(), (await readdir(base)).filter((name) => name !== 'expected.safetensors').toSorted()); // of the weights those of the model
  assert.equal(seen.at(-1), 1);
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  const { quantization_config } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as { quantization_config: Record<string, string> };
  const { source, ...rest } = quantization_config;
  assert.deepEqual(rest, { quant_method: 'stave', vision: 'int8', language: 'int4', embeddings: 'int8', head: 'int8', source_name: 'AliRasekh/STAVEQ2' });
  assert.match(source, /^[0-9a-f]{16}$/);
});

test('w8a8 is a little behind int8, and before int4', async () => {
  const { logits } = await compute(base);
  const off = async (weights: string): Promise<number> => {
    const out = join(folder, `off-${weights}`);
    await convertCheckpoint(base, out, { types: types(weights) });
    const found = (await compute(out)).logits;
    return Math.sqrt(found.reduce((sum, x, i) => sum + (x - logits[i]) ** 2, 0) / logits.reduce((sum, x) => sum + x ** 2, 0));
  };
  const [int8, w8a8, int4] = [await off('int8'), await off('w8a8'), await off('int4')];
  assert.ok(w8a8 < 2 * int8 && w8a8 < int4 / 2, `int8 ${int8}, w8a8 ${w8a8}, int4 ${int4}`);
});

test('one that is converted already is asked, and nothing else', async () => {
  const out = join(folder, 'once');
  await convertCheckpoint(base, out, { types: types('int8'), name: 'the base' });
  const refused = { code: 'USAGE', message: /is a converted checkpoint \(int8\)[^]*give the checkpoint that it was made from, "the base"/ };
  await assert.rejects(convertCheckpoint(out, join(folder, 'twice'), { types: types('int4') }), refused);
  await assert.rejects(mergeAdapter(out, adapter, join(folder, 'twice')), refused);
  await assert.rejects(insertTemporalAttention(out, join(folder, 'twice')), refused);
});

/** The base with one tensor's numbers changed. */
async function withTensor(name: string, change: (x: Float32Array) => Float32Array): Promise<string> {
  const dir = await mkdtemp(join(folder, 'changed-'));
  await cp(base, dir, { recursive: true });
  await using weights = await openWeights(base);
  const tensors: SaveTensor[] = [];
  for (const info of weights.tensors.values()) tensors.push({ name: info.name, dtype: 'F32', shape: info.shape, data: await weights.readF32(info.name).then((x) => (info.name === name ? change(x) : x)) });
  await saveSafetensors(join(dir, 'model.safetensors'), tensors);
  return dir;
}

test('what cannot be converted is said, and nothing is left behind', async () => {
  const dir = await mkdtemp(join(folder, 'refused-'));
  const out = join(dir, 'out');
  const nan = await withTensor('model.layers.1.mlp.up_proj.weight', (x) => x.with(70, NaN));
  await assert.rejects(convertCheckpoint(nan, out, { types: types('int4') }), { code: 'WEIGHTS_CORRUPT', message: /"model\.layers\.1\.mlp\.up_proj\.weight" .* not finite/ });
  await assert.rejects(convertCheckpoint(nan, out, { types: types('f16') }), { code: 'WEIGHTS_CORRUPT' });
  const large = await withTensor('visual.blocks.0.attn.qkv.bias', (x) => x.with(3, 70000));
  await assert.rejects(convertCheckpoint(large, out, { types: types('f16') }), { code: 'USAGE', message: /"visual\.blocks\.0\.attn\.qkv\.bias" holds 70000, f16 ends at 65504/ });
  await assert.rejects(convertCheckpoint(base, dir, { types: types('int4') }), { code: 'IO', message: /exists already/ });
  const controller = new AbortController();
  const aborted = convertCheckpoint(base, out, { types: types('int4'), signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
  await assert.rejects(aborted, { message: 'enough' });
  await writeFile(`${out}.lock`, JSON.stringify({ pid: process.ppid, host: hostname(), id: 'another' }));
  await assert.rejects(convertCheckpoint(base, out, { types: types('int4') }), { code: 'IO', message: /is being written by process \d+/ });
  await rm(`${out}.lock`);
  assert.deepEqual(await readdir(dir), []);
});

test('what a process that was killed has left is no hindrance', async () => {
  const out = join(folder, 'killed');
  await mkdir(`${out}.partial`);
  await writeFile(join(`${out}.partial`, 'model.safetensors'), 'half');
  await convertCheckpoint(base, out, { types: types('int8') });
  await (await openQwen2VL(out, { packed: true })).weights.close();
});

test('a converted file that does not fit its config is refused when it is opened', async () => {
  const out = join(folder, 'damaged');
  await convertCheckpoint(base, out, { types: types('int8') });
  const config = await readFile(join(out, 'config.json'), 'utf8');
  const opened = async (from: string, to: string) => {
    await writeFile(join(out, 'config.json'), config.replace(from, to));
    await (await openQwen2VL(out, { packed: true })).weights.close();
  };
  await opened('', '');
  await assert.rejects(opened('"language": "int8"', '"language": "w8a8"'), { code: 'WEIGHT_SHAPE', message: /q_proj\.qweight" is U8 \[64, 1, 64\]\n\[64, 64\] with 8 bits by rows needs I8 \[64, 64\]/ });
  await assert.rejects(opened('"language": "int8"', '"language": "int4"'), { code: 'WEIGHT_SHAPE', message: /"model\.layers\.0\.self_attn\.q_proj\.qweight" is U8 \[64, 1, 64\]\n\[64, 64\] with 4 bits in blocks of 64 needs U8 \[64, 1, 32\]/ });
  await assert.rejects(opened('"language": "int8"', '"language": "f32"'), { code: 'WEIGHT_SHAPE', message: /config\.json has floating-point numbers here/ });
  await assert.rejects(opened('"quant_method": "stave"', '"quant_method": "gptq"'), { code: 'MODEL_CONFIG', message: /the weights are quantised \(gptq\)/ });
  await assert.rejects(opened('"head": "int8"', '"head": "int2"'), { code: 'MODEL_CONFIG', message: /quantization_config\.head is "int2"/ });
});

test('words for weights', () => {
  assert.equal(parseWeights('auto'), 'auto');
  assert.deepEqual(parseWeights('int4'), { vision: 'int8', language: 'int4', embeddings: 'int8', head: 'int8' });
  assert.deepEqual(parseWeights('w8a8'), { vision: 'w8a8', language: 'w8a8', embeddings: 'int8', head: 'int8' });
  assert.deepEqual(parseWeights('vision:w8a8,language:int4'), { vision: 'w8a8', language: 'int4', embeddings: 'int8', head: 'int8' });
  assert.deepEqual(parseWeights('language:int4'), { vision: 'f32', language: 'int4', embeddings: 'int8', head: 'int8' });
  assert.deepEqual(parseWeights('vision:int8, language:f16'), { vision: 'int8', language: 'f16', embeddings: 'f16', head: 'f16' });
  for (const text of ['int5', '', 'vision', 'vision:', 'eyes:int8', 'vision:int8:int4', 'vision:int8,vision:int4', 'auto,int8', '__proto__:int8', 'head:w8a8', 'embeddings:w8a8']) assert.throws(() => parseWeights(text), { code: 'USAGE', message: /names no type of weights/ });
});
