/** The order of asking: how many questions are under way, who waits for whom, and which stand together. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { asked, byVideo } from '../../src/eval/ahead.ts';
import { inShard, type Sample } from '../../src/eval/samples.ts';

test('answered one after the other, the next when the one before is taken; two videos are looked at meanwhile', async () => {
  const videos = ['a', 'a', 'a', 'b', 'b', 'c'];
  const begun: number[] = [], turned: number[] = [], got: number[] = [];
  const answering = async (i: number, turn: Promise<unknown>): Promise<string> => {
    begun.push(i);
    await turn;
    turned.push(i);
    assert.deepEqual(turned, [...got, i], 'the one before is taken');
    await setImmediate();
    return `answer ${i}`;
  };
  const seen: number[] = []; // begun when an answer came
  for await (const [i, answer] of asked([0, 1, 2, 3, 4, 5], (i) => videos[i], answering)) {
    assert.equal(answer, `answer ${i}`);
    await setImmediate(); // while it is stored, nobody is answered
    assert.deepEqual(turned, [...got, i]);
    got.push(i);
    seen.push(begun.length);
  }
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(seen, [5, 5, 5, 6, 6, 6]); // those on a and b at once, c when a is done
});

test('of many questions on one video not all are begun', async () => {
  let begun = 0;
  const all = asked(Array.from({ length: 100 }, (_, i) => i), () => 'a', async (i, turn) => (begun++, await turn, i));
  await all.next();
  assert.ok(begun > 1 && begun < 20, String(begun));
  await all.return();
});

test('an error is told when its question has its turn, and ends what is under way', async () => {
  const got: number[] = [];
  let ended: unknown;
  const ask = (i: number, turn: Promise<unknown>): Promise<number> => {
    if (i === 1) return Promise.reject(new Error('one'));
    if (i === 2) return turn.then(() => assert.fail('it has no turn'), (reason: unknown) => { throw (ended = reason); });
    return Promise.resolve(i);
  };
  await assert.rejects(async () => {
    for await (const [i] of asked([0, 1, 2], String, ask)) got.push(i);
  }, { message: 'one' });
  assert.deepEqual(got, [0]);
  assert.ok(ended instanceof Error);
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const [i] of asked([0, 0, 0, 0], String, ask, stop.signal)) if (got.push(i) === 3) stop.abort();
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
