import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grad, graph, input, matmul } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import { peakBytes } from '../../src/train/liveness.ts';
import { startModel } from '../../src/train/model.ts';
import { runData } from '../../src/train/run-data.ts';
import { graphsBy, startData } from '../../src/train/setup.ts';
import { openTokenizer } from '../../src/train/tokenizer.ts';
import { tiny, tinyJson } from './tiny.ts';

test('blocks computed again: the gradients are the same, and less lives at once', async () => {
  const model_json = { ...tinyJson.model, num_hidden_layers: 4, vision_config: { ...tinyJson.model.vision_config, depth: 4 } };
  await using setup = await tiny({ model: model_json, data: { ...tinyJson.data, frames: 8, min_pixels: 9408, max_pixels: 9408 } });
  const { recipe } = setup;
  const model = await startModel(recipe, await openTokenizer(recipe));
  const source = runData(recipe, model, undefined);
  const data = startData(source);
  const batch = (await data.next({ set: 'train', index: 0 }, 1)) as Batch;
  await data.close();
  await using runtime = await Runtime.create({ threads: 1 });
  const [kept, again] = [recipe, { ...recipe, recompute: 'block' as const }].map((r) => graphsBy(r, model, source)('clips').accumulate);
  const feeds = {
    ...batch.feeds,
    ...Object.fromEntries([...model.trained].flatMap(([name, { shape: dims, data: weights }]) => [
      [`param:${name}`, { dtype: 'float32' as const, dims, data: weights }],
      [`g:${name}`, { dtype: 'float32' as const, dims, data: new Float32Array(weights.length) }],
    ])),
  };
  const run = async (g: typeof kept) => {
    await using program = await runtime.compile(g);
    return program.run(feeds);
  };
  const [a, b] = [await run(kept), await run(again)];
  assert.ok(again.nodes.length > 1.2 * kept.nodes.length);
  assert.deepEqual(a.loss.data, b.loss.data);
  let largest = 0;
  for (const [name, { data: values }] of Object.entries(a)) {
    const scale = (values as Float32Array).reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12);
    (values as Float32Array).forEach((x, i) => {
      const off = Math.abs(x - (b[name].data as Float32Array)[i]) / scale;
      largest = Math.max(largest, off);
      assert.ok(off < 1e-5, `${name}[${i}]: ${x}, computed again ${b[name].data[i]}`);
    });
  }
  const [before, after] = [kept, again].map((g) => peakBytes(g, batch.sizes));
  assert.ok(after < 0.6 * before, `${after} bytes of ${before}`);
});

const values = (dims: number[], step: number) => ({ dtype: 'float32' as const, dims, data: Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => Math.sin(step * (i + 1))) });

test('a block is repeated from its input and after its gradient is there', async () => {
  const x = input('x', 'float32', [2, 3]), w = input('w', 'float32', [3, 3]);
  const layer = (v: typeof x) => v.add(matmul(v, w).tanh());
  const a = layer(x), b = layer(a);
  const loss = b.mul(b).sum();
  const [plain] = grad(loss, [w]);
  const [again] = grad(loss, [w], { recompute: [{ input: x, output: a }, { input: a, output: b }] });
  const count = (v: typeof x) => graph({ v }).nodes.filter(({ op }) => op === 'Tanh').length;
  assert.deepEqual([count(plain), count(again)], [2, 4]);
  await using runtime = await Runtime.create({ threads: 1 });
  await using program = await runtime.compile(graph({ plain, again }));
  const out = await program.run({ x: values([2, 3], 1), w: values([3, 3], 2) });
  assert.deepEqual(out.again.data, out.plain.data);
});
