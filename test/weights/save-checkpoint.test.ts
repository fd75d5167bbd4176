import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openWeights, saveCheckpoint, type SaveTensor } from '../../src/weights/index.ts';
import { folder } from './files.ts';

const golden = fileURLToPath(new URL('../goldens/models/qwen2vl', import.meta.url));

const index = (path: string) => JSON.parse(readFileSync(join(path, 'model.safetensors.index.json'), 'utf8')) as { metadata: { total_size: number }; weight_map: Record<string, string> };

test('a large checkpoint is cut into shards of bounded size, read one tensor at a time, and is the same one when opened', async (t) => {
  const dir = folder(t);
  await using weights = await openWeights(golden);
  let held = 0;
  const tensors = [...weights.tensors.values()].map(({ name, dtype, shape }): SaveTensor => ({
    name,
    dtype,
    shape,
    data: async () => {
      assert.equal(held++, 0, 'the one before was written first');
      const data = await weights.read(name);
      await new Promise((resolve) => { setImmediate(resolve); });
      held--;
      return data;
    },
  }));
  const largest = Math.max(...[...weights.tensors.values()].map(({ byteLength }) => byteLength));
  const files = await saveCheckpoint(dir, tensors, { max_shard_size: largest });
  assert.deepEqual(readdirSync(dir).toSorted(), files.toSorted());
  const shards = files.filter((name) => name.endsWith('.safetensors'));
  assert.ok(shards.length > 2 && shards.every((name, i) => name === `model-${String(i + 1).padStart(5, '0')}-of-${String(shards.length).padStart(5, '0')}.safetensors`));
  for (const name of shards) assert.ok(statSync(join(dir, name)).size < largest + 20_000, name);

  await using copy = await openWeights(dir);
  assert.deepEqual([...copy.tensors.keys()].toSorted(), [...weights.tensors.keys()].toSorted());
  for (const name of weights.tensors.keys()) assert.deepEqual(await copy.read(name), await weights.read(name));

  assert.deepEqual(index(dir).metadata, index(golden).metadata); // as transformers counted
  assert.deepEqual(Object.keys(index(dir).weight_map), Object.keys(index(golden).weight_map)); // and in its order
});

test('a small one is one file', async (t) => {
  const dir = folder(t);
  assert.deepEqual(await saveCheckpoint(dir, [{ name: 'a', dtype: 'F32', shape: [2], data: new Float32Array(2) }]), ['model.safetensors']);
  assert.deepEqual(readdirSync(dir), ['model.safetensors']);
});

const tensor = (name: string, length: number): SaveTensor => ({ name, dtype: 'F32', shape: [length], data: new Float32Array(length) });

test('a tensor larger than a shard has one of its own', async (t) => {
  const dir = folder(t);
  await saveCheckpoint(dir, [tensor('a', 1), tensor('b', 100), tensor('c', 1), tensor('d', 1)], { max_shard_size: 16 });
  assert.deepEqual(Object.values(index(dir).weight_map).map((file) => Number(file.slice(6, 11))), [1, 2, 3, 3]);
});

test('an abort comes between two tensors, with the signal\'s reason', async (t) => {
  const abort = new AbortController();
  const data = (): Float32Array => {
    abort.abort(new Error('enough'));
    return new Float32Array(1);
  };
  const tensors = ['a', 'b'].map((name): SaveTensor => ({ name, dtype: 'F32', shape: [1], data }));
  const dir = folder(t);
  await assert.rejects(saveCheckpoint(dir, tensors, { signal: abort.signal }), /enough/);
  assert.deepEqual(readdirSync(dir), []);
});
