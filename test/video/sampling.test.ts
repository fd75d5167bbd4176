/** Frame choice against qwen-vl-utils, the authors' training loaders and the benchmark harness (test/goldens/processor, sampling). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { evenFrames } from '../../src/clips/index.ts';
import { qwenFrameCount, sampleAll, sampleCount, sampleLmms, sampleQwen, sampleStave, sampleTimes } from '../../src/video/index.ts';

const golden = (file: string) => JSON.parse(readFileSync(new URL(`../goldens/${file}`, import.meta.url), 'utf8'));
const processor = golden('processor/processor.json');
const loaders = golden('sampling/sampling.json');
const clip = (frames: number, fps: number, duration = frames / fps) => ({ frames, fps, duration });

test('qwen: counts and indices of qwen-vl-utils 0.0.14', () => {
  for (const { total_frames, video_fps, options: o, nframes, indices } of processor.qwen_vl_utils_sampling) {
    const options = o.nframes ? { nframes: o.nframes } : { fps: o.fps, minFrames: o.min_frames, maxFrames: o.max_frames };
    assert.equal(qwenFrameCount(clip(total_frames, video_fps), options), nframes);
    if (indices) assert.deepEqual(sampleQwen(clip(total_frames, video_fps), options).indices, indices);
  }
});

test('stave: the training loader', () => {
  for (const { source_fps, duration, fps, minf, maxf, indices } of processor.stave_sampling) {
    const from = clip(Math.round(source_fps * duration), source_fps, duration);
    assert.deepEqual(sampleStave(from, { fps, minFrames: minf, maxFrames: maxf }).indices, indices);
  }
  for (const { total, fps, duration, expected } of loaders.t10_frames)
    assert.deepEqual(sampleStave(clip(total, fps, duration), { fps: 2, minFrames: 2, maxFrames: 8 }).indices, expected.frames);
});

test('stave: the window of a long clip starts where it is drawn', () => {
  for (const { total, fps, duration, random_start, expected } of loaders.webvid_frames) {
    let offered: number[] | null = null;
    const window = (choices: number) => { offered = [0, choices]; return random_start ?? 0; };
    assert.deepEqual(sampleStave(clip(total, fps, duration), { window }).indices, expected.frames);
    assert.deepEqual(offered, expected.random_start_range);
  }
});

test('lmms: the harness', () => {
  for (const { total, fps, expected } of loaders.harness_frames) {
    if (expected.error) assert.throws(() => sampleLmms(clip(total, fps)), { code: 'VIDEO_TOO_SHORT' });
    else assert.deepEqual(sampleLmms(clip(total, fps)).indices, expected.source_frames);
  }
});

test('count and all', () => {
  assert.deepEqual(sampleCount(clip(90, 30), 4).indices, [0, 30, 59, 89]);
  assert.deepEqual(sampleCount(clip(3, 30), 8), { indices: [0, 1, 2], times: [0, 1 / 30, 2 / 30] });
  assert.deepEqual(sampleCount(clip(5, 10), 1).indices, [0]);
  assert.equal(sampleAll(clip(17, 5)).indices.length, 17);
  assert.throws(() => sampleCount(clip(3, 30), 0), { code: 'USAGE' });
});

test('count with repeats: the frames that the box model is trained on, whatever the length', () => {
  for (const count of [1, 2, 4, 16, 32])
    for (let frames = 1; frames <= 200; frames++) assert.deepEqual(sampleCount(clip(frames, 30), count, { repeat: true }).indices, evenFrames(frames, count), `${count} of ${frames}`);
  assert.deepEqual(sampleCount(clip(3, 10), 5, { repeat: true }), { indices: [0, 0, 1, 2, 2], times: [0, 0, 0.1, 0.2, 0.2] });
  assert.deepEqual(sampleCount(clip(0, 10), 5, { repeat: true }).indices, []);
});

test('times: the nearest frame, by the frames’ own times', () => {
  const uneven = { frames: 4, fps: 2, duration: 2, times: [1, 1.1, 2, 2.5] };
  assert.deepEqual(sampleTimes(uneven, [0, 1.04, 1.06, 1.9, 2.6]), { indices: [0, 1, 2, 3], times: [1, 1.1, 2, 2.5] });
  assert.deepEqual(sampleTimes(clip(90, 30), [0.033, 1]).indices, [1, 30]);
  assert.throws(() => sampleTimes(uneven, [3.5]), { code: 'USAGE' });
  assert.throws(() => sampleTimes(uneven, [NaN]), { code: 'USAGE' });
});
