/** Models as onnxruntime reads them: sizes at run time, weights by reference, empty tensors, outputs. */
import { fromBinary } from '@bufbuild/protobuf';
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  and, argMax, choose, concat, constant, dim, dimension, filled, gather, greater, greaterOrEqual, graph, initializer, input, layerNormalization, less, matmul, matmulInteger, maximum, not, oneHot, onnx, or, scatterAdd,
  softmax, split, where, type Dim, type Value,
} from '../../src/graph/index.ts';
import { ModelProtoSchema } from '../../src/graph/onnx/onnx_pb.ts';
import { assertClose, evaluate, floats, ints, Session, sized, uniform, type Feeds } from './evaluate.ts';

const numbers = (t: { data: ArrayLike<number | bigint> }): number[] => Array.from(t.data, Number);

test('every dim is computed from the shapes of the inputs', async () => {
  const sizes = { M: 3, B: 2, T: 5, P: 0, S: 4 };
  const inputs = [['4*M'], ['B*T', 'T'], ['P+S', 1], ['3*S-T']].map((shape, i) => input(`x${i}`, 'float32', shape));
  const feeds = Object.fromEntries(inputs.map((x, i) => [`x${i}`, floats(sized(x.shape, sizes), () => 1)]));
  const dims: Dim[] = ['M', 'B', 'T', 'P', 'S', 'P+S', '4*M', '2*M', 'B*M*T+P', 'P*P-2*S', '-T+7', 'S*S*S'];
  const results = await evaluate(Object.fromEntries(dims.map((d, i) => [`d${i}`, dimension(d)])), feeds, inputs);
  dims.forEach((d, i) => assert.deepEqual(numbers(results[`d${i}`]), [dim.evaluate(d, sizes)], String(d)));
});

test('a product of whole numbers is exact', async () => {
  const [M, K, N] = [3, 70, 5];
  const a = Uint8Array.from({ length: M * K }, (_, i) => (i * 37) % 256), b = Int8Array.from({ length: K * N }, (_, i) => ((i * 91) % 256) - 128);
  const weight = initializer('b', 'int8', [K, N], { data: b });
  const { y } = await evaluate({ y: matmulInteger(input('a', 'uint8', ['M', K]), weight) }, { a: { dtype: 'uint8', dims: [M, K], data: a } });
  const expected = Array.from({ length: M * N }, (_, i) => Array.from({ length: K }, (_, k) => a[Math.floor(i / N) * K + k] * b[k * N + (i % N)]).reduce((sum, x) => sum + x, 0));
  assert.deepEqual(numbers(y), expected);
  assert.throws(() => matmulInteger(input('x', 'float32', [2, K]), weight), /uint8 and int8/);
  assert.throws(() => matmulInteger(input('x', 'uint8', [2, K + 1]), weight), /\[.., K\]/);
});

test('a dim that the inputs do not determine is refused', () => {
  const x = input('x', 'float32', ['B*T']);
  assert.doesNotThrow(() => onnx(graph({ y: constant(1).expand(['B*T']) }, [x])));
  assert.throws(() => onnx(graph({ y: constant(1).expand(['B']) }, [x])), /do not determine the dimension B/);
});

test('reshapes copy or infer dims where they can, and compute each target once', () => {
  const x = input('x', 'float32', ['B*T', 8]);
  const b = input('b', 'float32', ['B']);
  const ops = (outputs: Record<string, Value>): string[] => fromBinary(ModelProtoSchema, onnx(graph(outputs, [b])).model).graph!.node.map((node) => node.opType!);
  assert.deepEqual(ops({ y: x.reshape(['B*T', 2, 4]), z: x.reshape([8, 'B*T']) }), ['Reshape', 'Reshape']);
  const two = ops({ y: x.reshape(['B', 'T', 8]), z: x.exp().reshape(['B', 'T', 8]) });
  assert.deepEqual(two.filter((op) => op !== 'Reshape').toSorted(), ['Concat', 'Div', 'Exp', 'Max', 'Shape', 'Shape']);
});

