/** The decoding process: hostile files, aborts, limits and crashes end in one error and leave this process as it was. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAbort } from '../../src/errors.ts';
import { decode, frameTimes, probe } from '../../src/video/index.ts';

const goldens = fileURLToPath(new URL('../goldens/video/', import.meta.url));
const long = join(goldens, 'long_3min_10fps.mp4');
const scratch = mkdtempSync(join(tmpdir(), 'stave-isolation-'));
after(() => rmSync(scratch, { recursive: true }));

const linux = process.platform === 'linux'; // /proc tells of children there

function isDecoder(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3] === `${process.pid}` && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('child.ts');
  } catch {
    return false; // it has ended meanwhile
  }
}

/** Decoding processes of this one that are alive. */
const children = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isDecoder(name)).map(Number);

test('missing, directory, empty, text, sound alone, playlist: what, why and what to do', async () => {
  mkdirSync(join(scratch, 'folder.mp4'));
  writeFileSync(join(scratch, 'list.mp4'), '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n');
  writeFileSync(join(scratch, 'concat.mp4'), `ffconcat version 1.0\nfile ${long}\n`);
  const cases: [string, string, RegExp][] = [
    [join(scratch, 'none.mp4'), 'VIDEO_MISSING', /no such file/],
    [join(scratch, 'folder.mp4'), 'VIDEO_MISSING', /directory/],
    [join(goldens, 'empty.mp4'), 'VIDEO_UNREADABLE', /empty/],
    [join(goldens, 'text.mp4'), 'VIDEO_UNREADABLE', /text/],
    [join(goldens, 'truncated.mp4'), 'VIDEO_UNREADABLE', /cut short/],
    [join(goldens, 'audio_only.m4a'), 'VIDEO_NO_FRAMES', /sound/],
    [join(scratch, 'list.mp4'), 'VIDEO_UNREADABLE', /hls|text/],
    [join(scratch, 'concat.mp4'), 'VIDEO_UNREADABLE', /concat|text/],
    ['http://127.0.0.1:9/video.mp4', 'VIDEO_MISSING', /it is an address, no such file/],
  ];
  for (const [path, code, message] of cases) {
    await assert.rejects(probe(path), { code, message });
    await assert.rejects(frameTimes(path), { code, message });
    await assert.rejects(async () => { for await (const _ of decode(path)); }, { code, message });
  }
  assert.equal((await frameTimes(long)).frames, 1800, 'and the next file decodes');
});

test('limits are held against the header, before decoding', async () => {
  await assert.rejects(probe(long, { limits: { pixels: 96 * 72 - 1 } }), { code: 'LIMIT', message: /6,912 pixels/ });
  await assert.rejects(probe(long, { limits: { duration: 179 } }), { code: 'LIMIT' });
  await assert.rejects(probe(long, { limits: { frames: 1799 } }), { code: 'LIMIT' });
  assert.equal((await probe(long, { limits: { pixels: Infinity, duration: 180, frames: 1800, memory: Infinity, timeout: Infinity } })).frames, 1800);
  assert.equal((await probe(long, { limits: { frames: undefined } as object })).frames, 1800, 'as if it were not there');
});

test('a decoder that takes too long or too much is ended', async () => {
  await assert.rejects(frameTimes(long, { limits: { timeout: 0.001 } }), { code: 'LIMIT', message: /too long/ });
  await assert.rejects(async () => { for await (const _ of decode(long, { limits: { memory: 1e6 } })); }, { code: 'LIMIT', message: /memory/ });
  assert.equal((await frameTimes(long)).frames, 1800);
});

test('an abort ends the decoding process, before and in the middle', { skip: !linux }, async () => {
  await assert.rejects(probe(long, { signal: AbortSignal.abort() }), isAbort);
  const controller = new AbortController();
  let count = 0;
  await assert.rejects(async () => {
    for await (const _ of decode(long, { signal: controller.signal })) if (++count === 5) controller.abort();
  }, isAbort);
  assert.equal(count, 5);
  await sleep(100);
  assert.deepEqual(children(), []);
});

