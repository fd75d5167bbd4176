import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gather, graph, initializer, input, matmul, type Tensor } from '../../src/graph/index.ts';
import { Runtime } from '../../src/runtime/index.ts';
import { f32, numbers } from './tensors.ts';

const dir = mkdtempSync(join(tmpdir(), 'stave-runtime-'));
const runtime = await Runtime.create({ threads: 1 });
after(async () => {
  await runtime.dispose();
  rmSync(dir, { recursive: true });
});

const values = Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 65 === 0 ? 1 : 0));
const x = input('x', 'float32', ['N', 64]);

const id = (i: number): Tensor => ({ dtype: 'int64', dims: [1], data: BigInt64Array.of(BigInt(i)) });

test('a weight at an odd offset of a file is read in place', async () => {
  const file = join(dir, 'odd.bin');
  const bytes = Buffer.alloc(13 + values.byteLength);
  bytes.set(new Uint8Array(values.buffer), 13);
  writeFileSync(file, bytes);
  const w = initializer('w', 'float32', [64, 64], { file, offset: 13, byteLength: values.byteLength });
  await using program = await runtime.compile(graph({ y: matmul(x, w) }));
  const row = Array.from({ length: 64 }, (_, i) => i);
  assert.deepEqual(numbers((await program.run({ x: f32(row, [1, 64]) })).y), row);
});

test('a file written again makes another program', async () => {
  const file = join(dir, 'again.bin');
  const compile = () => runtime.compile(graph({ y: initializer('w', 'float32', [8], { file, offset: 0, byteLength: 32 }).mul(input('k', 'float32', [])) }));
  for (const value of [1, 2]) {
    writeFileSync(file, new Uint8Array(new Float32Array(8).fill(value).buffer));
    await using program = await compile();
    assert.equal((await program.run({ k: f32([1], []) })).y.data[7], value);
  }
});

test('a missing or short file of weights is named', async () => {
  const weight = (file: string) => graph({ y: matmul(x, initializer('the.weight', 'float32', [64, 64], { file, offset: 0, byteLength: values.byteLength })) });
  await assert.rejects(runtime.compile(weight(join(dir, 'none'))), { code: 'RUNTIME', message: /weights cannot be read from .*none\nENOENT/ });
  const file = join(dir, 'short');
  writeFileSync(file, new Uint8Array(values.buffer));
  truncateSync(file, 100);
  await assert.rejects(runtime.compile(weight(file)), { code: 'RUNTIME', message: /weight "the.weight" cannot be read\n.*file_length: 100/ });
});

test('an error while running says which op, why, and with which sizes; the program stays usable', async () => {
  const ids = input('ids', 'int64', ['M']);
  await using program = await runtime.compile(graph({ y: gather(x, ids) }));
  await assert.rejects(program.run({ x: f32(new Float32Array(128), [2, 64]), ids: id(5) }), { code: 'RUNTIME', message: /node "y" \(Gather\) failed.*N = 2, M = 1.*\n.*idx=5 must be within the inclusive range \[-2,1\]/ });
  assert.equal((await program.run({ x: f32(new Float32Array(128), [2, 64]), ids: id(1) })).y.data.length, 64);
});

test('more memory than there is', async () => {
  const [a, b] = [input('a', 'float32', ['N', 1]), input('b', 'float32', [1, 'M'])];
  await using program = await runtime.compile(graph({ y: a.mul(b).sum() }));
  const n = 10_000_000; // the product would take 400 TB
  const zeros = new Float32Array(new SharedArrayBuffer(4 * n));
  await assert.rejects(program.run({ a: { dtype: 'float32', dims: [n, 1], data: zeros }, b: { dtype: 'float32', dims: [1, n], data: zeros } }), {
    code: 'RUNTIME', message: /out of memory in a Mul: 400000000 MB more were needed \(with N = 10000000, M = 10000000\)\n→ use fewer/,
  });
});

test('what is kept survives a failed run', async () => {
  const ids = input('ids', 'int64', ['M']);
  await using program = await runtime.compile(graph({ y: gather(x, ids), x2: x.add(1) }));
  await runtime.write('x', f32(new Float32Array(64), [1, 64]));
  await program.run({ x: { kept: 'x' }, ids: id(0) }, { keep: { x2: 'x' } });
  await assert.rejects(program.run({ x: { kept: 'x' }, ids: id(9) }, { keep: { x2: 'x' } }), { code: 'RUNTIME' });
  assert.equal((await runtime.read('x')).data[0], 1);
});

test('wrong names of outputs', async () => {
  await using program = await runtime.compile(graph({ y: x.add(1), z: x.add(2) }));
  const feed = { x: f32(new Float32Array(64), [1, 64]) };
  await assert.rejects(program.run(feed, { fetch: ['w'] }), { code: 'RUNTIME', message: /"w" is no output\nthe program has y, z/ });
  await assert.rejects(program.run(feed, { keep: { w: 'k' } }), { code: 'RUNTIME', message: /"w" is no output/ });
  await assert.rejects(program.run(feed, { fetch: [] }), { code: 'RUNTIME', message: /asked for no output/ });
});

test('numbers of threads that make no sense', async () => {
  for (const threads of [0, -1, 1.5, NaN]) await assert.rejects(Runtime.create({ threads }), { code: 'USAGE' });
});
