/** What is remembered of a file's header and times, and when it is not. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { timelineOf } from '../../src/generate/reuse/timelines.ts';
import { frameTimes } from '../../src/video/index.ts';
import { clip, goldens } from '../cli/run.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-timelines-'));
after(() => rm(folder, { recursive: true, force: true }));

test('a file that has not changed for a while is looked at once, one that has again', async () => {
  const settled = join(goldens, 'video', 'h264_bframes_30fps.mp4');
  const first = await timelineOf(settled, {});
  assert.deepEqual(first.times, (await frameTimes(settled)).times);
  assert.equal(await timelineOf(settled, { signal: new AbortController().signal }), first); // the very same
  assert.notEqual(await timelineOf(settled, { partial: true }), first); // otherwise read

  const young = join(folder, 'a.mp4');
  await copyFile(clip, young);
  const [one, two] = [await timelineOf(young, {}), await timelineOf(young, {})];
  assert.notEqual(one, two); // its times can't be relied on yet
  assert.equal(one.frames, 90);
  await utimes(young, 0, 0); // set back: the change of status tells all the same
  assert.notEqual(await timelineOf(young, {}), two);
  await copyFile(join(goldens, 'video', 'vp9.webm'), young);
  assert.deepEqual((await timelineOf(young, {})).times, (await frameTimes(young)).times);
  await rm(young);
  await assert.rejects(timelineOf(young, {}), { code: 'VIDEO_MISSING' });
});
