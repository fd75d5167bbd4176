import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { graph, initializer, input, matmul, matmulPacked, type Graph, type Tensor } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { f32, numbers, shared } from './tensors.ts';

const runtime = await Runtime.create({ threads: 2 });
after(() => runtime.dispose());

const x = input('x', 'float32', ['N', 3]);
const w = [1, 0, 2, -1, 3, 0.5]; // [2, 3]
const linear = graph({ y: matmul(x, initializer('w', 'float32', [2, 3], { data: Float32Array.from(w) }), { transB: true }), square: x.mul(x) });

/** x wᵀ by the definition. */
const product = (rows: number[][]): number[] => rows.flatMap((row) => [0, 1].map((j) => row.reduce((sum, v, i) => sum + v * w[3 * j + i], 0)));

test('numbers equal the closed form, for every size of a named dimension', async () => {
  await using program = await runtime.compile(linear);
  for (const n of [1, 2, 17]) {
    const rows = Array.from({ length: n }, (_, i) => [i, i / 2, -i]);
    const { y, square } = await program.run({ x: f32(rows.flat(), [n, 3]) });
    assert.deepEqual([y.dtype, y.dims, numbers(y)], ['float32', [n, 2], product(rows)]);
    assert.deepEqual([square.dims, numbers(square)], [[n, 3], rows.flat().map((v) => v * v)]);
  }
});

test('products of 8 bits are summed up whole on every processor', async () => {
  const width = 2048; // kernels that add pairs in 16 bits would give half of it
  const codes = initializer('codes', 'int8', [width, 1], { data: new Int8Array(width).fill(127) });
  const product = graph({ y: matmulPacked(input('x', 'float32', ['N', width]), { shape: [1, width], bits: 8, codes, scales: initializer('scales', 'float32', [1], { data: Float32Array.of(1) }) }) });
  for (const slowWhole of [undefined, true]) {
    await using program = await runtime.compile(product, { slowWhole });
    const { y } = await program.run({ x: f32(Array<number>(2 * width).fill(127), [2, width]) });
    assert.deepEqual(numbers(y), [width * 127 * 127, width * 127 * 127]);
  }
});

test('a program says what goes in and comes out', async () => {
  await using program = await runtime.compile(linear);
  assert.deepEqual(program.inputs, [{ name: 'x', dtype: 'float32', shape: ['N', 3] }]);
  assert.deepEqual(program.outputs, [{ name: 'y', dtype: 'float32', shape: ['N', 2] }, { name: 'square', dtype: 'float32', shape: ['N', 3] }]);
});

test('fetch returns what is asked for', async () => {
  await using program = await runtime.compile(linear);
  assert.deepEqual(Object.keys(await program.run({ x: f32([1, 2, 3], [1, 3]) }, { fetch: ['square'] })), ['square']);
});

test('shared memory is fed as it is, plain memory stays the caller\'s, given memory is gone', async () => {
  await using program = await runtime.compile(linear);
  const feeds = { shared: shared([1, 2, 3], [1, 3]), plain: f32([1, 2, 3], [1, 3]), view: { ...f32([], [1, 3]), data: Float32Array.of(9, 1, 2, 3, 9).subarray(1, 4) } };
  for (const [name, feed] of Object.entries(feeds)) {
    assert.deepEqual(numbers((await program.run({ x: feed })).square), [1, 4, 9], name);
    assert.deepEqual(numbers(feed), [1, 2, 3], name);
  }
  assert.deepEqual(numbers((await program.run({ x: feeds.plain }, { transfer: true })).square), [1, 4, 9]);
  assert.equal(feeds.plain.data.length, 0);
  await program.run({ x: feeds.view }, { transfer: true });
  assert.deepEqual(numbers(feeds.view), [1, 2, 3]); // the rest of its buffer was not the caller's to give
});

test('large plain feeds come over whole', async () => {
  const n = 3_000_000;
  const big = input('big', 'float32', ['N']);
  await using program = await runtime.compile(graph({ sum: big.sum(), last: big.slice(0, -1) }));
  const data = new Float32Array(n).fill(1);
  data[n - 1] = 5;
  const { sum, last } = await program.run({ big: f32(data) });
  assert.deepEqual([numbers(sum), numbers(last)], [[n + 4], [5]]);
});

test('every dtype that can travel', async () => {
  const dtypes = [
    ['float32', Float32Array.of(1.5, -2)], ['float16', Uint16Array.of(0x3e00, 0xc000)], ['int64', BigInt64Array.of(2n ** 60n, -1n)],
    ['int32', Int32Array.of(7, -7)], ['int8', Int8Array.of(-128, 127)], ['uint8', Uint8Array.of(0, 255)], ['bool', Uint8Array.of(0, 1)],
  ] as const;
  for (const [dtype, data] of dtypes) {
    const a = input('a', dtype, ['N', 1]);
    await using program = await runtime.compile(graph({ b: a.transpose() }));
    for (const memory of [data, onShared(data)]) {
      assert.deepEqual((await program.run({ a: { dtype, dims: [2, 1], data: memory } })).b, { dtype, dims: [1, 2], data });
    }
  }
});

