/** Every section of the processor set against transformers 4.46.1, qwen-vl-utils, Pillow and torchvision (test/goldens/processor), and what it doesn't show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { frameSize, gridOf, pixelBytes, pixelValues, visualTokens } from '../../src/models/qwen2vl/processor.ts';
import { parsePreprocessorConfig } from '../../src/models/qwen2vl/preprocessor-config.ts';
import type { Picture } from '../../src/video/index.ts';
import { checkProcessorSet } from '../../scripts/conformance/processor.ts';

const goldens = fileURLToPath(new URL('../goldens', import.meta.url));
const config = parsePreprocessorConfig(undefined);

for (const { name, ok, note } of await checkProcessorSet(`${goldens}/processor`)) test(name, () => assert.ok(ok, note));

test('an odd number of frames is filled up with the last one', () => {
  const frames = Array.from({ length: 3 }, (_, i) => noise(28, 56, i));
  const { pixel_values, grid } = pixelValues(frames, { ...config, do_resize: false });
  assert.deepEqual(pixel_values, pixelValues([...frames, frames[2]], { ...config, do_resize: false }).pixel_values);
  assert.deepEqual(grid, [2, 2, 4]);
});

test('every byte is where its index says, for other patch sizes too', () => {
  const [t, P, pair, m] = [2, 3, 2, 2]; // frame groups, patch size, frames a group, merge size
  const [h, w] = [4, 6];
  const frames = Array.from({ length: t * pair }, (_, i) => noise(h * P, w * P, i));
  const { pixel_values, grid } = pixelBytes(frames, { ...config, do_resize: false, patch_size: P, temporal_patch_size: pair, merge_size: m });
  assert.deepEqual(grid, [t, h, w]);
  let at = 0; // the axes of transformers' transpose, outermost first
  for (let group = 0; group < t; group++)
    for (let blockRow = 0; blockRow < h / m; blockRow++) for (let blockColumn = 0; blockColumn < w / m; blockColumn++)
      for (let row = 0; row < m; row++) for (let column = 0; column < m; column++)
        for (let c = 0; c < 3; c++) for (let f = 0; f < pair; f++)
          for (let y = 0; y < P; y++) for (let x = 0; x < P; x++, at++) {
            const [Y, X] = [(blockRow * m + row) * P + y, (blockColumn * m + column) * P + x];
            if (pixel_values[at] !== frames[group * pair + f].data[(Y * w * P + X) * 3 + c]) assert.fail(`value ${at}`);
          }
  assert.equal(at, pixel_values.length);
});

test('sizes, grids and token counts', () => {
  const size = frameSize(240, 320, { ...config, max_pixels: 50176 });
  assert.deepEqual(size, { height: 168, width: 252 }); // β = √(240·320/50176): 194 → 168, 259 → 252
  const grid = gridOf(9, size, config);
  assert.deepEqual(grid, [5, 12, 18]);
  assert.equal(visualTokens(grid, 2), 270);
});

test('frames that can not be used are refused', () => {
  assert.throws(() => pixelValues([], config), { code: 'USAGE', message: /no frames/ });
  assert.throws(() => pixelValues([{ data: new Uint8Array(10), width: 28, height: 28 }], config), { code: 'USAGE', message: /frame 0 holds 10 bytes/ });
  assert.throws(() => pixelValues([noise(30, 28, 0)], { ...config, do_resize: false }), { code: 'USAGE', message: /multiples of 28/ });
});

function noise(height: number, width: number, seed: number): Picture {
  return { data: Uint8Array.from({ length: height * width * 3 }, (_, i) => Math.imul(i + 1, 2654435761 + 97 * seed) >>> 24), width, height };
}
