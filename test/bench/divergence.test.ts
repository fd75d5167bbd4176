import assert from 'node:assert/strict';
import { test } from 'node:test';
import { divergence } from '../../bench/weights/divergence.ts';

test('KL divergence of small distributions, by hand', () => {
  const half = Float32Array.of(0, 0), skewed = Float32Array.of(Math.log(3), 0); // ½ ½ and ¾ ¼
  assert.ok(Math.abs(divergence(half, skewed).kl - (0.5 * Math.log(0.5 / 0.75) + 0.5 * Math.log(0.5 / 0.25))) < 1e-6);
  assert.ok(Math.abs(divergence(skewed, half).kl - (0.75 * Math.log(1.5) + 0.25 * Math.log(0.5))) < 1e-6);
  assert.deepEqual([divergence(half, skewed).same, divergence(Float32Array.of(1, 2), half).same], [true, false]);
  const shifted = skewed.map((x) => x + 1000); // the same distribution
  assert.ok(divergence(skewed, shifted).kl < 1e-4);
});