test('a choice takes one of two values of any size; the norm or sum that alone reads it is computed in its branches', async () => {
  const [x, fed, way] = [input('x', 'float32', ['A', 4]), input('fed', 'float32', ['F', 4]), input('way', 'float32', ['E'])];
  const weight = initializer('w', 'float32', [4], { data: Float32Array.from([1, 2, 3, 4]) });
  const first = greater(dimension('E'), constant(0, 'int64', []));
  const either = (a: Value, b: Value): Value => choose(first, a, b, ['A*E+F', 4]);
  const norm = (v: Value): Value => layerNormalization(v, weight, filled([4], 1), 1e-5);
  const shared = either(x.mul(2), fed);
  const outputs = {
    normal: norm(either(x, fed)), sum: filled(['A*E+F', 4], 10).add(either(x, fed)), product: either(x, fed).mul(3), plain: either(x, fed), twice: shared.add(1), again: shared.sub(1),
    none: choose(first, filled([0, 4], 0), fed, ['F', 4]),
  };
  for (const [A, F, E] of [[3, 0, 1], [0, 2, 0], [3, 2, 0]]) {
    const feeds = { x: floats([A, 4], (i) => Math.sin(i)), fed: floats([F, 4], (i) => Math.cos(3 * i)), way: floats([E], () => 0) };
    const r = await evaluate(outputs, feeds, [x, fed, way]);
    const taken = E === 1 ? feeds.x : feeds.fed, rows = input('rows', 'float32', ['R', 4]);
    const expected = await evaluate({ normal: norm(rows), sum: rows.add(10), product: rows.mul(3), plain: rows.add(0), twice: rows.mul(E + 1).add(1), again: rows.mul(E + 1).sub(1) }, { rows: taken });
    for (const [name, y] of Object.entries(expected)) assertClose(r[name], y, { name });
    assert.deepEqual(r.none.dims, [E === 1 ? 0 : F, 4]);
  }
  const { node } = fromBinary(ModelProtoSchema, onnx(graph(outputs, [x, fed, way])).model).graph!;
  const inside = node.filter(({ opType }) => opType === 'If').map(({ attribute }) => attribute.map(({ g }) => g!.node.map(({ opType }) => opType).join()).join());
  assert.deepEqual(inside.toSorted(), ['Add,Add', 'Identity,Identity', 'Identity,Identity', 'Identity,Identity', 'Identity,Identity', 'LayerNormalization,LayerNormalization']);
  assert.throws(() => choose(first, x, input('y', 'float32', ['F', 5]), ['A', 4]), /cannot be the shape of both/);
  assert.throws(() => choose(x, x, x, ['A', 4]), /one bool/);
});

test('empty tensors pass through', async () => {
  const past = input('past', 'float32', ['B', 'P', 2, 4]);
  const now = input('now', 'float32', ['B', 'S', 8]);
  const k = concat([past.transpose([0, 2, 1, 3]), now.reshape(['B', 'S', 2, 4]).transpose([0, 2, 1, 3])], 2); // [B, 2, P+S, 4]
  const y = matmul(softmax(matmul(k, k, { transB: true })), k).transpose([0, 2, 1, 3]).reshape(['B*P+B*S', 8]);
  const norm = layerNormalization(now, filled([8], 1), filled([8], 0), 1e-5).sum([0, 1]);
  const outputs = { k, y, norm, old: y.reshape(['B', 'P+S', 8]).slice(1, 0, 'P'), parts: split(k, ['P', 'S'], 2)[0], all: y.sum() };
  for (const { B, P, S } of [{ B: 2, P: 0, S: 3 }, { B: 2, P: 3, S: 0 }, { B: 0, P: 2, S: 1 }, { B: 1, P: 0, S: 0 }]) {
    const r = await evaluate(outputs, { past: floats([B, P, 2, 4], (i) => Math.sin(i)), now: floats([B, S, 8], (i) => Math.cos(i)) });
    assert.deepEqual(r.k.dims, [B, 2, P + S, 4]);
    assert.deepEqual(r.y.dims, [B * (P + S), 8]);
    assert.deepEqual(r.old.dims, [B, P, 8]);
    assert.deepEqual(r.parts.dims, [B, 2, P, 4]);
    assert.ok(numbers(r.all).every(Number.isFinite));
    assertClose(r.old, { ...r.old, data: r.y.data.filter((_, i) => Math.floor(i / 8) % (P + S) < P) as Float32Array });
  }
});

test('weights stay in their file, at any offset, and two values of one name are one', async (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'stave-graph-')));
  t.after(() => rmSync(dir, { recursive: true }));
  const next = uniform(1);
  const large = floats([100, 60], () => next(-1, 1));
  const file = join(dir, 'a folder.bin');
  writeFileSync(file, Buffer.concat([Buffer.from('odd'), Buffer.from(large.data.buffer)]));
  const weight = (): Value => initializer('file', 'float32', [100, 60], { file, offset: 3, byteLength: 24000 });
  const brain = initializer('brain', 'bfloat16', [2], { data: Uint16Array.of(0x3fc0, 0xc040) }); // 1.5, −3
  const alone = graph({ a: weight().sub(0), b: weight().add(weight()), c: brain.cast('float32') });
  assert.ok(onnx(alone).model.length < 2000, 'no large weight is copied');
  assert.deepEqual(onnx(alone).files, [file]);
  const mixed = graph({ ...alone.outputs, d: initializer('memory', 'float32', [100, 60], { data: large.data }).sub(0) });
  for (const g of [alone, mixed]) {
    const session = await Session.of(g);
    const { a, b, c, d = a } = await session.run({});
    await session.release();
    assert.deepEqual(a.data, large.data);
    assert.deepEqual(b.data, (large.data as Float32Array).map((v) => v * 2));
    assert.deepEqual(numbers(c), [1.5, -3]);
    assert.deepEqual(d.data, large.data);
  }
});

