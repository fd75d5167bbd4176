import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder } from '../../src/generate/in-order.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Work that ends by itself for `quick` items alone, otherwise a while after it is aborted. */
function workshop(quick: (item: number) => boolean) {
  const stop = new AbortController();
  const seen = { begun: 0, ended: 0, most: 0 };
  const work = async (item: number): Promise<number> => {
    seen.begun++;
    seen.most = Math.max(seen.most, seen.begun - seen.ended);
    try {
      if (!quick(item)) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
      await new Promise((resolve) => setImmediate(resolve));
      stop.signal.throwIfAborted();
      if (item === 3) throw new Error('not this one');
      return 10 * item;
    } finally {
      seen.ended++;
    }
  };
  return { stop, seen, work };
}

test('results come in the order of the items, so many worked on at once', async () => {
  const { stop, seen, work } = workshop((item) => item !== 3);
  const results: number[] = [];
  for await (const result of inOrder(numbers(3), 2, work, stop)) results.push(result);
  assert.deepEqual([results, seen], [[0, 10, 20], { begun: 3, ended: 3, most: 2 }]);
});

test('an error, of a work or of the loop, ends what is under way and waits for it', async () => {
  const failing = workshop((item) => item <= 3);
  await assert.rejects(async () => {
    for await (const _ of inOrder(numbers(20), 4, failing.work, failing.stop));
  }, /not this one/);
  assert.ok(failing.seen.begun > 4 && failing.seen.ended === failing.seen.begun, JSON.stringify(failing.seen));

  const left = workshop((item) => item === 0);
  await assert.rejects(async () => {
    for await (const _ of inOrder(numbers(20), 4, left.work, left.stop)) throw new Error('enough');
  }, /enough/);
  assert.deepEqual([left.seen.begun, left.seen.ended], [4, 4]);
});
