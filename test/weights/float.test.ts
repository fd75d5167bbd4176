import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../src/weights/index.ts';
import { floatValue } from './files.ts';

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
const formats = [
  ['bfloat16', bf16ToF32, f32ToBf16, 8, 7],
  ['float16', f16ToF32, f32ToF16, 5, 10],
] as const;

for (const [name, widen, narrow, exponent, fraction] of formats) {
  test(`${name}: all 65,536 patterns widen to the number they stand for`, () => {
    const wide = widen(all);
    for (const bits of all) if (!Object.is(wide[bits], floatValue(bits, exponent, fraction))) assert.fail(`${bits.toString(16)}: ${wide[bits]}`);
  });

  test(`${name}: and come back`, () => {
    const back = narrow(widen(all));
    for (const bits of all) {
      if (back[bits] !== bits && !(Number.isNaN(widen(all)[bits]) && Number.isNaN(floatValue(back[bits], exponent, fraction)))) assert.fail(bits.toString(16));
    }
  });

  test(`${name}: rounds to nearest, ties to even, beside and between every two neighbours`, () => {
    const top = 2 ** (exponent + fraction) - 2 ** fraction - 1; // the largest finite number
    for (let bits = 0; bits < top; bits++) {
      const low = floatValue(bits, exponent, fraction);
      const high = floatValue(bits + 1, exponent, fraction);
      const middle = (low + high) / 2; // exact in float64; in float32 too unless it lies below 2^-149
      const f = new Float32Array([middle, -middle, low, Math.fround(middle * (1 - 2 ** -20)), Math.fround(middle * (1 + 2 ** -20))]);
      const even = bits % 2 === 0 ? bits : bits + 1;
      if (f[0] !== middle) continue;
      const got = [...narrow(f)];
      const near = f[3] < middle && f[4] > middle ? [bits, bits + 1] : got.slice(3); // where float32 has no room beside the middle
      assert.deepEqual(got, [even, even | 0x8000, bits, ...near], `between ${low} and ${high}`);
    }
  });

  test(`${name}: too large, infinite, not a number`, () => {
    const max = floatValue(2 ** (exponent + fraction) - 2 ** fraction - 1, exponent, fraction);
    const step = max - floatValue(2 ** (exponent + fraction) - 2 ** fraction - 2, exponent, fraction);
    const infinity = 2 ** (exponent + fraction) - 2 ** fraction;
    const below = Math.fround(max + step * 0.499);
    assert.deepEqual([...narrow(new Float32Array([Infinity, -Infinity, max, below, max + step / 2]))], [infinity, infinity | 0x8000, infinity - 1, infinity - 1, infinity]);
    const nans = new Float32Array(new Uint32Array([0x7fc00000, 0x7f800001, 0xffffffff]).buffer); // a payload in the low bits must not vanish
    assert.ok([...widen(narrow(nans))].every(Number.isNaN));
  });
}