test('leaving the loop early ends it too', { skip: !linux }, async () => {
  for await (const frame of decode(long)) if (frame.index === 3) break;
  await sleep(100);
  assert.deepEqual(children(), []);
});

test('the decoding process needs no more memory for a clip 60 times as long', { skip: !linux }, async () => {
  const peaks: number[] = [];
  for await (const { index } of decode(long)) {
    if (index === 90 || index === 1799) peaks.push(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${children()[0]}/status`, 'utf8'))![1]));
  }
  assert.ok(peaks[1] - peaks[0] < 8000, `${peaks} kB`);
});

test('frames are decoded as they are taken, not ahead', { skip: !linux }, async () => {
  let count = 0;
  for await (const _ of decode(join(goldens, 'h264_bframes_30fps.mp4'))) {
    if (++count !== 3) continue;
    await sleep(300);
    const [pid] = children();
    const ticks = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[13];
    const before = ticks();
    await sleep(200);
    assert.equal(ticks(), before, 'the child rests while nobody reads');
    break;
  }
});

test('a decoding process that dies gives one error, and the next job a new one', { skip: !linux }, async () => {
  const run = async () => {
    for await (const frame of decode(long)) if (frame.index === 2) process.kill(children()[0], 'SIGSEGV');
  };
  await assert.rejects(run(), { code: 'VIDEO_UNREADABLE', message: /died.*SIGSEGV/ });
  assert.equal((await probe(long)).frames, 1800);
});

test('Ctrl-C reaches this process alone', { skip: !linux }, async () => {
  let last = -1;
  for await (const { index } of decode(join(goldens, 'hevc.mp4'))) {
    if (index === 1) process.kill(children()[0], 'SIGINT');
    last = index;
  }
  assert.equal(last, 59);
});

test('two files at a time', async () => {
  const [a, b] = await Promise.all([frameTimes(long), frameTimes(join(goldens, 'hevc.mp4'))]);
  assert.deepEqual([a.frames, b.frames], [1800, 60]);
});

test('an idle decoding process keeps nobody alive, and nothing is written to stderr', () => {
  const script = `
    import { decode, probe } from ${JSON.stringify(new URL('../../src/video/index.ts', import.meta.url).href)};
    await probe(${JSON.stringify(long)});
    for (const isolate of [true, false]) for await (const _ of decode(${JSON.stringify(join(goldens, 'h264_vfr.mp4'))}, { isolate }));
    await probe(${JSON.stringify(join(goldens, 'text.mp4'))}).catch((error) => console.log(error.code));`;
  const begun = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual({ stdout, stderr, status }, { stdout: 'VIDEO_UNREADABLE\n', stderr: '', status: 0 });
  assert.ok(performance.now() - begun < 10_000);
});

test('bytes changed at random never take this process down', async () => {
  const names = readdirSync(goldens).filter((name) => /^(h264_b|vp9|av1|gif|mpeg4|mjpeg|frag|hevc)/.test(name));
  let state = 1;
  const random = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  for (let round = 0; round < 40; round++) {
    const name = names[round % names.length];
    const bytes = readFileSync(join(goldens, name));
    for (let i = 0; i < 1 + random(20); i++) bytes[random(bytes.length)] = random(256);
    const path = join(scratch, `fuzz-${name}`);
    writeFileSync(path, bytes);
    try {
      for await (const _ of decode(path, { partial: round % 2 === 0, limits: { timeout: 20 } }));
    } catch (error) {
      assert.equal((error as Error).name, 'StaveError', `${name}, round ${round}: ${error}`);
    }
  }
  assert.equal(execFileSync(process.execPath, ['-p', '1'], { encoding: 'utf8' }).trim(), '1');
});