function onShared<T extends Tensor['data']>(data: T): T {
  const copy = new (data.constructor as new (buffer: SharedArrayBuffer) => T)(new SharedArrayBuffer(data.byteLength));
  copy.set(data as never);
  return copy;
}

test('bfloat16 cannot travel, and the error says so', async () => {
  const a = input('a', 'bfloat16', ['N']);
  await assert.rejects(runtime.compile(graph({ b: a.cast('float32') })), { code: 'RUNTIME', message: /input "a" is bfloat16\n.*\n→ feed float32 and cast in the graph/ });
  const c = input('c', 'float32', ['N']);
  await assert.rejects(runtime.compile(graph({ d: c.cast('bfloat16') })), { code: 'RUNTIME', message: /output "d" is bfloat16/ });
});

test('tensors of no elements go in and come out', async () => {
  await using program = await runtime.compile(linear);
  const { y, square } = await program.run({ x: f32([], [0, 3]) });
  assert.deepEqual([y.dims, y.data.length, square.dims], [[0, 2], 0, [0, 3]]);
  const a = input('a', 'float32', [2, 'K']);
  const b = input('b', 'float32', ['K', 2]);
  await using inner = await runtime.compile(graph({ c: matmul(a, b) }));
  for (const empty of [f32([], [2, 0]), shared([], [2, 0])]) {
    assert.deepEqual(numbers((await inner.run({ a: empty, b: f32([], [0, 2]) })).c), [0, 0, 0, 0]); // a sum of nothing
  }
});

test('a graph without inputs', async () => {
  const c = initializer('c', 'float32', [2], { data: Float32Array.of(1, 2) });
  await using program = await runtime.compile(graph({ y: c.mul(2) }));
  assert.deepEqual(numbers((await program.run({})).y), [2, 4]);
});

test('two programs at once, many runs: every answer is its own', async () => {
  await using one = await runtime.compile(linear);
  const a = input('a', 'float32', ['N']);
  await using two = await runtime.compile(graph({ b: a.add(1) }));
  const answers = await Promise.all(Array.from({ length: 40 }, async (_, i) => (i % 2 ? numbers((await two.run({ a: f32([i]) })).b) : numbers((await one.run({ x: f32([i, 0, 0], [1, 3]) })).y))));
  assert.deepEqual(answers, Array.from({ length: 40 }, (_, i) => (i % 2 ? [i + 1] : [i, -i || 0])));
});

const times = (factor: number): Graph => graph({ y: input('a', 'float32', ['N']).mul(factor) });

test('equal graphs share a session; releasing one leaves the other', async () => {
  const [first, second, other] = await Promise.all([runtime.compile(times(2)), runtime.compile(times(2)), runtime.compile(times(3))]);
  await first.release();
  await first.release();
  await assert.rejects(first.run({ a: f32([1]) }), { code: 'RUNTIME', message: /the program was released\n→ compile the graph again/ });
  assert.deepEqual(numbers((await second.run({ a: f32([1]) })).y), [2]);
  assert.deepEqual(numbers((await other.run({ a: f32([1]) })).y), [3]);
  await Promise.all([second.release(), other.release()]);
  await using again = await runtime.compile(times(2));
  assert.deepEqual(numbers((await again.run({ a: f32([5]) })).y), [10]);
});

test('the optimizer may be left out', async () => {
  await using program = await runtime.compile(linear, { optimize: 'none' });
  assert.deepEqual(numbers((await program.run({ x: f32([1, 2, 3], [1, 3]) })).y), product([[1, 2, 3]]));
});

test('two runtimes side by side, and a third after them', async () => {
  await using other = await Runtime.create({ threads: 1 });
  await using program = await other.compile(linear);
  assert.deepEqual(numbers((await program.run({ x: f32([1, 2, 3], [1, 3]) })).square), [1, 4, 9]);
  await other.dispose();
  await other.dispose();
  await assert.rejects(program.run({ x: f32([1, 2, 3], [1, 3]) }), { code: 'RUNTIME', message: /the runtime was disposed/ });
  await assert.rejects(other.compile(linear), { code: 'RUNTIME', message: /the runtime was disposed/ });
  await using third = await Runtime.create({ threads: 1 });
  assert.deepEqual(numbers((await (await third.compile(linear)).run({ x: f32([1, 2, 3], [1, 3]) })).square), [1, 4, 9]);
});
