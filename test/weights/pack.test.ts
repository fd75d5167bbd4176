/** Weights in few bits: against the definition, a brute-force search and rounding between minimum and maximum. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack, type PackOptions } from '../../src/weights/index.ts';
import { uniform } from '../graph/evaluate.ts';
import { unpack } from './unpack.ts';

/** Numbers like trained weights: most are small, a few are not. */
function heavyTailed(n: number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: n }, () => Math.tan(next(-1.45, 1.45)) * 0.02);
}

const squares = (a: Float32Array, b: Float32Array): number => a.reduce((sum, w, i) => sum + (w - b[i]) ** 2, 0);
const error = (x: Float32Array, options: PackOptions): number => squares(x, unpack(pack(x, options), options));

/** The error of a block with a scale and a zero point. */
function errorWith(x: Float32Array, scale: number, zero: number, top: number): number {
  return x.reduce((sum, w) => sum + (w - (Math.min(top, Math.max(0, Math.round(w / scale) + zero)) - zero) * scale) ** 2, 0);
}

for (const bits of [4, 8] as const) {
  const top = 2 ** bits - 1;

  test(`${bits} bits: numbers that lie on the codes of a block come back as they are`, () => {
    const options: PackOptions = { width: 48, bits, block_size: 32 }; // the second block is half full
    const next = uniform(3);
    const lies = (zero: number, scale: number) => (_: unknown, i: number): number => (i === 0 ? -zero : i === 1 ? top - zero : Math.floor(next(0, top + 1)) - zero) * scale + 0; // no −0
    const x = new Float32Array([...Array.from({ length: 32 }, lies(5, 0.125)), ...Array.from({ length: 16 }, lies(top - 1, 0.5)), ...Array.from({ length: 32 }, lies(0, 2)), ...new Float32Array(16)]);
    assert.deepEqual(unpack(pack(x, options), options), x);
  });

  test(`${bits} bits: zero stays zero`, () => {
    const options: PackOptions = { width: 64, bits, block_size: 64 };
    const x = heavyTailed(640, 5).map((w, i) => (i % 3 === 0 ? 0 : w));
    const back = unpack(pack(x, options), options);
    for (let i = 0; i < x.length; i += 3) assert.equal(Math.abs(back[i]), 0);
  });

  test(`${bits} bits: less error than rounding between minimum and maximum, in every block`, () => {
    const options: PackOptions = { width: 128, bits, block_size: 128 };
    for (let block = 0; block < 20; block++) {
      const x = heavyTailed(128, block);
      const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
      const scale = (high - low) / top;
      assert.ok(error(x, options) <= errorWith(x, scale, Math.round(-low / scale), top) * (1 + 1e-6), `block ${block}`);
    }
  });

  test(`${bits} bits: a number that is not finite is refused`, () => {
    for (const bad of [NaN, Infinity, -Infinity]) assert.throws(() => pack(heavyTailed(64, 1).with(40, bad), { width: 32, bits, block_size: 32 }), new RangeError('block 1'));
  });
}

test('4 bits: nearly as good as the best scale and zero point there are', () => {
  const options: PackOptions = { width: 64, bits: 4, block_size: 64 };
  let ours = 0, best = 0, rounded = 0;
  for (let block = 0; block < 8; block++) {
    const x = heavyTailed(64, 100 + block);
    const range = Math.max(0, ...x) - Math.min(0, ...x);
    const scales = Array.from({ length: 80 }, (_, i) => (range / 15) * (1.1 - i * 0.0125));
    best += Math.min(...scales.flatMap((scale) => Array.from({ length: 16 }, (_, zero) => errorWith(x, scale, zero, 15))));
    rounded += errorWith(x, range / 15, Math.round((-Math.min(0, ...x) * 15) / range), 15);
    ours += error(x, options);
  }
  assert.ok(ours < best * 1.06, `${ours} against ${best} at best`);
  assert.ok(ours < rounded * 0.95, `${ours} against ${rounded} by rounding`);
});

test('rows of any length, and their order', () => {
  for (const width of [1, 15, 40, 100]) {
    const options: PackOptions = { width, bits: 8, block_size: 16 };
    const x = heavyTailed(3 * width, width);
    const back = unpack(pack(x, options), options);
    const most = Math.max(...x.map(Math.abs));
    for (let i = 0; i < x.length; i++) assert.ok(Math.abs(back[i] - x[i]) <= most / 127, `${width}: ${i}`);
  }
});
