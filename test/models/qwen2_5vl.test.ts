/** Qwen2.5-VL checkpoints as they may be stored, and what the encoder makes of several items. Variants are made from golden ones. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeVisual } from '../../src/generate/encoder.ts';
import type { VisualItem } from '../../src/generate/visual-item.ts';
import { openQwen2VL, visionParts, type Grid, type Qwen2VL } from '../../src/models/qwen2vl/index.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';
import { openWeights, saveSafetensors, type SaveTensor } from '../../src/weights/index.ts';
import { assertClose, random } from '../close.ts';

const goldens = fileURLToPath(new URL('../goldens/models', import.meta.url));
const [plain, sta] = [join(goldens, 'qwen2_5vl'), join(goldens, 'staveq2_5')];
const folder = await mkdtemp(join(tmpdir(), 'stave-qwen2_5vl-'));
const runtime = await Runtime.create({ threads: 1 });
after(async () => {
  await runtime.dispose();
  await rm(folder, { recursive: true });
});

async function open(dir: string): Promise<{ model: Qwen2VL; vision: Program }> {
  const model = await openQwen2VL(dir);
  await model.weights.close();
  return { model, vision: await runtime.compile(visionParts(model)) };
}

const item = (kind: VisualItem['kind'], ...grid: Grid): VisualItem => ({ kind, grid, pixel_values: random(grid[0] * grid[1] * grid[2] * 3 * 2 * 14 * 14) });
const mixed = [item('image', 1, 6, 10), item('video', 3, 6, 10), item('image', 1, 2, 4), item('video', 2, 8, 4), item('video', 3, 6, 10), item('image', 1, 6, 10)];

for (const dir of [plain, sta])
  test(`${dir.slice(goldens.length + 1)}: images and videos in any order are each what they are alone`, async () => {
    const { model, vision } = await open(dir);
    const together = await encodeVisual(vision, model.config, mixed);
    const alone = [];
    for (const one of mixed) alone.push(...(await encodeVisual(vision, model.config, [one])));
    assertClose(together, Float32Array.from(alone), 1e-6);
  });

test('with scope "all" videos of one frame size are one sequence in time, others are not', async () => {
  const { model, vision } = await open(sta);
  const [, a, , b, c] = mixed;
  const { length } = await encodeVisual(vision, model.config, [a]);
  const joined = await encodeVisual(vision, model.config, [{ kind: 'video', grid: [6, 6, 10], pixel_values: Float32Array.from([...a.pixel_values, ...c.pixel_values]) }]);
  const all = await encodeVisual(vision, model.config, [a, b, c], { scope: 'all' });
  assertClose(all.subarray(0, length), joined.subarray(0, length), 1e-6);
  assertClose(all.subarray(all.length - length), joined.subarray(length), 1e-6);
  assertClose(all.subarray(length, all.length - length), await encodeVisual(vision, model.config, [b]), 1e-6);
});

/** The golden's tensors as another checkpoint would hold them. */
async function stored(dir: string, shards: number, change: (t: SaveTensor) => SaveTensor | undefined, config: object = {}): Promise<string> {
  const out = await mkdtemp(join(folder, 'model-'));
  for (const name of ['preprocessor_config.json', 'video_preprocessor_config.json']) await copyFile(join(dir, name), join(out, name));
  await writeFile(join(out, 'config.json'), JSON.stringify({ ...(JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')) as object), ...config }));
  await using weights = await openWeights(dir);
  const parts: SaveTensor[][] = Array.from({ length: shards }, () => []);
  const weight_map: Record<string, string> = {};
  for (const [name, { dtype, shape }] of weights.tensors) {
    const tensor = change({ name, dtype, shape, data: await weights.readF32(name) } as SaveTensor);
    if (tensor === undefined) continue;
    const shard = Object.keys(weight_map).length % shards;
    parts[shard].push(tensor);
    weight_map[tensor.name] = `model-${shard}.safetensors`;
  }
  for (const [i, tensors] of parts.entries()) await saveSafetensors(join(out, shards === 1 ? 'model.safetensors' : `model-${i}.safetensors`), tensors);
  if (shards > 1) await writeFile(join(out, 'model.safetensors.index.json'), JSON.stringify({ weight_map }));
  return out;
}

const older = (name: string) => name.replace(/^model\.visual\./, 'visual.').replace(/^model\.language_model\./, 'model.');

test('F16 in shards, with the names of the other generation, is the same model', async () => {
  const { model, vision } = await open(sta);
  const half = await open(await stored(sta, 3, (t) => ({ ...t, dtype: 'F16', name: older(t.name) })));
  assert.equal(half.model.parameters, model.parameters);
  assert.deepEqual(half.model.config.vision_config.temporal_attention, { head_scale: 0.25, order: 'spatial-first', rows: 'frame-major' });
  assertClose(await encodeVisual(half.vision, half.model.config, mixed), await encodeVisual(vision, model.config, mixed), 1e-5); // F16 has no room for the smallest BF16
});

test('a tied head needs no tensor', async () => {
  const config = { text_config: { ...((JSON.parse(await readFile(join(plain, 'config.json'), 'utf8')) as { text_config: object }).text_config), tie_word_embeddings: true } };
  const tied = await openQwen2VL(await stored(plain, 1, (t) => (t.name === 'lm_head.weight' ? undefined : t), config));
  await tied.weights.close();
  assert.equal(tied.language.head, undefined);
});

test('tensors of a Qwen2-VL vision encoder are told from those of Qwen2.5-VL', async () => {
  const renamed = stored(plain, 1, (t) => ({ ...t, name: t.name.replace('visual.blocks.2.mlp.gate_proj', 'visual.blocks.2.mlp.fc1') }));
  await assert.rejects(renamed.then((dir) => openQwen2VL(dir)), { code: 'WEIGHT_MISSING', message: /visual\.blocks\.2\.mlp\.gate_proj\.weight/ });
});

test('videos have their own preprocessor file, images theirs', async () => {
  const { preprocessor, video_preprocessor } = (await open(plain)).model;
  assert.deepEqual([preprocessor.max_pixels, video_preprocessor.max_pixels], [1003520, 602112]);
  const dir = await stored(plain, 1, (t) => t);
  await writeFile(join(dir, 'video_preprocessor_config.json'), '{"merge_size": 4}');
  await assert.rejects(openQwen2VL(dir), { code: 'MODEL_CONFIG', message: /video_preprocessor_config\.json: merge_size is 4/ });
  await rm(join(dir, 'video_preprocessor_config.json'));
  assert.equal((await open(dir)).model.video_preprocessor.max_pixels, 1003520);
});
