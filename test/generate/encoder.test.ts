/** The vision encoder in slices against the same model in one piece. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeWhole } from '../../scripts/conformance/whole-vision.ts';
import { encodeVisual } from '../../src/generate/encoder.ts';
import type { VisualItem } from '../../src/generate/visual-item.ts';
import { normalisation, openQwen2VL, visionGraph, visionParts, type Grid, type Qwen2VL } from '../../src/models/qwen2vl/index.ts';
import { Runtime, type Program } from '../../src/runtime/index.ts';
import { assertClose, random } from '../close.ts';

const goldens = fileURLToPath(new URL('../goldens/models/', import.meta.url));
const runtime = await Runtime.create({ threads: 1 });
after(() => runtime.dispose());

type Subject = { model: Qwen2VL; parts: Program; whole: Program };

async function open(name: string, rows?: 'patch-major' | 'frame-major'): Promise<Subject> {
  const model = await openQwen2VL(goldens + name);
  await model.weights.close();
  if (rows !== undefined) model.config.vision_config.temporal_attention!.rows = rows;
  return { model, parts: await runtime.compile(visionParts(model)), whole: await runtime.compile(visionGraph(model)) };
}

const PIXELS = 3 * 2 * 14 * 14;
const item = (kind: VisualItem['kind'], ...grid: Grid): VisualItem => ({ kind, grid, pixel_values: random(grid[0] * grid[1] * grid[2] * PIXELS) });
const items = [item('video', 3, 2, 4), item('image', 1, 4, 6), item('video', 3, 2, 4), item('video', 2, 2, 4)];

for (const [name, rows] of [['staveq2', 'patch-major'], ['staveq2', 'frame-major'], ['staveq2-temporal-first'], ['staveq2_5'], ['qwen2vl'], ['qwen2_5vl']] as const)
  test(`${name}${rows ? `, ${rows}` : ''}: visual tokens are the same in slices of any size`, async () => {
    const { model: { config }, parts, whole } = await open(name, rows);
    for (const scope of ['item', 'all'] as const) {
      const expected = await encodeWhole(whole, config, items, { scope });
      for (const bytes of [1, 100e3, 1e9]) assertClose(await encodeVisual(parts, config, items, { scope, bytes }), expected, 2e-6);
    }
  });

test('pixels that are still bytes are what the processor makes of them', async () => {
  const { model: { config, video_preprocessor }, parts } = await open('staveq2');
  const table = normalisation(video_preprocessor);
  const bytes = Uint8Array.from(random(2 * 4 * 4 * PIXELS), (x) => (Math.abs(x) * 255) & 255);
  const floats = Float32Array.from(bytes, (byte, i) => table[(Math.floor(i / (2 * 14 * 14)) % 3) * 256 + byte]);
  const encode = (pixels: Pick<VisualItem, 'pixel_values' | 'normalisation'>) => encodeVisual(parts, config, [{ kind: 'video', grid: [2, 4, 4], ...pixels }]);
  assert.deepEqual(await encode({ pixel_values: bytes, normalisation: table }), await encode({ pixel_values: floats }));
});

test('pixels are kept, or given away when asked', async () => {
  const { model: { config }, parts } = await open('staveq2');
  const { pixel_values, ...rest } = item('video', 3, 4, 4);
  const one = { ...rest, pixel_values: pixel_values.slice() };
  const kept = await encodeVisual(parts, config, [one], { bytes: 1 });
  assert.deepEqual(one.pixel_values, pixel_values);
  assert.deepEqual(await encodeVisual(parts, config, [one], { bytes: 1, transfer: true }), kept);
  if ('transfer' in ArrayBuffer.prototype) assert.equal(one.pixel_values.length, 0);
});

test('an abort between two slices ends the work: no more slices reach the engine', async () => {
  const { model: { config }, parts } = await open('staveq2');
  const stop = new AbortController();
  let runs = 0;
  const run: Program['run'] = (feeds, options) => {
    if (!stop.signal.aborted && ++runs === 4) stop.abort(new Error('enough')); // one that is asked for later rejects before it reaches the engine
    return parts.run(feeds, options);
  };
  const watched = { inputs: parts.inputs, outputs: parts.outputs, run } as Program;
  await assert.rejects(encodeVisual(watched, config, [item('video', 6, 4, 4)], { bytes: 1, signal: stop.signal }), /enough/);
  assert.equal(runs, 4);
});
