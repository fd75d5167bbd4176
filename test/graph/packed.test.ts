/** Products with matrices of few bits: the engine's kernels against the definition, written out in JavaScript. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherBlockQuantized, initializer, input, matmulNBits, type PackedMatrix } from '../../src/graph/index.ts';
import { packedShape } from '../../src/models/packed.ts';
import { pack, type Packed } from '../../src/weights/index.ts';
import { unpack } from '../weights/unpack.ts';
import { evaluate, floats, ints, uniform } from './evaluate.ts';

type Form = { out: number; width: number; bits: 4 | 8; block_size: number };

function matrix({ out, width, bits, block_size }: Form): { matrix: PackedMatrix; W: Float32Array } {
  const next = uniform(width + bits);
  const packed: Packed = pack(Float32Array.from({ length: out * width }, () => next(-1, 0.6)), { width, bits, block_size });
  const dims = packedShape([out, width], bits, block_size);
  return {
    W: unpack(packed, { width, bits, block_size }),
    matrix: {
      shape: [out, width],
      bits,
      block_size,
      codes: initializer('codes', 'uint8', dims.codes, { data: packed.codes }),
      ...(width % block_size === 0 && { rows: initializer('rows', 'uint8', [out, (width * bits) / 8], { data: packed.codes }) }),
      scales: initializer('scales', 'float32', dims.scales, { data: packed.scales }),
      zeros: initializer('zeros', 'uint8', dims.zeros, { data: packed.zeros }),
    },
  };
}

/** How far rounding a row of x to 8 bits, block by block, can move its product with a row of W. */
function bound(x: Float32Array, w: Float32Array, block_size: number): number {
  let most = 1e-4;
  for (let start = 0; start < w.length; start += block_size) {
    const step = Math.max(...x.subarray(start, start + block_size).map(Math.abs)) / 127;
    most += 0.501 * step * w.subarray(start, start + block_size).reduce((sum, v) => sum + Math.abs(v), 0);
  }
  return most;
}

for (const bits of [4, 8] as const)
  for (const [width, block_size] of [[128, 128], [160, 32], [448, 64], [40, 16], [300, 128]])
    test(`x Wᵀ, ${bits} bits, rows of ${width} in blocks of ${block_size}`, async () => {
      const out = 20;
      const { matrix: M, W } = matrix({ out, width, bits, block_size });
      const next = uniform(1);
      for (const rows of [0, 1, 9]) {
        const x = floats([rows, width], () => next(-2, 2));
        const { y } = await evaluate({ y: matmulNBits(input('x', 'float32', ['S', width]), M) }, { x });
        assert.deepEqual(y.dims, [rows, out]);
        for (let i = 0; i < rows * out; i++) {
          const [row, w] = [(x.data as Float32Array).subarray(Math.floor(i / out) * width, (Math.floor(i / out) + 1) * width), W.subarray((i % out) * width, ((i % out) + 1) * width)];
          const exact = row.reduce((sum, v, k) => sum + v * w[k], 0);
          assert.ok(Math.abs(Number(y.data[i]) - exact) <= bound(row, w, block_size), `${i}: ${y.data[i]} instead of ${exact}`);
        }
      }
    });

for (const bits of [4, 8] as const)
  test(`rows by number, ${bits} bits: exact`, async () => {
    const { matrix: M, W } = matrix({ out: 12, width: 96, bits, block_size: 32 }); // three blocks: an odd number of zero points
    const { y } = await evaluate({ y: gatherBlockQuantized(M, input('ids', 'int64', ['S'])) }, { ids: ints([4], [11, 0, 5, 0]) });
    assert.deepEqual(y.dims, [4, 96]);
    assert.deepEqual(y.data, new Float32Array([11, 0, 5, 0].flatMap((row) => [...W.subarray(row * 96, (row + 1) * 96)])));
  });

test('what does not fit is refused when the graph is built', () => {
  const { matrix: M } = matrix({ out: 4, width: 40, bits: 4, block_size: 16 });
  assert.throws(() => gatherBlockQuantized(M, input('ids', 'int64', ['S'])), { code: 'GRAPH', message: /40 numbers are no whole blocks of 16/ });
  assert.throws(() => matmulNBits(input('x', 'float32', ['S', 48]), M), { code: 'GRAPH', message: /40 numbers in a row/ });
  assert.throws(() => matmulNBits(input('x', 'float32', ['S', 40]), { ...M, bits: 8 }), { code: 'GRAPH', message: /needs codes uint8\[4, 3, 16\]/ });
  assert.throws(() => matmulNBits(input('x', 'float32', ['S', 40]), { ...M, scales: M.zeros }), { code: 'GRAPH', message: /need scales float32\[4, 3\]/ });
});
