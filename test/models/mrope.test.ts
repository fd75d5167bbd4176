import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mropeTables, ropeIndex, textPositions } from '../../src/models/qwen2vl/mrope.ts';
import { openWeights } from '../../src/weights/index.ts';
import { json } from '../text/goldens.ts';

const tokens = { image_token_id: 1012, video_token_id: 1013, spatial_merge_size: 2 };
const models = fileURLToPath(new URL('../goldens/models', import.meta.url));

for (const { name: model } of readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory()))
  test(`${model}: positions of every prompt`, async () => {
    const newer = model.includes('2_5');
    await using recorded = await openWeights(newer ? `${models}/${model}/expected.safetensors` : `${models}/inputs.safetensors`);
    const { tokens_per_second = 4 } = (await json(`models/${model}`, 'config.json')).vision_config;
    for (const { name, input_ids, image_grid_thw, video_grid_thw, second_per_grid_ts, rope_delta } of (await json(`models/${model}`, 'cases.json')).cases) {
      const actual = ropeIndex(input_ids, { images: image_grid_thw, videos: video_grid_thw, second_per_grid_ts }, { ...tokens, ...(newer && { tokens_per_second, time_rounding: 'reference' }) });
      assert.equal(actual.rope_delta, rope_delta, name);
      const expected = (await recorded.read(`${name}.position_ids`)) as BigInt64Array; // [3, S]
      assert.deepEqual([...actual.position_ids], Array.from(expected, Number), name);
    }
  });

/** Time row of the visual tokens of a video of t groups of one token each, and the position of the text behind it. */
const times = (t: number, second_per_grid_t: number | null, time_rounding?: 'exact' | 'reference', tokens_per_second = 2) => {
  const ids = [7, ...Array<number>(t).fill(1013), 8];
  const { position_ids } = ropeIndex(ids, { videos: [[t, 2, 2]], second_per_grid_ts: [second_per_grid_t] }, { ...tokens, tokens_per_second, time_rounding });
  return [...position_ids.subarray(1, ids.length)].map((position) => position - 1);
};

test('time in seconds: whole positions, exact or as transformers 4.57 rounds', () => {
  assert.deepEqual(times(4, 1), [0, 2, 4, 6, 7]);
  assert.deepEqual(times(4, 0.5), [0, 1, 2, 3, 4]);
  assert.deepEqual(times(4, 0.5, 'reference'), [0, 0, 0, 0, 1]);
  assert.deepEqual(times(4, 1.6), [0, 3, 6, 9, 10]); // 0, 3.2, 6.4, 9.6
  assert.deepEqual(times(4, 1.6, 'reference'), [0, 2, 4, 6, 7]);
  assert.deepEqual(times(4, 2 / 3), [0, 1, 2, 4, 5]); // 4 = 3 · ⅔ · 2 in float32, as PyTorch multiplies
  assert.deepEqual(times(3, null, 'exact', 25), [0, 25, 50, 51]); // not known: a second
});

test('images count as before, each video has its own seconds', () => {
  const ids = [1013, 1013, 1012, 1013, 1013, 9];
  const grids = { images: [[1, 2, 2]], videos: [[2, 2, 2], [2, 2, 2]], second_per_grid_ts: [3, 1] } as const;
  assert.deepEqual([...ropeIndex(ids, grids, { ...tokens, tokens_per_second: 2 }).position_ids.subarray(0, ids.length)], [0, 6, 7, 8, 10, 11]);
});

const index = (ids: number[], grids: object) => () => ropeIndex(ids, grids, tokens);

test('placeholders and grids that do not fit are refused', () => {
  assert.throws(index([1, 1013, 2], {}), { code: 'USAGE', message: /position 1 of the prompt is a video placeholder for which there is no grid/ });
  assert.throws(index([1013, 1013, 2], { videos: [[1, 2, 6]] }), { code: 'USAGE', message: /grid 1×2×6 fills 3 tokens, the prompt has 2/ });
  assert.throws(index([1, 2], { images: [[1, 2, 2]] }), { code: 'USAGE', message: /1 image grids more/ });
});

test('text goes on in all three rows', () => {
  assert.deepEqual([...textPositions(10, 3, -4)], [6, 7, 8, 6, 7, 8, 6, 7, 8]);
});

test('tables: transformers splits cos into the sections twice over and takes each from its row', () => {
  const [head_dim, rope_theta, mrope_section] = [16, 1e6, [2, 3, 3]];
  const rows = [[0, 3, 7, 1000], [0, 4, 7, 999], [0, 5, 7, 30000]];
  const { cos, sin } = mropeTables(Int32Array.from(rows.flat()), { head_dim, rope_theta, mrope_section });
  for (let s = 0; s < 4; s++) {
    const full = rows.map((row) => Array.from({ length: head_dim }, (_, i) => row[s] * rope_theta ** (-(2 * (i % 8)) / head_dim))); // [3, head_dim]: cat(freqs, freqs)
    const mixed: number[] = [];
    for (const [i, length] of [...mrope_section, ...mrope_section].entries()) mixed.push(...full[i % 3].slice(mixed.length, mixed.length + length));
    for (let i = 0; i < head_dim; i++) {
      const tolerance = 1e-7 * (1 + Math.abs(mixed[i])); // angles are float32, as in the reference
      assert.ok(Math.abs(cos[s * head_dim + i] - Math.cos(mixed[i])) <= tolerance, `cos ${s} ${i}`);
      assert.ok(Math.abs(sin[s * head_dim + i] - Math.sin(mixed[i])) <= tolerance, `sin ${s} ${i}`);
    }
  }
});
