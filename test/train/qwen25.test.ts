/** Training Qwen2.5-VL: windows, time in seconds, gradients through both. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { grad, graph, input, type Tensor } from '../../src/graph/index.ts';
import { textReader } from '../../src/models/checkpoint.ts';
import { openQwen2VL, parameterShapes } from '../../src/models/qwen2vl/index.ts';
import { Params } from '../../src/nn/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { loadChatTemplate, loadTokenizer } from '../../src/text/index.ts';
import { motion10Batches } from '../../src/train/motion10.ts';
import { parseRecipe } from '../../src/train/recipe.ts';
import { forward } from '../../src/train/step.ts';
import type { Motion10Data } from '../../src/train/recipe-data.ts';

const dir = fileURLToPath(new URL('../goldens/models/staveq2_5', import.meta.url));
const model = await openQwen2VL(dir);
const read = textReader(dir);
const { config } = model;
const shapes = parameterShapes(config);
// 6 × 10 patches: the windows at the right and lower edge are not full
const recipe = parseRecipe({ out: 'run', init: dir, trainable: ['*'], data: { task: 'motion10', frames: 6, min_pixels: 11760, max_pixels: 11760, questions: 2 }, batch: { clips: 1 }, optimizer: { lr: 1 }, steps: 1 }, '/');
const batch = motion10Batches({ data: recipe.data as Motion10Data, batch: recipe.batch, evaluation: recipe.eval }, config, await loadTokenizer(read), await loadChatTemplate(read))({ set: 'train', index: 0 });

test('gradients of a Qwen2.5-VL with temporal attention equal central differences, in windows and out of them', async () => {
  const names = ['visual.patch_embed.proj.weight', ...[0, 1, 2].flatMap((i) => ['attn.qkv.weight', 'norm1.weight', 'temp_attn.qkv.weight', 'temp_attn.proj.bias', 'norm3.weight', 'mlp.gate_proj.weight'].map((end) => `visual.blocks.${i}.${end}`)), 'visual.merger.mlp.2.weight', 'model.layers.0.self_attn.k_proj.weight'].filter((name) => shapes.has(name));
  assert.ok(names.length > 14, names.join());
  const values = new Map([...shapes].map(([name, shape]) => [name, input(`param:${name}`, 'float32', shape)]));
  const { loss } = forward(Params.from((name) => values.get(name)), config, model.video_preprocessor);
  const gradients = grad(loss, names.map((name) => values.get(name)!));
  await using runtime = await Runtime.create({ threads: 1 });
  const both = await runtime.compile(graph({ loss, ...Object.fromEntries(names.map((name, i) => [`g:${name}`, gradients[i]])) }));
  const alone = await runtime.compile(graph({ loss }));
  const feeds: Record<string, Tensor> = Object.fromEntries(Object.entries(batch.feeds).filter(([name]) => both.inputs.some((port) => port.name === name)));
  for (const [name, dims] of shapes) feeds[`param:${name}`] = { dtype: 'float32', dims, data: await model.weights.readF32(model.storedName(name)) };
  const out = await both.run(feeds);

  for (const [k, name] of names.entries()) {
    const g = out[`g:${name}`].data as Float32Array;
    const start = feeds[`param:${name}`];
    // half of the entries, each moved the way its derivative points: a sum of many, well above the noise of float32
    const direction = g.map((x, i) => (((i + 1) * 2654435761 + k) & 64 ? Math.sign(x) : 0));
    const at = async (h: number) => Number((await alone.run({ ...feeds, [`param:${name}`]: { ...start, data: (start.data as Float32Array).map((x, i) => x + h * direction[i]) } })).loss.data[0]);
    const slope = g.reduce((sum, x, i) => sum + x * direction[i], 0);
    const h = 2e-3 / Math.max(slope, 1);
    const measured = ((await at(h)) - (await at(-h))) / (2 * h);
    assert.ok(slope > 0 && Math.abs(measured - slope) <= 0.02 * slope, `${name}: ${slope}, measured ${measured}`);
  }
});
