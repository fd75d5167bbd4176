/** Rows of 8 bits with a scale each: against the definition and a search over scales. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packRows } from '../../src/weights/index.ts';
import { uniform } from '../graph/evaluate.ts';
import { unpackRows } from './unpack.ts';

/** Numbers like trained weights: most are small, a few are not. */
function heavyTailed(n: number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: n }, () => Math.tan(next(-1.45, 1.45)) * 0.02);
}

const squares = (a: Float32Array, b: Float32Array): number => a.reduce((sum, w, i) => sum + (w - b[i]) ** 2, 0);

test('codes lie on their side, each row has its own scale: by hand', () => {
  const { codes, scales } = packRows(Float32Array.of(127, -64, 0, /* */ 0.5, 0.25, -0.25, /* */ 0, 0, 0), 3);
  assert.deepEqual([...codes], [127, 127, 0, /* */ -64, 64, 0, /* */ 0, -63, 0]); // a quarter is 63.5 codes: the half goes up
  assert.deepEqual([scales[0], scales[2]], [1, 0]);
  assert.ok(Math.abs(scales[1] - (0.5 * 127 + 0.25 * 64 + 0.25 * 63) / (127 ** 2 + 64 ** 2 + 63 ** 2)) < 1e-9, 'least squares');
});

test('numbers that lie on the codes come back as they are, zero stays zero', () => {
  const next = uniform(3);
  const x = Float32Array.from({ length: 6 * 40 }, (_, i) => (i % 40 === 0 ? 127 : i % 3 === 0 ? 0 : Math.round(next(-127, 127))) * 2 ** (Math.floor(i / 40) - 9));
  assert.deepEqual(unpackRows(packRows(x, 40)), x.map((w) => w + 0)); // no −0
});

test('nearly as good as the best of a thousand scales', () => {
  let ours = 0, all = 0;
  for (let row = 0; row < 10; row++) {
    const x = heavyTailed(128, row);
    const largest = Math.max(...x.map(Math.abs));
    const error = (scale: number) => squares(x, x.map((w) => Math.max(-127, Math.min(127, Math.round(w / scale))) * scale));
    const best = Math.min(...Array.from({ length: 1000 }, (_, i) => error((largest / 127) * (1.05 - 0.0001 * i))));
    ours += squares(x, unpackRows(packRows(x, 128)));
    all += best;
  }
  assert.ok(ours <= 1.15 * all, `${ours} against ${all} at best`);
});

test('a number that is not finite is refused', () => {
  for (const bad of [NaN, Infinity, -Infinity]) assert.throws(() => packRows(heavyTailed(64, 1).with(40, bad), 32), new RangeError('row 1'));
});
