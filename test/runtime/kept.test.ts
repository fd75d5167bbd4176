import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { concat, graph, input } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { f32, numbers, shared } from './tensors.ts';

const runtime = await Runtime.create({ threads: 1 });
after(() => runtime.dispose());

test('100 steps of x ← a·x + b without x leaving the worker', async () => {
  const [x, a, b] = ['x', 'a', 'b'].map((name) => input(name, 'float32', ['N']));
  await using step = await runtime.compile(graph({ next: x.mul(a).add(b), seen: x }));
  await runtime.write('x', f32([1, -4]));
  const feeds = { x: { kept: 'x' }, a: shared([0.5, 1]), b: f32([2, 0.25]) };
  for (let i = 0; i < 100; i++) assert.deepEqual(await step.run(feeds, { keep: { next: 'x' }, fetch: [] }), {});
  // x_n = aⁿ x_0 + b (1 − aⁿ)/(1 − a); for a = 1: x_0 + n b
  const last = numbers(await runtime.read('x'));
  assert.ok(Math.abs(last[0] - (0.5 ** 100 + 4 * (1 - 0.5 ** 100))) < 1e-6);
  assert.equal(last[1], -4 + 100 * 0.25);
  assert.deepEqual(Object.keys(await step.run(feeds, { keep: { next: 'x' } })), ['seen']);
});

test('nothing is kept where the output that is looked at is not finite', async () => {
  const x = input('x', 'float32', ['N']);
  await using step = await runtime.compile(graph({ next: x.add(1), check: x.log().sum() }));
  await runtime.write('x', f32([1, 2]));
  const run = () => step.run({ x: { kept: 'x' } }, { keep: { next: 'x' }, keepIf: 'check', fetch: ['check'] });
  assert.ok(Math.abs(numbers((await run()).check)[0] - Math.log(2)) < 1e-6);
  assert.deepEqual(numbers(await runtime.read('x')), [2, 3]);
  await runtime.write('x', f32([-1, 2]));
  assert.deepEqual(numbers((await run()).check), [NaN]);
  assert.deepEqual(numbers(await runtime.read('x')), [-1, 2]);
});

test('a cache that grows: its size may change from run to run', async () => {
  const past = input('past', 'float32', ['P', 2]);
  const now = input('now', 'float32', ['S', 2]);
  await using append = await runtime.compile(graph({ all: concat([past, now], 0) }));
  await runtime.write('cache', f32([], [0, 2]));
  for (let i = 0; i < 10; i++) await append.run({ past: { kept: 'cache' }, now: f32([i, -i], [1, 2]) }, { keep: { all: 'cache' } });
  const { dims, data } = await runtime.read('cache');
  assert.deepEqual([dims, [...(data as Float32Array)]], [[10, 2], Array.from({ length: 10 }, (_, i) => [i, -i]).flat()]);
});

test('what is kept and fetched is a copy; so is what is read', async () => {
  const a = input('a', 'float32', ['N']);
  await using program = await runtime.compile(graph({ b: a.add(1) }));
  const { b } = await program.run({ a: f32([1]) }, { keep: { b: 'b' }, fetch: ['b'] });
  b.data.fill(0 as never);
  (await runtime.read('b')).data.fill(0 as never);
  assert.deepEqual(numbers(await runtime.read('b')), [2]);
});

test('shared memory that is written stays shared', async () => {
  const mine = shared([1, 2]);
  await runtime.write('shared', mine);
  mine.data[0] = 7;
  assert.deepEqual(numbers(await runtime.read('shared')), [7, 2]);
});

test('calls happen in the order in which they are made, however large their feeds', async () => {
  const a = input('a', 'float32', ['N']);
  await using sum = await runtime.compile(graph({ s: a.sum() }));
  const big = f32(new Float32Array(2_000_000).fill(1)); // sent in pieces
  const first = sum.run({ a: big }, { keep: { s: 'order' } });
  const second = sum.run({ a: f32([1, 2]) }, { keep: { s: 'order' } });
  const third = runtime.read('order');
  await Promise.all([first, second]);
  assert.deepEqual(numbers(await third), [3]);
});

test('a run whose outputs replace what it reads, twice over', async () => {
  const [a, b] = ['a', 'b'].map((name) => input(name, 'float32', ['N']));
  await using swap = await runtime.compile(graph({ a2: b.add(0), b2: a.add(0) }));
  await runtime.write('a', f32([1]));
  await runtime.write('b', f32([2]));
  for (let i = 0; i < 3; i++) await swap.run({ a: { kept: 'a' }, b: { kept: 'b' } }, { keep: { a2: 'a', b2: 'b' } });
  assert.deepEqual([numbers(await runtime.read('a')), numbers(await runtime.read('b'))], [[2], [1]]);
});

test('unknown, dropped and doubled keys', async () => {
  const a = input('a', 'float32', ['N']);
  await using program = await runtime.compile(graph({ b: a.add(1), c: a.add(2) }));
  await assert.rejects(runtime.read('nothing'), { code: 'RUNTIME', message: /nothing is kept under "nothing"/ });
  await assert.rejects(program.run({ a: { kept: 'nothing' } }), { code: 'RUNTIME', message: /input "a": nothing is kept under "nothing"/ });
  await runtime.write('gone', f32([1]));
  await runtime.drop('gone');
  await runtime.drop('gone');
  await assert.rejects(program.run({ a: { kept: 'gone' } }), { code: 'RUNTIME' });
  await assert.rejects(program.run({ a: f32([1]) }, { keep: { b: 'k', c: 'k' } }), { code: 'RUNTIME', message: /two outputs are to be kept under one key/ });
  await assert.rejects(runtime.write('bad', { dtype: 'int64', dims: [1], data: Float32Array.of(1) }), { code: 'RUNTIME', message: /"bad": int64 data in a Float32Array/ });
});

test('a kept tensor of the wrong kind or size', async () => {
  const [a, b] = ['a', 'b'].map((name) => input(name, 'float32', ['N']));
  await using program = await runtime.compile(graph({ c: a.add(b) }));
  await runtime.write('ints', { dtype: 'int32', dims: [1], data: Int32Array.of(1) });
  await runtime.write('three', f32([1, 2, 3]));
  await assert.rejects(program.run({ a: { kept: 'ints' }, b: f32([1]) }), { code: 'RUNTIME', message: /input "a" is int32/ });
  await assert.rejects(program.run({ a: { kept: 'three' }, b: f32([1]) }), { code: 'RUNTIME', message: /N = 3 from "a"/ });
});
