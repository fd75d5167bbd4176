/** The order of asking: how many questions are under way, who waits for whom, and which stand together. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { asked, byVideo } from '../../src/eval/ahead.ts';
import { inShard, type Sample } from '../../src/eval/samples.ts';

test('two are under way, answers come in order, and nothing is begun before an answer is taken', async () => {
  const begun: number[] = [], answered = Array.from({ length: 5 }, () => Promise.withResolvers<string>());
  const got: [number, string][] = [];
  const all = (async () => {
    for await (const one of asked([0, 1, 2, 3, 4], (i) => {
      begun.push(i);
      return answered[i].promise;
    })) {
      got.push(one);
      assert.ok(begun.length <= got.length + 1, `${begun.length} begun when ${got.length} were there`);
    }
  })();
  answered[1].resolve('b');
  await setImmediate();
  assert.deepEqual([begun, got], [[0, 1], []]); // the second has to wait for the first
  for (const i of [4, 3, 2, 0]) answered[i].resolve('acaacd'[i]);
  await all;
  assert.deepEqual(got.map(([i]) => i), [0, 1, 2, 3, 4]);
});

test('an error is told when its question has its turn, and ends what is under way', async () => {
  const got: number[] = [];
  let ended: unknown;
  const ask = (i: number, signal: AbortSignal): Promise<number> => {
    if (i === 1) return Promise.reject(new Error('one'));
    if (i === 2) return new Promise((_, reject) => signal.addEventListener('abort', () => reject((ended = signal.reason))));
    return Promise.resolve(i);
  };
  await assert.rejects(async () => {
    for await (const [i] of asked([0, 1, 2], ask)) got.push(i);
  }, { message: 'one' });
  assert.deepEqual(got, [0]);
  assert.ok(ended instanceof Error);
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const [i] of asked([0, 0, 0, 0], ask, stop.signal)) if (got.push(i) === 3) stop.abort();
  }, { name: 'AbortError' });
  assert.equal(got.length, 3);
});

const about = (...videos: string[]) => ({ question: { messages: [{ role: 'user', content: videos.map((video) => ({ type: 'video', video })) }], target: '' } }) as unknown as Sample;

test('questions on one video stand together, and go to one shard', () => {
  const samples = [about('a'), about('b'), about('a', 'b'), about('a'), about('c'), about('b'), about('a')];
  assert.deepEqual(byVideo(samples).map((sample) => samples.indexOf(sample)), [0, 3, 6, 1, 5, 2, 4]);
  const shards = [1, 2, 3].map((index) => inShard(samples, { index, count: 3 }).map((sample) => samples.indexOf(sample)));
  assert.deepEqual(shards, [[0, 3, 4, 6], [1, 5], [2]]);
});
