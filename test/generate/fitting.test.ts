/** What is over its limits is refused with settings that fit: taken up they do, and a little more does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StaveError } from '../../src/errors.ts';
import { planVideo, type AskOptions } from '../../src/generate/index.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`; // 90 frames of 192×144
const plan = (options: AskOptions, model = 'staveq2') => planVideo(`${goldens}models/${model}`, clip, 'What?', options);
const count = (frames: number): AskOptions => ({ sampling: { rule: 'count', frames } });

async function refusal(options: AskOptions): Promise<StaveError> {
  const error = await plan(options).then(() => assert.fail('it fits'), (error: StaveError) => error);
  assert.equal(error.code, 'LIMIT');
  return error;
}

const told = ({ fix }: StaveError, option: string) => Number(new RegExp(`--${option} (\\d+)`).exec(fix ?? '')?.[1]);

test('too much memory: the frames or the frame size that would fit', async () => {
  const [{ memory: all }, { memory: some }] = [await plan(count(80)), await plan(count(30))];
  const limits = { memory: (all.total + some.total) / 2 };
  const error = await refusal({ ...count(80), limits });
  assert.match(error.what, new RegExp(`about ${Math.ceil(all.total / 1e6)} MB of memory, ${Math.ceil(limits.memory / 1e6)} MB can be had`));
  const frames = told(error, 'frames'), pixels = told(error, 'max-pixels');
  assert.ok(frames > 30 && frames < 80, `${frames} frames`);
  assert.equal((await plan({ ...count(frames), limits })).frames.length, frames);
  await refusal({ ...count(frames + 1), limits });
  assert.ok((await plan({ ...count(80), max_pixels: pixels, limits })).memory.total <= limits.memory);
  await refusal({ ...count(80), max_pixels: pixels + 784, limits });
});

test('too many tokens: also the answer that would fit', async () => {
  const { prompt_tokens } = await plan(count(16));
  const limits = { tokens: prompt_tokens + 100 };
  const error = await refusal({ ...count(16), limits });
  assert.equal(told(error, 'max-tokens'), 100);
  await plan({ ...count(16), max_new_tokens: 100, limits });
  await plan({ ...count(told(error, 'frames')), limits });
  await refusal({ ...count(told(error, 'frames') + 1), limits });
});

test('too much memory for the weights alone: smaller ones that fit, 8 bits where they do', async () => {
  const total = async (weights?: string) => (await planVideo(`${goldens}models/staveq2`, clip, 'What?', { ...count(4), weights })).memory.total;
  const [plain, int8, int4] = [await total(), await total('int8'), await total('int4')];
  assert.ok(int4 < int8 && int8 < plain, `${[int4, int8, plain]}`);
  for (const [memory, weights] of [[int8, 'int8'], [int8 - 1, 'int4'], [int4, 'int4']] as const) {
    const limits = { memory };
    assert.match((await refusal({ ...count(4), limits })).fix!, new RegExp(`smaller weights \\(--weights ${weights}\\)`));
    assert.ok((await planVideo(`${goldens}models/staveq2`, clip, 'What?', { ...count(4), weights, limits })).memory.total <= memory);
  }
  for (const limits of [{ memory: int4 - 1 }, { tokens: 10 }]) assert.doesNotMatch((await refusal({ ...count(4), limits })).fix!, /--weights/);
  const planned = planVideo(`${goldens}models/staveq2`, clip, 'What?', { ...count(4), weights: 'int8', limits: { memory: int8 - 1 } });
  await assert.rejects(planned, ({ fix }: StaveError) => /smaller weights \(--weights int4\)/.test(fix!));
});

test('where no setting would do, that is told', async () => {
  assert.match((await refusal({ ...count(4), limits: { memory: 1e6 } })).fix!, /^no number or size of frames would do: use a shorter prompt, a smaller model/);
});

const vision = async (frames: number) => (await plan({ ...count(frames), min_pixels: 896 * 672, max_pixels: 896 * 672 })).memory.vision;

test('once a clip goes in slices, what is held grows with the frames, and the run by nothing', async () => {
  const [few, more, most] = [await vision(50), await vision(60), await vision(70)];
  assert.ok(few < more && more < most && most / 70 < 0.9 * (few / 50), `${[few, more, most]}`);
  assert.ok((await vision(20)) > few, 'a clip that is small enough goes whole, and takes more for it');
});

const asked = async (sampling: AskOptions['sampling']) => (await plan({ sampling })).media[0].frames_asked;

test('a clip with fewer frames than asked for says so', async () => {
  assert.equal(await asked({ rule: 'count', frames: 1000 }), 1000);
  assert.equal(await asked({ rule: 'count', frames: 90 }), null);
  assert.equal(await asked({ rule: 'count', frames: 100, repeat: true }), null);
  assert.equal(await asked({ rule: 'all' }), null);
});
