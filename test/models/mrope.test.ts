import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mropeTables, ropeIndex, textPositions } from '../../src/models/qwen2vl/mrope.ts';
import { openWeights } from '../../src/weights/index.ts';
import { json } from '../text/goldens.ts';

const tokens = { image_token_id: 1012, video_token_id: 1013, spatial_merge_size: 2 };
const inputs = await openWeights(fileURLToPath(new URL('../goldens/models/inputs.safetensors', import.meta.url)));

for (const { name: model } of readdirSync(new URL('../goldens/models', import.meta.url), { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.includes('2_5')))
  test(`${model}: positions of every prompt`, async () => {
    for (const { name, input_ids, image_grid_thw, video_grid_thw, rope_delta } of (await json(`models/${model}`, 'cases.json')).cases) {
      const actual = ropeIndex(input_ids, { images: image_grid_thw, videos: video_grid_thw }, tokens);
      assert.equal(actual.rope_delta, rope_delta, name);
      const expected = (await inputs.read(`${name}.position_ids`)) as BigInt64Array; // [3, S]
      assert.deepEqual([...actual.position_ids], Array.from(expected, Number), name);
    }
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