test('weights in memory are passed on without a copy', async () => {
  const plain = Float32Array.from({ length: 6000 }, (_, i) => i / 7);
  const over = new Float32Array(new SharedArrayBuffer(24000));
  over.set(plain);
  const g = graph({ y: initializer('memory', 'float32', [100, 60], { data: over }).sub(0) });
  const { model, externalData, files } = onnx(g);
  assert.ok(model.length < 500);
  assert.equal(externalData[0].data.buffer, over.buffer);
  assert.deepEqual(files, []);
  const session = await Session.of(g);
  assert.deepEqual((await session.run({})).y.data, plain);
  await session.release();
});

test('one value may have several names, and inputs and constants may be outputs', async () => {
  const x = input('x', 'float32', ['T']);
  const y = x.exp();
  const r = await evaluate({ a: y, b: y, x2: x, c: constant([1, 2], 'int64'), d: y.add(x) }, { x: floats([2], (i) => i) });
  assert.deepEqual(r.a.data, r.b.data);
  assert.deepEqual(numbers(r.x2), [0, 1]);
  assert.deepEqual(numbers(r.c), [1, 2]);
  assertClose(r.d, floats([2], (i) => Math.exp(i) + i));
});

test('scatterAdd sums repeats, with any number of threads', async () => {
  const [V, D, n] = [7, 33, 5000];
  const next = uniform(5);
  const ids = ints([n], Array.from({ length: n }, () => Math.floor(next(0, 1) ** 3 * V)));
  const rows = floats([n, D], () => next(-1, 1));
  const expected = new Float64Array(V * D);
  rows.data.forEach((value, i) => (expected[Number(ids.data[Math.floor(i / D)]) * D + (i % D)] += value as number));
  const session = await Session.of(graph({ y: scatterAdd([V, D], input('ids', 'int64', ['n']), input('rows', 'float32', ['n', D])) }), { intraOpNumThreads: 4 });
  for (let i = 0; i < 5; i++) assertClose((await session.run({ ids, rows })).y, { dtype: 'float32', dims: [V, D], data: Float32Array.from(expected) }, { rtol: 1e-4, atol: 1e-3 });
  await session.release();
});

test('ops without a gradient', async () => {
  const x = input('x', 'float32', [2, 3]);
  const feeds: Feeds = { x: { dtype: 'float32', dims: [2, 3], data: Float32Array.of(0.5, -1.5, 2.5, 3, 3, -3) } };
  const [low, high] = [less(x, 0), greaterOrEqual(x, 2.5)];
  const r = await evaluate({
    best: argMax(x, 1), kept: argMax(x, 0, { keepdims: true }), hot: oneHot(argMax(x, 1), 4), sign: x.sign(), floor: x.floor(), ceil: x.ceil(), round: x.round(),
    either: or(low, high).cast('int32'), neither: not(or(low, high)).cast('uint8'), both: and(low, high), clipped: maximum(where(high, 2, x), -1), picked: gather(constant([5, 6, 7], 'int64'), argMax(x, 1)),
  }, feeds);
  const expected: Record<string, number[]> = {
    best: [2, 0], kept: [1, 1, 0], hot: [0, 0, 1, 0, 1, 0, 0, 0], sign: [1, -1, 1, 1, 1, -1], floor: [0, -2, 2, 3, 3, -3], ceil: [1, -1, 3, 3, 3, -3], round: [0, -2, 2, 3, 3, -3],
    either: [0, 1, 1, 1, 1, 1], neither: [1, 0, 0, 0, 0, 0], both: [0, 0, 0, 0, 0, 0], clipped: [0.5, -1, 2, 2, 2, -1], picked: [7, 5],
  };
  for (const [name, values] of Object.entries(expected)) assert.deepEqual(numbers(r[name]).map((v) => v + 0), values, name);
  assert.deepEqual(r.kept.dims, [1, 3]);
});

test('half precision constants are rounded to nearest even', async () => {
  const values = [0, 1, -2.5, 1 / 3, 65504, 1e-7, 6e-5, 2049, 2051, 1e6, -0.1];
  const x = input('x', 'float32', [values.length]);
  for (const dtype of ['float16', 'bfloat16'] as const) {
    const r = await evaluate({ ours: constant(values, dtype).cast('float32'), theirs: x.cast(dtype).cast('float32') }, { x: floats([values.length], (i) => values[i]) });
    assert.deepEqual(r.ours.data, r.theirs.data, dtype);
  }
});

function build(): Uint8Array {
  const x = input('x', 'float32', ['B*T', 8]);
  return onnx(graph({ y: softmax(x.reshape(['B', 'T', 8]).mul(2)), z: x.mean(0) }, [input('b', 'float32', ['B'])])).model;
}

test('equal graphs give equal bytes', () => {
  assert.deepEqual(build(), build());
});
