/** Products with matrices of few bits: the engine's kernels against the definition, written out in JavaScript. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherPacked, initializer, input, matmulPacked, type BlockMatrix, type PackedMatrix, type RowMatrix } from '../../src/graph/index.ts';
import { packedTensors } from '../../src/models/packed.ts';
import { pack, packRows } from '../../src/weights/index.ts';
import { unpack, unpackRows } from '../weights/unpack.ts';
import { evaluate, floats, ints, uniform } from './evaluate.ts';

type Form = { out: number; width: number; bits: 4 | 8; block_size: number };

const numbers = (n: number, seed: number): Float32Array => {
  const next = uniform(seed);
  return Float32Array.from({ length: n }, () => next(-1, 0.6));
};

function inBlocks({ out, width, bits, block_size }: Form): { matrix: BlockMatrix; W: Float32Array } {
  const packed = pack(numbers(out * width, width + bits), { width, bits, block_size });
  const { codes, scales, zeros } = packedTensors('', [out, width], { bits, block_size });
  return {
    W: unpack(packed, { width, bits, block_size }),
    matrix: {
      shape: [out, width],
      bits,
      block_size,
      codes: initializer('codes', 'uint8', codes.shape, { data: packed.codes }),
      ...(width % block_size === 0 && { rows: initializer('rows', 'uint8', [out, (width * bits) / 8], { data: packed.codes }) }),
      scales: initializer('scales', 'float32', scales.shape, { data: packed.scales }),
      zeros: initializer('zeros', 'uint8', zeros!.shape, { data: packed.zeros }),
    },
  };
}

function byRows(out: number, width: number): { matrix: RowMatrix; W: Float32Array } {
  const packed = packRows(numbers(out * width, width), width);
  const { codes, scales } = packedTensors('', [out, width], { bits: 8 });
  return {
    W: unpackRows(packed),
    matrix: { shape: [out, width], bits: 8, codes: initializer('codes', 'int8', codes.shape, { data: packed.codes }), scales: initializer('scales', 'float32', scales.shape, { data: packed.scales }) },
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

/** Products of no rows, of one and of several, as near to x Wᵀ as rounding x allows. */
async function checkProducts(M: PackedMatrix, W: Float32Array, block_size: number): Promise<void> {
  const [out, width] = M.shape;
  const next = uniform(1);
  for (const rows of [0, 1, 9]) {
    const x = floats([rows, width], () => next(-2, 2));
    const { y } = await evaluate({ y: matmulPacked(input('x', 'float32', ['S', width]), M) }, { x });
    assert.deepEqual(y.dims, [rows, out]);
    for (let i = 0; i < rows * out; i++) {
      const [row, w] = [(x.data as Float32Array).subarray(Math.floor(i / out) * width, (Math.floor(i / out) + 1) * width), W.subarray((i % out) * width, ((i % out) + 1) * width)];
      const exact = row.reduce((sum, v, k) => sum + v * w[k], 0);
      assert.ok(Math.abs(Number(y.data[i]) - exact) <= bound(row, w, block_size), `${i}: ${y.data[i]} instead of ${exact}`);
    }
  }
}

for (const bits of [4, 8] as const)
  for (const [width, block_size] of [[128, 128], [160, 32], [448, 64], [40, 16], [300, 128]])
    test(`x Wᵀ, ${bits} bits, rows of ${width} in blocks of ${block_size}`, async () => {
      const { matrix, W } = inBlocks({ out: 20, width, bits, block_size });
      await checkProducts(matrix, W, block_size);
    });

for (const width of [128, 5, 300])
  test(`x Wᵀ, a scale for each row of ${width}`, async () => {
    const { matrix, W } = byRows(20, width);
    await checkProducts(matrix, W, width);
  });

test('a scale for each row: whole numbers within their range are multiplied exactly, whatever stands in the other rows', async () => {
  const [out, width] = [3, 64];
  const next = uniform(5);
  const whole = (n: number, most: number) => Float32Array.from({ length: n }, (_, i) => (i % width === 0 ? most : Math.round(next(-most, most))));
  const w = whole(out * width, 127); // the largest code in every row: scales are 1
  const { codes, scales } = packRows(w, width);
  assert.deepEqual(unpackRows({ codes, scales }), w);
  const factors = [1, 1 / 1024, 4096, 0]; // of rows, exact in binary
  const x = whole(4 * width, 127).map((v, i) => v * factors[Math.floor(i / width)]);
  const M: RowMatrix = { shape: [out, width], bits: 8, codes: initializer('c', 'int8', [width, out], { data: codes }), scales: initializer('s', 'float32', [out], { data: scales }) };
  const { y } = await evaluate({ y: matmulPacked(input('x', 'float32', ['B', 2, width]), M) }, { x: { dtype: 'float32', dims: [2, 2, width], data: x } });
  assert.deepEqual(y.dims, [2, 2, out]);
  for (let i = 0; i < 4 * out; i++) {
    const exact = x.subarray(Math.floor(i / out) * width, (Math.floor(i / out) + 1) * width).reduce((sum, v, k) => sum + v * w[(i % out) * width + k], 0);
    assert.ok(Math.abs(Number(y.data[i]) - exact) <= 1e-6 * Math.abs(exact), `${i}: ${y.data[i]} instead of ${exact}`);
  }
});

for (const bits of [4, 8] as const)
  test(`rows by number, ${bits} bits: exact`, async () => {
    const { matrix: M, W } = inBlocks({ out: 12, width: 96, bits, block_size: 32 }); // three blocks: an odd number of zero points
    const { y } = await evaluate({ y: gatherPacked(M, input('ids', 'int64', ['S'])) }, { ids: ints([4], [11, 0, 5, 0]) });
    assert.deepEqual(y.dims, [4, 96]);
    assert.deepEqual(y.data, new Float32Array([11, 0, 5, 0].flatMap((row) => [...W.subarray(row * 96, (row + 1) * 96)])));
  });

test('what does not fit is refused when the graph is built', () => {
  const { matrix: M } = inBlocks({ out: 4, width: 40, bits: 4, block_size: 16 });
  assert.throws(() => gatherPacked(M, input('ids', 'int64', ['S'])), { code: 'GRAPH', message: /40 numbers are no whole blocks of 16/ });
  assert.throws(() => matmulPacked(input('x', 'float32', ['S', 48]), M), { code: 'GRAPH', message: /40 numbers in a row/ });
  assert.throws(() => matmulPacked(input('x', 'float32', ['S', 40]), { ...M, bits: 8 }), { code: 'GRAPH', message: /needs codes uint8\[4, 3, 16\]/ });
  assert.throws(() => matmulPacked(input('x', 'float32', ['S', 40]), { ...M, scales: M.zeros }), { code: 'GRAPH', message: /need scales float32\[4, 3\]/ });
  const { matrix: R } = byRows(4, 40);
  assert.throws(() => gatherPacked(R, input('ids', 'int64', ['S'])), { code: 'GRAPH', message: /\[4, 40\] with a scale for each row is no table/ });
  assert.throws(() => matmulPacked(input('x', 'float32', ['S', 48]), R), { code: 'GRAPH' });
  assert.throws(() => matmulPacked(input('x', 'float32', ['S', 40]), { ...R, codes: M.codes }), { code: 'GRAPH', message: /needs uint8 and int8/ });
  assert.throws(() => matmulPacked(input('x', 'float32', ['S', 40]), { ...R, scales: M.scales }), { code: 'GRAPH', message: /needs scales float32\[4\]/ });
});
