/** Tensors that are read in several pieces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertTensor, plansOf, type Change } from '../../src/checkpoints/converted-tensors.ts';
import { Packers } from '../../src/checkpoints/packers.ts';
import { packedTensors } from '../../src/models/packed.ts';
import { packRows, type PutTensor, type TypedArray, type Weights } from '../../src/weights/index.ts';
import { random } from '../close.ts';

for (const [text, out, width] of [
  ['a matrix of several pieces is laid on its side as a whole', 5000, 1024], // more than 4 million numbers
  ['one of several strips', 65537, 513], // more than 33 million
] as const) test(text, async () => {
  const numbers = random(1 << 16);
  const at = (i: number) => numbers[(i * 7) % numbers.length];
  const all = Float32Array.from({ length: out * width }, (_, i) => at(i));
  const weights = { readF32: (_: string, { start, end }: { start: number; end: number }) => Promise.resolve(all.slice(start, end)) } as unknown as Weights;
  const change: Change = { name: 'x.weight', shape: [out, width], packing: { bits: 8 }, tensors: packedTensors('x.weight', [out, width], { bits: 8 }) };
  const file = new Map(plansOf(change).map(({ name, dtype, shape }): [string, TypedArray] => [name, new (dtype === 'I8' ? Int8Array : Float32Array)(shape.reduce((a, b) => a * b))]));
  let most = 0;
  const put: PutTensor = async (name, data, start = 0) => {
    most = Math.max(most, data.length);
    file.get(name)!.set(data as never, start);
  };
  await using packers = new Packers(2);
  const pieces: Promise<void>[] = [];
  for await (const { written } of convertTensor({ weights }, change, packers, put)) pieces.push(written);
  await Promise.all(pieces);
  assert.ok(pieces.length > 1);
  if (out > 1 << 16) assert.ok(most < out * width, 'never all codes at once');
  const { codes, scales } = packRows(all, width);
  assert.ok(Buffer.from(codes.buffer).equals(Buffer.from(file.get('x.qweight')!.buffer)));
  assert.deepEqual(file.get('x.scales'), scales);
});
