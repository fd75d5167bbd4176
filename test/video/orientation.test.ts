/** Display matrices and turning, against a 3×2 picture turned by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDisplayMatrix, turn } from '../../src/video/orientation.ts';

/** a, b, c, d of shown x' = a·x + c·y, y' = b·x + d·y, in the 16.16 fixed point of tkhd. */
function matrix(a: number, b: number, c: number, d: number): Uint8Array {
  return new Uint8Array(Int32Array.from([a, b, 0, c, d, 0, 0, 0, 2 ** 14], (v) => v * 65536).buffer);
}

//  stored, 3 wide and 2 high:  1 2 3
//                              4 5 6
const cases: [string, Uint8Array, number, number[]][] = [
  ['as it is', matrix(1, 0, 0, 1), 0, [1, 2, 3, 4, 5, 6]],
  ['a quarter anticlockwise', matrix(0, -1, 1, 0), 90, [3, 6, 2, 5, 1, 4]],
  ['half', matrix(-1, 0, 0, -1), -180, [6, 5, 4, 3, 2, 1]],
  ['a quarter clockwise', matrix(0, 1, -1, 0), -90, [4, 1, 5, 2, 6, 3]],
  ['upside down in a mirror', matrix(1, 0, 0, -1), 0, [4, 5, 6, 1, 2, 3]],
  ['about its diagonal', matrix(0, 1, 1, 0), -90, [1, 4, 2, 5, 3, 6]],
  ['a quarter anticlockwise, scaled', matrix(0, -2, 2, 0), 90, [3, 6, 2, 5, 1, 4]],
  ['no matrix at all', matrix(0, 0, 0, 0), 0, [1, 2, 3, 4, 5, 6]],
];

for (const [name, bytes, degrees, shown] of cases) {
  test(`turning ${name}`, () => {
    const { orientation, rotation } = readDisplayMatrix(bytes);
    assert.equal(rotation, degrees);
    const out = new Uint8Array(18);
    turn(Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap((v) => [v, v + 10, v + 20])), 2, 3, orientation, out);
    assert.deepEqual([...out], shown.flatMap((v) => [v, v + 10, v + 20]));
  });
}
