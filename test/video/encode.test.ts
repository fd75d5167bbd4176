/** Encoding, against the decoder: size, rate, times, colours, order; nothing half written. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isAbort } from '../../src/errors.ts';
import { decode, encodeJpeg, encodeVideo, frameTimes } from '../../src/video/index.ts';
import type { EncodeOptions, Picture } from '../../src/video/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'stave-encode-'));
after(() => rmSync(scratch, { recursive: true }));

/** Flat frames, each of its own colour: red tells the number. */
function* flat(count: number, width = 64, height = 48): Generator<Picture> {
  for (let i = 0; i < count; i++) {
    const data = new Uint8Array(width * height * 3);
    for (let at = 0; at < data.length; at += 3) data.set([20 + i * 4, 200 - i * 3, 90], at);
    yield { data, width, height };
  }
}

for (const [name, options, rate] of [
  ['h264.mp4', { fps: 25 }, 25], ['small.mp4', { fps: 29.97, speed: 'small' }, 30000 / 1001], ['h264.mov', { fps: 12.5 }, 12.5],
  ['h264.mkv', { fps: 30 }, 30], ['vp9.webm', { fps: 24 }, 24], ['vp9.mp4', { fps: 8, codec: 'vp9', speed: 'small' }, 8],
] as [string, EncodeOptions, number][]) {
  test(`${name}: frames come back in order, on time, in their colours`, async () => {
    const path = join(scratch, name);
    await encodeVideo(path, flat(40), { quality: 10, ...options });
    const clip = await frameTimes(path, { isolate: false });
    assert.equal(clip.frames, 40);
    assert.ok(Math.abs(clip.fps - rate) < 1e-6, `${clip.fps}`);
    for await (const { index, time, width, height, data } of decode(path, { isolate: false })) {
      assert.deepEqual([width, height], [64, 48]);
      assert.equal(time, clip.times[index]);
      assert.ok(Math.abs(time - index / rate) < 1e-3, `frame ${index} at ${time}`);
      const middle = data.subarray((24 * 64 + 32) * 3).subarray(0, 3);
      for (const [c, wanted] of [20 + index * 4, 200 - index * 3, 90].entries()) assert.ok(Math.abs(middle[c] - wanted) <= 4, `frame ${index}: ${middle}`);
    }
  });
}

test('the same frames give the same bytes', async () => {
  const [a, b] = [join(scratch, 'a.mp4'), join(scratch, 'b.mp4')];
  for (const path of [a, b]) await encodeVideo(path, flat(20), { fps: 20 });
  assert.equal(Buffer.compare(readFileSync(a), readFileSync(b)), 0);
});

test('a picture as JPEG: decoded again by FFmpeg, size and colours are there, at odd sizes too', async () => {
  for (const [width, height] of [[64, 48], [31, 17]]) {
    const data = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) data.set(i % width < width / 2 ? [220, 30, 40] : [20, 40, 200], i * 3);
    const bytes = await encodeJpeg({ data, width, height }, 2);
    const path = join(scratch, `${width}.avi`);
    writeFileSync(path, avi(bytes, width, height));
    const frames: Picture[] = [];
    for await (const frame of decode(path, { isolate: false })) frames.push({ ...frame, data: frame.data.slice() });
    assert.deepEqual(frames.map((frame) => [frame.width, frame.height]), [[width, height]]);
    for (const [x, wanted] of [[4, [220, 30, 40]], [width - 5, [20, 40, 200]]] as const) {
      const at = (8 * width + x) * 3;
      for (const c of [0, 1, 2]) assert.ok(Math.abs(frames[0].data[at + c] - wanted[c]) <= 12, `${width}×${height} at ${x}: ${frames[0].data.subarray(at, at + 3)}`);
    }
  }
  await assert.rejects(encodeJpeg({ data: new Uint8Array(5), width: 2, height: 2 }), { code: 'VIDEO_ENCODE', message: /5 bytes are not 2×2/ });
});

const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);

/** A file of one frame of Motion JPEG: RIFF with its header, the frame and an index. */
function avi(jpeg: Uint8Array, width: number, height: number): Buffer {
  const chunk = (name: string, ...parts: Uint8Array[]) => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from(name), u32(body.length), body, Buffer.alloc(body.length % 2)]);
  };
  const listed = (name: string, ...parts: Uint8Array[]) => chunk('LIST', Buffer.from(name), ...parts);
  const header = chunk('avih', u32(1e6, jpeg.length, 0, 0x10, 1, 0, 1, jpeg.length, width, height, 0, 0, 0, 0));
  const stream = chunk('strh', Buffer.from('vidsMJPG'), u32(0, 0, 0, 1, 1, 0, 1, jpeg.length, 0xffffffff, 0, 0, 0));
  const format = chunk('strf', u32(40, width, height, 1 | (24 << 16)), Buffer.from('MJPG'), u32(width * height * 3, 0, 0, 0, 0));
  return chunk('RIFF', Buffer.from('AVI '), listed('hdrl', header, listed('strl', stream, format)), listed('movi', chunk('00dc', jpeg)), chunk('idx1', Buffer.from('00dc'), u32(0x10, 4, jpeg.length)));
}

test('what cannot be written is refused, and leaves nothing', async () => {
  const before = readdirSync(scratch);
  const refused: [string, Iterable<Picture>, Partial<EncodeOptions>, RegExp][] = [
    ['odd.mp4', flat(2, 63, 48), {}, /63×48 has an odd side/],
    ['none.mp4', [], {}, /no frames/],
    ['sizes.mp4', [...flat(1), ...flat(1, 32, 32)], {}, /from 64×48 to 32×32/],
    ['short.mp4', [{ data: new Uint8Array(5), width: 64, height: 48 }], {}, /5 bytes/],
    ['x.avi', flat(1), {}, /\.avi/],
    ['x.webm', flat(1), { codec: 'h264' }, /webm holds no h264/],
    ['x.mp4', flat(1), { quality: 60 }, /0–51/],
    ['x.mp4', flat(1), { fps: 0 }, /0 frames per second/],
    ['no/such/folder.mp4', flat(1), {}, /No such file/],
  ];
  for (const [name, frames, options, message] of refused) await assert.rejects(encodeVideo(join(scratch, name), frames, { fps: 25, ...options }), { code: 'VIDEO_ENCODE', message });
  assert.deepEqual(readdirSync(scratch), before);
});

test('an abort leaves nothing, and the caller’s own errors pass through', async () => {
  const before = readdirSync(scratch);
  const controller = new AbortController();
  const stopping = (function* () {
    for (const frame of flat(40)) {
      if (frame.data[0] === 100) controller.abort();
      yield frame;
    }
  })();
  await assert.rejects(encodeVideo(join(scratch, 'aborted.mp4'), stopping, { fps: 25, signal: controller.signal }), isAbort);
  const failing = (function* () { yield* flat(3); throw new TypeError('mine'); })();
  await assert.rejects(encodeVideo(join(scratch, 'failed.mp4'), failing, { fps: 25 }), { name: 'TypeError', message: 'mine' });
  assert.deepEqual(readdirSync(scratch), before);
});
