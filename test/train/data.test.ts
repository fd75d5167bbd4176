import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { textReader } from '../../src/models/checkpoint.ts';
import { loadChatTemplate, loadTokenizer } from '../../src/text/index.ts';
import { graph, input, matmul } from '../../src/graph/index.ts';
import type { Batch } from '../../src/train/batch.ts';
import { DataSource } from '../../src/train/data.ts';
import { matmulFlops } from '../../src/train/flops.ts';
import { motion10Batches } from '../../src/train/motion10.ts';
import { newConfig, savedConfig } from '../../src/train/model.ts';
import { tiny, tokenizer } from './tiny.ts';
import type { Motion10Data } from '../../src/train/recipe-data.ts';

const bytes = ({ feeds }: Batch) => Object.fromEntries(Object.entries(feeds).map(([name, { dims, data }]) => [name, [dims, Buffer.from(data.buffer).toString('base64')]]));

test('a batch depends on its number alone; training and held-out clips differ', async () => {
  await using setup = await tiny();
  const { recipe } = setup;
  const settings = { tokenizer: recipe.tokenizer, config: savedConfig(newConfig(recipe, await loadTokenizer(textReader(tokenizer))), recipe), data: recipe.data as Motion10Data, batch: recipe.batch, evaluation: recipe.eval };
  const [one, other] = [new DataSource(settings), new DataSource(settings, { ahead: 0 })];
  try {
    await one.next({ set: 'train', index: 0 });
    await one.next({ set: 'train', index: 1 });
    const third = (await one.next({ set: 'train', index: 2 })) as Batch;
    assert.deepEqual(bytes((await other.next({ set: 'train', index: 2 })) as Batch), bytes(third));
    assert.notDeepEqual(bytes((await other.next({ set: 'eval', index: 2 })) as Batch), bytes(third));
    assert.equal(third.sizes.B, 2);
    assert.deepEqual(third.segments.map(({ seed }) => seed), ['train/1/2/0', 'train/1/2/0', 'train/1/2/1', 'train/1/2/1']);
    assert.ok(third.feeds.pixel_values.data.buffer instanceof SharedArrayBuffer);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});

test('in a process with flags that no worker takes, batches are made all the same', async () => {
  await using setup = await tiny();
  const { recipe } = setup;
  const settings = { tokenizer: recipe.tokenizer, config: savedConfig(newConfig(recipe, await loadTokenizer(textReader(tokenizer))), recipe), data: recipe.data as Motion10Data, batch: recipe.batch, evaluation: recipe.eval };
  const script = `
    import { DataSource } from ${JSON.stringify(new URL('../../src/train/data.ts', import.meta.url).href)};
    const data = new DataSource(${JSON.stringify(settings)}, { ahead: 0 });
    console.log((await data.next({ set: 'train', index: 0 })).sizes.B);
    await data.close();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual([stdout, stderr], ['2\n', '']);
});

test('in pairs every other clip is the one before it played backwards', async () => {
  await using setup = await tiny({ data: { task: 'motion10', frames: 4, min_pixels: 3136, max_pixels: 4704, questions: 2, pairs: true } });
  const { recipe } = setup;
  const tok = await loadTokenizer(textReader(tokenizer));
  const make = motion10Batches({ data: recipe.data as Motion10Data, batch: { ...recipe.batch, clips: 3 }, evaluation: recipe.eval }, newConfig(recipe, tok), tok, await loadChatTemplate(textReader(tokenizer)));
  const batch = make({ set: 'train', index: 0 });
  const [B, T, N, P] = batch.feeds.pixel_values.dims;
  const pixels = batch.feeds.pixel_values.data as Uint8Array;
  /** Frame f of clip b: group ⌊f / 2⌋, and in its patches [C, 2, 14·14] the half f mod 2. */
  const frame = (b: number, f: number) => Array.from({ length: N * 3 }, (_, i) => pixels.subarray(((b * T + (f >> 1)) * N + Math.floor(i / 3)) * P + ((i % 3) * 2 + (f & 1)) * 196, ((b * T + (f >> 1)) * N + Math.floor(i / 3)) * P + ((i % 3) * 2 + (f & 1)) * 196 + 196));
  for (let f = 0; f < 4; f++) assert.deepEqual(frame(1, f), frame(0, 3 - f));
  assert.equal(B, 3);
  assert.notDeepEqual(frame(2, 0), frame(0, 0));
  assert.deepEqual(bytes(make({ set: 'train', index: 1 })), bytes(make({ set: 'train', index: 1 })));
});

test('a lesson has its own frames, clips and questions, and the usual follows it', async () => {
  const lessons = [{ steps: 2, kinds: ['color'], scenes: ['group'], frames: 2, clips: 3, questions: 4 }, { steps: 2, turns: [{ kinds: ['order', 'yesno'], scenes: ['order'] }, { clips: 4, kinds: ['action'], scenes: ['action'], actions: ['rising', 'falling'] }] }];
  await using setup = await tiny({ data: { task: 'motion10', frames: 4, min_pixels: 3136, max_pixels: 4704, questions: 2, pairs: true, lessons } });
  const { recipe } = setup;
  const tok = await loadTokenizer(textReader(tokenizer));
  const make = motion10Batches({ data: recipe.data as Motion10Data, batch: { ...recipe.batch, accumulate: 2 }, evaluation: recipe.eval }, newConfig(recipe, tok), tok, await loadChatTemplate(textReader(tokenizer)));
  const sizes = (index: number, set: 'train' | 'eval' = 'train') => make({ set, index }).feeds.pixel_values.dims.slice(0, 2); // clips, frame groups
  for (const index of [0, 3]) assert.deepEqual(sizes(index), [3, 1]); // both micro-batches of the first two updates
  for (const index of [4, 5, 8, 100]) assert.deepEqual(sizes(index), [2, 2]);
  for (const index of [6, 7]) assert.deepEqual(sizes(index), [4, 2]); // the other turn
  assert.deepEqual(sizes(0, 'eval'), [2, 2]);
  const kinds = (index: number) => new Set(make({ set: 'train', index }).segments.map(({ kind }) => kind));
  assert.deepEqual(kinds(1), new Set(['color']));
  assert.deepEqual(kinds(4), new Set(['order', 'yesno']));
  const answers = (index: number) => make({ set: 'train', index }).feeds.labels.data as BigInt64Array;
  const rises = tok.encode(' rising').at(-1)!, falls = tok.encode(' falling').at(-1)!;
  for (const index of [6, 7]) assert.equal([...answers(index)].filter((id) => Number(id) === rises || Number(id) === falls).length, 4);
  const first = make({ set: 'train', index: 0 }).segments;
  assert.ok([0, 1, 2].every((clip) => first.filter(({ sample }) => sample === clip).length >= 2), 'each thing of a group is asked about');
});

test('matrix products are counted with the sizes they run at', () => {
  const a = input('a', 'float32', ['B', 'S', 8]), w = input('w', 'float32', [5, 8]);
  const y = matmul(a, w, { transB: true }); // [B, S, 5]
  const square = matmul(y, y, { transA: true }); // [B, 5, 5]
  assert.equal(matmulFlops(graph({ square }), { B: 3, S: 7 }), 2 * 3 * 7 * 8 * 5 + 2 * 3 * 5 * 5 * 7);
});
