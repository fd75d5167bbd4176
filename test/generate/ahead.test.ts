/** What is decoded while the model is busy: when, how much of it, and what becomes of it. */
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { load, type VideoSource } from '../../src/generate/index.ts';
import { Ahead } from '../../src/generate/ahead.ts';
import { question } from '../../src/generate/messages.ts';
import { openPrompt, prefill } from '../../src/generate/prefill.ts';
import { Clock } from '../../src/generate/clock.ts';
import { decode } from '../../src/video/index.ts';
import { FrameSource } from '../../src/video/frames.ts';

const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
const clip = `${goldens}video/h264_bframes_30fps.mp4`; // 4 frames of 140×196: 2 · 10 · 14 patches of 1176 bytes
const other = `${goldens}video/rotated_90.mp4`;
const [model, forgetful] = await Promise.all([undefined, 0].map((reuse) => load(`${goldens}models/staveq2`, { threads: 1, reuse })));
after(() => Promise.all([model.dispose(), forgetful.dispose()]));

/** Frames that went through the decoder here (hence isolate: false). */
let frames = 0;
const { next } = FrameSource.prototype;
FrameSource.prototype.next = function counting() {
  const frame = next.call(this);
  if (frame) frames++;
  return frame;
};
beforeEach(() => void (frames = 0));

const read = { isolate: false };

/** @param reading the model that the questions are opened for */
function ahead(videos: VideoSource[], { bytes = 1e9, workers = 8, reading = model }: { bytes?: number; workers?: number; reading?: typeof model } = {}) {
  const stop = new AbortController();
  const queue = new Ahead(videos, (video) => openPrompt(reading.loaded, question(video, 'What?'), { read, signal: stop.signal }), { bytes, workers, reuse: reading.loaded.reuse, signal: stop.signal });
  return { queue, stop, answer: async () => {
    const { opened, done } = (await queue.next())!;
    try {
      const found = await opened;
      return (await prefill(reading.loaded, found.messages, {}, new Clock(), found)).logits;
    } finally {
      done();
    }
  } };
}

/** A clip of its own: the first frame of another with one byte changed. */
const first = await decode(clip, { ...read, pick: [0] })[Symbol.asyncIterator]().next();
const picture = (n: number): VideoSource => {
  const { width, height, data } = first.value as { width: number; height: number; data: Uint8Array };
  const changed = data.slice();
  changed[0] = n;
  return [{ width, height, data: changed }];
};
const PICTURE = 10 * 14 * 1176;

async function settled(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 2000, 'it does not happen');
    await setTimeout(5);
  }
}

test('clips are decoded before their turn, the same clip once, and answered as without', async () => {
  const alone: Float32Array[] = [];
  let bytes = 0;
  for (const video of [clip, other]) {
    const { plan, logits } = await prefill(forgetful.loaded, question(video, 'What?'), { read }, new Clock());
    alone.push(logits);
    bytes += plan.media[0].grid.reduce((product, n) => product * n, 1176);
  }
  const once = frames;
  const { queue, answer } = ahead([clip, other, clip]);
  await settled(() => queue.bytes === bytes && frames === 2 * once);
  for (const logits of [...alone, alone[0]]) assert.deepEqual(await answer(), logits);
  assert.deepEqual([frames, queue.bytes, await queue.next()], [2 * once, 0, undefined]);
});

test('where nothing is kept, it works all the same', async () => {
  const { queue, answer } = ahead([picture(1), picture(1)], { reading: forgetful });
  await settled(() => queue.bytes === 2 * PICTURE);
  assert.deepEqual(await answer(), await answer());
  assert.equal(queue.bytes, 0);
});

test('what waits stays in its bound; a clip that is larger waits alone', async () => {
  const many = Array.from({ length: 6 }, (_, i) => picture(10 + i));
  const { queue, answer } = ahead(many, { bytes: 2.5 * PICTURE });
  await settled(() => queue.bytes === 2 * PICTURE);
  await setTimeout(50);
  for (let left = 6; left > 0; left--) {
    assert.ok(queue.bytes <= 2 * PICTURE);
    await answer();
  }
  const narrow = ahead(many.map((_, i) => picture(20 + i)), { bytes: 1 });
  await settled(() => narrow.queue.bytes === PICTURE);
  for (let left = 6; left > 0; left--) {
    assert.ok(narrow.queue.bytes <= PICTURE);
    await narrow.answer();
  }
  const none = ahead([picture(30)], { bytes: 0 });
  await none.answer();
  assert.equal(none.queue.bytes, 0);
});

test('what was decoded for a question that does not use it is freed; a bad clip is its question’s business', async () => {
  const { queue, answer } = ahead([picture(40), 'nowhere.mp4', `${goldens}video/text.mp4`, picture(41)]);
  await settled(() => queue.bytes === 2 * PICTURE);
  (await queue.next())!.done();
  assert.equal(queue.bytes, PICTURE);
  await assert.rejects(answer(), { code: 'VIDEO_MISSING' });
  await assert.rejects(answer(), { code: 'VIDEO_UNREADABLE' });
  await answer();
  assert.equal(queue.bytes, 0);
});

test('what goes wrong with looking ahead is told when those before had their turn; nobody waits forever', async () => {
  const { signal } = new AbortController();
  const good = await openPrompt(model.loaded, question(picture(60), 'What?'), { read });
  const bad = { ...good, units: [{ ...good.units[0], key: 'none', members: [7] }] }; // the prompt has no such video
  const queue = new Ahead([good, bad, good], (opened) => Promise.resolve(opened), { bytes: 1e9, workers: 8, reuse: model.loaded.reuse, signal });
  (await queue.next())!.done();
  for (let again = 0; again < 2; again++) await assert.rejects(queue.next(), TypeError);
});

test('an abort ends the waiting', async () => {
  const { queue, stop } = ahead([picture(50), picture(51)], { bytes: 1 });
  await queue.next();
  const waiting = queue.next();
  stop.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
});
