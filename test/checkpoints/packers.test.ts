/** Threads that pack, and what becomes of the jobs when one dies. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Packers } from '../../src/checkpoints/packers.ts';
import { pack, packRows } from '../../src/weights/index.ts';
import { random } from '../close.ts';

const options = { width: 256, bits: 8, block_size: 32 } as const;
/** So many that a thread is asked. */
const rows = (): Float32Array => random(1 << 17);

test('a thread packs as the caller would', async () => {
  await using packers = new Packers(1);
  const numbers = rows();
  const expected = pack(numbers.slice(), options);
  assert.deepEqual(await packers.pack(numbers.slice(), options), expected);
  assert.deepEqual(await packers.packRows(numbers.slice(), 256), packRows(numbers, 256));
  const bad = numbers.slice();
  bad[7] = Infinity;
  await assert.rejects(packers.pack(bad, options), RangeError);
  assert.deepEqual(await packers.pack(numbers, options), expected); // the thread goes on
});

const died = { name: 'StaveError', code: 'RUNTIME', message: /^a thread that packs weights has died\n/ };

async function allEnd(packers: Packers): Promise<void> {
  const jobs = await Promise.allSettled([1, 2, 3, 4].map(() => packers.pack(rows(), options)));
  for (const job of jobs) assert.throws(() => { if (job.status === 'rejected') throw job.reason; }, died);
  await assert.rejects(packers.pack(rows(), options), died); // it is not asked again either
}

test('a thread that exits ends every job, those that wait too', async (t: TestContext) => {
  t.mock.method(Worker.prototype, 'postMessage', function (this: Worker) { void this.terminate(); });
  for (const threads of [1, 2]) {
    await using packers = new Packers(threads);
    await allEnd(packers);
  }
});

test('a thread that throws ends every job with what it threw', async () => {
  await using packers = new Packers(1);
  const [first, second] = await Promise.allSettled([packers.pack(rows(), undefined as never), packers.pack(rows(), options)]);
  for (const job of [first, second]) assert.match(job.status === 'rejected' ? job.reason.message : '', /has died\nCannot destructure/);
  await allEnd(packers);
});
