/** Decoding real files: what they show, when, which way up; choosing, jumping, resizing; streaming; damage. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkVideoSet, shownNumber } from '../../scripts/conformance/video.ts';
import { StaveError } from '../../src/errors.ts';
import { decode, frameTimes, probe, resizeBicubic, sampleStave } from '../../src/video/index.ts';
import { run } from '../../src/video/jobs.ts';
import { defaultLimits } from '../../src/video/limits.ts';
import type { DecodeOptions, Frame } from '../../src/video/index.ts';

const goldens = fileURLToPath(new URL('../goldens/video/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'stave-decode-'));
after(() => rmSync(scratch, { recursive: true }));

async function all(name: string, options: DecodeOptions = {}): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of decode(join(goldens, name), { isolate: false, ...options })) frames.push(frame);
  return frames;
}

const label = ({ index, time, width, height }: Frame) => ({ index, time, width, height });

/** Frames equal in everything; pixels are compared apart, so that a failure does not print them. */
function assertSame(actual: Frame[], expected: Frame[]): void {
  assert.deepEqual(actual.map(label), expected.map(label));
  for (const [i, { index, data }] of actual.entries()) {
    assert.equal(data.constructor, Uint8Array);
    assert.equal(Buffer.compare(data, expected[i].data), 0, `pixels of frame ${index}`);
  }
}

test('every file of the set: count, times, numbers, upright, colour; broken ones give one error', async () => {
  const rows = await checkVideoSet(goldens);
  assert.deepEqual(rows.filter(({ ok }) => !ok), []);
  assert.equal(rows.length, 21);
});

test('in this process and in a child: the same frames', async () => {
  for (const name of ['rotated_90.mp4', 'gif.gif', 'vp9.webm']) assertSame(await all(name, { isolate: true }), await all(name));
});

test('probe tells what the header says', async () => {
  const { path: _, ...info } = await probe(join(goldens, 'rotated_90.mp4'));
  assert.deepEqual(info, {
    format: 'mov,mp4,m4a,3gp,3g2,mj2', codec: 'h264', width: 170, height: 96, codedWidth: 96, codedHeight: 170, rotation: 90,
    duration: 3, fps: 15, frames: 45, startTime: 0, pixelFormat: 'yuv420p',
  });
  assert.equal((await probe(join(goldens, 'start_offset.mp4'))).startTime, 1.5);
  assert.equal((await probe(join(goldens, 'h264_29.97fps.mp4'))).fps, 30000 / 1001);
});

for (const name of ['h264_bframes_30fps.mp4', 'hevc.mp4', 'h264_vfr.mp4', 'fragmented.mp4', 'mpeg4.avi', 'gif.gif', 'av1.mkv']) {
  test(`${name}: picked frames are those of a full decode`, async () => {
    const full = await all(name);
    const pick = [0, 1, Math.floor(full.length / 2), full.length - 2, full.length - 1];
    assertSame(await all(name, { pick }), pick.map((i) => full[i]));
    assertSame(await all(name, { pick: [full.length - 1] }), full.slice(-1));
  });
}

test('long_3min_10fps.mp4: jumping to keyframes gives the same frames, for a fraction of the work', async () => {
  const path = join(goldens, 'long_3min_10fps.mp4'); // a keyframe every 18 frames
  const full: Frame[] = await all('long_3min_10fps.mp4');
  const info = await probe(path);
  for (const pick of [[1799], [17, 18, 19], [3, 411, 902, 1333, 1798], [900, 907, 925]]) {
    const picked = await all('long_3min_10fps.mp4', { pick });
    assertSame(picked, pick.map((i) => full[i]));
    assert.deepEqual(picked.map((frame) => shownNumber(frame, info)), pick);
    const steps = [...run({ kind: 'decode', path, pick, rule: 'pil', limits: defaultLimits, partial: false, cores: 1 })].length;
    assert.ok(steps < pick.length * 40 + 10, `${steps} steps for ${pick}`);
  }
});

