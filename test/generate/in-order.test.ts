import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byTurns, inOrder } from '../../src/generate/in-order.ts';

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

test('by turns: all begin at once, but a turn comes when the result before was taken and dealt with', async () => {
  const stop = new AbortController(), said: string[] = [];
  const work = async (item: number, turn: Promise<unknown>): Promise<number> => {
    said.push(`begun ${item}`);
    await turn;
    said.push(`turn ${item}`);
    return item;
  };
  for await (const item of byTurns(numbers(3), 2, work, stop)) {
    await new Promise((resolve) => setImmediate(resolve));
    said.push(`dealt ${item}`);
  }
  assert.deepEqual(said.filter((word) => !word.startsWith('begun')), ['turn 0', 'dealt 0', 'turn 1', 'dealt 1', 'turn 2', 'dealt 2']);
  assert.ok(said.indexOf('begun 1') < said.indexOf('dealt 0'));
});

test('by turns: who waits for a turn is let go when the loop is left', async () => {
  const stop = new AbortController();
  const waiting: Promise<unknown>[] = [];
  const work = async (item: number, turn: Promise<unknown>): Promise<number> => {
    waiting.push(turn);
    return item;
  };
  await assert.rejects(async () => {
    for await (const _ of byTurns(numbers(5), 3, work, stop)) throw new Error('enough');
  }, /enough/);
  assert.deepEqual((await Promise.allSettled(waiting)).map(({ status }) => status), ['fulfilled', 'rejected', 'rejected']);
});
