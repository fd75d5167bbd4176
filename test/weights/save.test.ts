import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { f32ToBf16, f32ToF16, openWeights, saveSafetensors, type SaveTensor } from '../../src/weights/index.ts';
import { folder, readAll } from './files.ts';

const models = fileURLToPath(new URL('../goldens/models/', import.meta.url));

test('a checkpoint read and saved again is the same file, byte for byte, as the safetensors library wrote', async (t) => {
  for (const path of ['staveq2/model.safetensors', 'qwen2vl/model-00001-of-00002.safetensors']) {
    await using weights = await openWeights(join(models, path));
    const file = join(folder(t), 'copy.safetensors');
    const tensors = [...weights.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape, data: () => weights.read(name) }));
    await saveSafetensors(file, tensors.toReversed(), { ...weights.metadata });
    assert.ok(readFileSync(file).equals(readFileSync(join(models, path))), path);
  }
});

test('float32 is rounded to the type asked for', async (t) => {
  const x = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i) * 10 ** ((i % 60) - 30));
  const file = join(folder(t), 'x.safetensors');
  await saveSafetensors(file, (['F32', 'BF16', 'F16'] as const).map((dtype) => ({ name: dtype, dtype, shape: [50, 100], data: x })));
  await using weights = await openWeights(file);
  assert.deepEqual(await weights.read('F32'), x);
  assert.deepEqual(await weights.read('BF16'), f32ToBf16(x));
  assert.deepEqual(await weights.read('F16'), f32ToF16(x));
  assert.deepEqual([...(await weights.readF32('BF16'))], readAll(file).get('BF16')!.values);
  assert.deepEqual(weights.metadata, { format: 'pt' });
});

test('every type, empty and scalar tensors, and names of any kind come back', async (t) => {
  const file = join(folder(t), 'x.safetensors');
  const tensors: SaveTensor[] = [
    { name: '7', dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
    { name: 'Ω"\n', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) },
    { name: '__proto__', dtype: 'BOOL', shape: [], data: Uint8Array.of(1) },
    { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Float32Array() },
    { name: 'd', dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) },
    { name: 'i', dtype: 'I32', shape: [1], data: Int32Array.of(-5) },
    { name: 'big', dtype: 'F32', shape: [3, 1_000_000], data: Float32Array.from({ length: 3_000_000 }, (_, i) => i) },
    { name: 'view', dtype: 'F32', shape: [2], data: new Float32Array(new SharedArrayBuffer(16), 4, 2).fill(3) },
  ];
  await saveSafetensors(file, tensors, {});
  await using weights = await openWeights(file);
  for (const { name, dtype, shape, data } of tensors) {
    assert.deepEqual([weights.info(name).dtype, weights.info(name).shape], [dtype, shape]);
    assert.deepEqual([...(await weights.read(name))], [...(data as Float32Array)], name);
  }
  assert.equal((await weights.readF32('d'))[0], Math.fround(Math.PI));
});

for (const [what, tensors, message] of [
  ['too few elements', [{ name: 'a', dtype: 'F32', shape: [2], data: new Float32Array(1) }], /"a": 1 elements for shape \[2\]/],
  ['a wrong array', [{ name: 'a', dtype: 'I64', shape: [2], data: new Float32Array(2) }], /"a" as I64 from a Float32Array/],
  ['an unknown type', [{ name: 'a', dtype: 'F8' as 'F32', shape: [2], data: new Float32Array(2) }], /"a" has dtype F8/],
  ['a negative size', [{ name: 'a', dtype: 'F32', shape: [-1], data: new Float32Array(2) }], /"a" has shape \[-1\]/],
  ['a name twice', [0, 1].map(() => ({ name: 'a', dtype: 'F32', shape: [0], data: new Float32Array() })), /"a" is given twice/],
  ['the name of the metadata', [{ name: '__metadata__', dtype: 'F32', shape: [0], data: new Float32Array() }], /reserved/],
] as [string, SaveTensor[], RegExp][]) {
  test(`not saved: ${what}`, async (t) => {
    const dir = folder(t);
    await assert.rejects(saveSafetensors(join(dir, 'x.safetensors'), tensors), { code: 'USAGE', message });
    assert.deepEqual(readdirSync(dir), []);
  });
}

test('a full disk: one clear error, the old file untouched, nothing left behind', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'x.safetensors');
  writeFileSync(file, 'the old one');
  const { open } = fs;
  const mock = t.mock.method(fs, 'open', async (...args: Parameters<typeof open>) => {
    const handle = await open(...args);
    let room = 100_000;
    const write = handle.write.bind(handle) as (bytes: Uint8Array, from: number) => Promise<{ bytesWritten: number }>;
    handle.write = (async (bytes: Uint8Array, from = 0) => {
      if (room === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
      const { bytesWritten } = await write(bytes.subarray(0, from + room), from); // a disk fills up in the middle of a write
      room -= bytesWritten;
      return { bytesWritten };
    }) as unknown as typeof handle.write;
    return handle;
  });
  syncBuiltinESMExports();
  try {
    await assert.rejects(saveSafetensors(file, [{ name: 'a', dtype: 'F32', shape: [100_000], data: new Float32Array(100_000) }]), {
      code: 'IO',
      message: `no space left on the disk while writing ${file}\n400000 bytes are needed\n→ free some space or choose another folder, then go on: what was complete is untouched`,
    });
  } finally {
    mock.mock.restore();
    syncBuiltinESMExports();
  }
  assert.deepEqual(readdirSync(dir), ['x.safetensors']);
  assert.equal(readFileSync(file, 'utf8'), 'the old one');
});

test('a folder that is not there, and data that fail to come', async (t) => {
  const dir = folder(t);
  const a = { name: 'a', dtype: 'F32', shape: [1], data: new Float32Array(1) } as const;
  await assert.rejects(saveSafetensors(join(dir, 'none/x.safetensors'), [a]), { code: 'IO', message: /cannot write .*none.*\nENOENT/ });
  await assert.rejects(saveSafetensors(join(dir, 'x.safetensors'), [{ ...a, data: () => Promise.reject(new Error('computing it failed')) }]), { message: 'computing it failed' });
  assert.deepEqual(readdirSync(dir), []);
});
