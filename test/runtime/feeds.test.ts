import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '../../src/graph/index.ts';
import { checkFeeds } from '../../src/runtime/feeds.ts';
import type { Port } from '../../src/runtime/protocol.ts';
import { f32 } from './tensors.ts';

const inputs: Port[] = [
  { name: 'patches', dtype: 'float32', shape: ['T', '4*M', 3] },
  { name: 'mask', dtype: 'float32', shape: ['S', 'P+S'] },
  { name: 'embeds', dtype: 'float32', shape: ['M*T', 2] },
  { name: 'ids', dtype: 'int64', shape: ['S'] },
];
const zeros = (...dims: number[]): Tensor => f32(new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
const ids = (n: number): Tensor => ({ dtype: 'int64', dims: [n], data: new BigInt64Array(n) });
const good = { patches: zeros(2, 8, 3), mask: zeros(5, 7), embeds: zeros(4, 2), ids: ids(5) };

test('names in the shapes are found, also where they stand only in 4*M or P+S', () => {
  assert.deepEqual(checkFeeds(inputs, good), { T: 2, M: 2, S: 5, P: 2 });
  assert.deepEqual(checkFeeds(inputs, { ...good, mask: zeros(5, 5), ids: ids(5) }).P, 0);
});

const wrong: [string, Record<string, unknown>, RegExp][] = [
  ['a missing feed', { ids: undefined }, /input "ids" is missing\nthe program has patches, mask, embeds, ids\n→ feed a int64\[S\]/],
  ['an unknown feed', { pixels: zeros(1) }, /feed "pixels" is no input\nthe program has patches/],
  ['a name every object has', { toString: zeros(1) }, /feed "toString" is no input/],
  ['another dtype', { ids: f32([1, 2, 3, 4, 5]) }, /input "ids" is float32\nthe program takes int64\[S\]\n→ feed int64/],
  ['a dtype that does not exist', { ids: { dtype: 'int63', dims: [5], data: new BigInt64Array(5) } }, /input "ids" is int63/],
  ['an array of another type', { ids: { dtype: 'int64', dims: [5], data: new Int32Array(5) } }, /input "ids": int64 data in a Int32Array\n→ give a BigInt64Array/],
  ['a plain list', { ids: { dtype: 'int64', dims: [5], data: [1, 2, 3, 4, 5] } }, /int64 data in a Array/],
  ['no data', { ids: { dtype: 'int64', dims: [5] } }, /int64 data in a undefined/],
  ['another number of elements', { ids: { ...ids(5), dims: [6] } }, /input "ids": 5 elements for dims \[6\]\n→ give 6 elements/],
  ['dims that are no sizes', { ids: { ...ids(5), dims: [-5] } }, /input "ids" has dims \[-5\]/],
  ['no dims', { ids: { dtype: 'int64', data: new BigInt64Array(5) } }, /input "ids" has dims \[undefined\]/],
  ['another rank', { ids: { ...ids(5), dims: [1, 5] } }, /input "ids" has dims \[1, 5\]\nthe program takes int64\[S\]/],
  ['another fixed size', { patches: zeros(2, 8, 4) }, /input "patches" has dims \[2, 8, 4\]\nthe program takes float32\[T, 4\*M, 3\]/],
  ['two values for a name', { ids: ids(6) }, /input "ids" has dims \[6\]\n.*dimension 0 is 6, but S = 5 from "mask"/],
  ['a size that is no multiple', { patches: zeros(2, 9, 3) }, /dimension 1 is 9, but no whole M fits/],
  ['a product that does not fit', { embeds: zeros(5, 2) }, /dimension 0 is 5, but M = 2 from "patches", T = 2 from "patches"/],
  ['a sum that would be negative', { mask: zeros(5, 4) }, /dimension 1 is 4, but no whole P fits/],
];

for (const [name, change, message] of wrong) {
  test(`refused: ${name}`, () => {
    assert.throws(() => checkFeeds(inputs, { ...good, ...change } as never), { code: 'RUNTIME', message });
  });
}