test('a size is reached by our own bicubic, after turning upright', async () => {
  const [frame] = await all('rotated_90.mp4', { pick: [7] });
  for (const rule of ['pil', 'torchvision'] as const) {
    const [resized] = await all('rotated_90.mp4', { pick: [7], size: { width: 84, height: 56 }, rule });
    assert.deepEqual([resized.width, resized.height], [84, 56]);
    assert.equal(Buffer.compare(resized.data, resizeBicubic(frame.data, 96, 170, 56, 84, rule)), 0);
  }
});

test('the sampling rules choose frames by the packets’ times', async () => {
  const clip = await frameTimes(join(goldens, 'start_offset.mp4'));
  assert.deepEqual(sampleStave(clip, { fps: 2, minFrames: 2 }), { indices: [0, 15, 30, 45], times: [1.5, 2, 2.5, 3] });
});

test('a clip 60 times as long takes no more memory', async () => {
  let base = 0, peak = 0, bytes = 0;
  for await (const { index, data } of decode(join(goldens, 'long_3min_10fps.mp4'), { isolate: false, size: { width: 240, height: 180 } })) {
    const { rss } = process.memoryUsage();
    if (index === 300) base = rss; // by then garbage is collected as fast as it is made
    peak = Math.max(peak, rss);
    bytes += data.length;
  }
  assert.equal(bytes, 1800 * 240 * 180 * 3);
  assert.ok(peak - base < 60e6, `grew by ${(peak - base) / 1e6} MB, all frames are ${bytes / 1e6} MB`);
});

test('a file cut short is refused, and gives what it has when that is allowed', async () => {
  const path = join(scratch, 'cut.webm');
  const whole = readFileSync(join(goldens, 'vp9.webm'));
  writeFileSync(path, whole.subarray(0, Math.floor(whole.length * 0.6)));
  const read = async (options: DecodeOptions) => {
    const decoding = decode(path, options);
    let count = 0;
    for await (const frame of decoding) assert.equal(frame.index, count++);
    return { count, damage: decoding.damage };
  };
  await assert.rejects(read({}), { code: 'VIDEO_UNREADABLE', message: /cut short: it ends after \d+ bytes/ });
  const { count, damage } = await read({ partial: true });
  assert.ok(count > 20 && count < 60, `${count} frames`);
  assert.match(damage[0], /cut short/);
});

test('damage in the middle is told, whether or not it is allowed', async () => {
  const path = join(scratch, 'damaged.mp4');
  const bytes = readFileSync(join(goldens, 'h264_bframes_30fps.mp4'));
  const mdat = bytes.indexOf('mdat');
  bytes.fill(0xff, mdat + 3000, mdat + 3400);
  writeFileSync(path, bytes);
  await assert.rejects(async () => { for await (const _ of decode(path)); }, { code: 'VIDEO_UNREADABLE', message: /damaged/ });
  const decoding = decode(path, { partial: true });
  for await (const _ of decoding);
  assert.ok(decoding.damage.length > 0);
});

test('misuse is refused before anything is read', async () => {
  const path = join(goldens, 'hevc.mp4');
  assert.throws(() => decode(path, { pick: [3, 2] }), { code: 'USAGE' });
  assert.throws(() => decode(path, { pick: [1.5] }), { code: 'USAGE' });
  assert.throws(() => decode(path, { size: { width: 0, height: 10 } }), { code: 'USAGE' });
  await assert.rejects(all('hevc.mp4', { pick: [59, 60] }), { code: 'USAGE', message: /no frame 60\nit has 60 frames/ });
});

test('a file that may not be read is told as such', { skip: process.platform === 'win32' || process.getuid!() === 0 ? 'whoever runs this may read everything' : false }, async () => {
  const file = join(scratch, 'locked.mp4');
  writeFileSync(file, 'a video');
  chmodSync(file, 0);
  await assert.rejects(probe(file), (error) => error instanceof StaveError && error.code === 'VIDEO_UNREADABLE' && /locked\.mp4 cannot be read\nEACCES/.test(error.message));
});
