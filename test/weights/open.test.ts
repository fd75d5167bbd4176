import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openWeights } from '../../src/weights/index.ts';
import { fileBytes, folder, readAll, write } from './files.ts';

const models = fileURLToPath(new URL('../goldens/models/', import.meta.url));
const sharded = join(models, 'qwen2vl');
const single = join(models, 'staveq2');
const index = 'model.safetensors.index.json';
const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

/** A copy of the sharded checkpoint whose index a test may change. */
function copyWith(dir: string, change: (map: Record<string, string>) => void, leaveOut?: string): string {
  for (const shard of shards) if (shard !== leaveOut) copyFileSync(join(sharded, shard), join(dir, shard));
  const json = JSON.parse(readFileSync(join(sharded, index), 'utf8')) as { weight_map: Record<string, string> };
  change(json.weight_map);
  write(join(dir, index), JSON.stringify(json));
  return dir;
}

test('a sharded and a single checkpoint: every tensor equals what a second reader finds', async () => {
  for (const [dir, files] of [[sharded, shards], [single, ['model.safetensors']]] as const) {
    await using weights = await openWeights(dir);
    const expected = new Map(files.flatMap((f) => [...readAll(join(dir, f))]));
    assert.deepEqual([...weights.tensors.keys()].toSorted(), [...expected.keys()].toSorted());
    for (const [name, { dtype, shape, values }] of expected) {
      assert.deepEqual([weights.info(name).dtype, weights.info(name).shape], [dtype, shape]);
      assert.deepEqual([...(await weights.readF32(name))], values, name);
      assert.equal((await weights.read(name)).length, values.length);
    }
  }
});

test('offsets are those of the bytes in the file', async () => {
  await using weights = await openWeights(sharded);
  for (const { name, file, offset, byteLength } of weights.tensors.values()) {
    const raw = await weights.read(name);
    assert.ok(readFileSync(file).subarray(offset, offset + byteLength).equals(new Uint8Array(raw.buffer)), name);
  }
});

test('one shard, an index, or the directory can be named', async () => {
  await using shard = await openWeights(join(sharded, shards[0]));
  await using whole = await openWeights(join(sharded, index));
  assert.ok(shard.tensors.size > 0 && shard.tensors.size < whole.tensors.size);
});

test('the links of a Hugging Face cache lead to real paths', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'blobs'));
  mkdirSync(join(dir, 'snapshots/abc'), { recursive: true });
  for (const [i, name] of [...shards, index].entries()) {
    copyFileSync(join(sharded, name), join(dir, 'blobs', `${i}`));
    symlinkSync(`../../blobs/${i}`, join(dir, 'snapshots/abc', name));
  }
  symlinkSync('snapshots', join(dir, 'link'));
  await using weights = await openWeights(join(dir, 'link/abc'));
  const files = new Set([...weights.tensors.values()].map((info) => info.file));
  assert.deepEqual(files, new Set([0, 1].map((i) => realpathSync(join(dir, `blobs/${i}`)))));
  await weights.readF32('model.embed_tokens.weight');
});

const escapes = ['../outside.safetensors', '/etc/passwd', 'a/../../b', '..', '.', '', 'a//b', '..\\b', 'C:\\b', 'a\0b'];
for (const path of escapes) {
  test(`an index may not place a tensor in ${JSON.stringify(path)}`, async (t) => {
    const dir = copyWith(folder(t), (map) => (map['lm_head.weight'] = path));
    await assert.rejects(openWeights(dir), { code: 'WEIGHTS_CORRUPT', message: /tensor "lm_head.weight" is placed in .*, not in a file of this directory/ });
  });
}

test('a missing shard names itself, the index and a tensor', async (t) => {
  const dir = copyWith(folder(t), () => {}, shards[1]);
  await assert.rejects(openWeights(dir), { code: 'MODEL_MISSING', message: /cannot open .*00002-of-00002.*\n.*index.json places \d+ tensors there, among them ".+"/ });
});

test('a tensor that is not in its shard names both', async (t) => {
  const dir = copyWith(folder(t), (map) => (map['made.up'] = shards[0]));
  await assert.rejects(openWeights(dir), { code: 'WEIGHTS_CORRUPT', message: /00001-of-00002.*: no tensor "made.up", where .*index.json places it/ });
});

test('a truncated shard', async (t) => {
  const dir = copyWith(folder(t), () => {}, shards[1]);
  write(join(dir, shards[1]), readFileSync(join(sharded, shards[1])).subarray(0, -100));
  await assert.rejects(openWeights(dir), { code: 'WEIGHTS_CORRUPT', message: /ends at byte \d+ of the data, the file holds \d+/ });
});

for (const [name, text, message] of [
  ['not JSON', '{', /not JSON/],
  ['a list', '[]', /weight_map is missing/],
  ['without weight_map', '{}', /weight_map is missing/],
  ['whose weight_map is a list', '{"weight_map":[]}', /weight_map is \[\]/],
  ['with a number for a file', '{"weight_map":{"a":1}}', /"a" is placed in 1/],
  ['that names a tensor twice', '{"weight_map":{"a":"x","a":"y"}}', /names "a" twice/],
] as const) {
  test(`an index ${name}`, async (t) => {
    const dir = folder(t);
    write(join(dir, index), text);
    await assert.rejects(openWeights(dir), { code: 'WEIGHTS_CORRUPT', message });
  });
}

test('paths that are not a checkpoint', async (t) => {
  const dir = folder(t);
  await assert.rejects(openWeights(dir), { code: 'MODEL_MISSING', message: /holds neither model.safetensors nor model.safetensors.index.json/ });
  await assert.rejects(openWeights(join(dir, 'none')), { code: 'MODEL_MISSING', message: /no such file or directory/ });
  mkdirSync(join(dir, 'model.safetensors'));
  await assert.rejects(openWeights(dir), { code: 'WEIGHTS_CORRUPT', message: /not a regular file/ });
  await assert.rejects(openWeights(write(join(dir, 'notes.txt'), 'A text that is long enough to be read.')), { code: 'WEIGHTS_CORRUPT' });
});

test('a pipe is refused, not waited for', { skip: process.platform === 'win32' }, async (t) => {
  const file = join(folder(t), 'pipe');
  execFileSync('mkfifo', [file]);
  await assert.rejects(openWeights(file), { code: 'WEIGHTS_CORRUPT', message: /not a regular file/ });
});

test('a missing tensor is named, and a similar one', async () => {
  await using weights = await openWeights(single);
  assert.ok(!weights.has('model.visual.blocks.0.norm1.weight'));
  await assert.rejects(weights.read('model.visual.blocks.0.norm1.weight'), { code: 'WEIGHT_MISSING', message: /staveq2.model.safetensors has no tensor "model.visual.blocks.0.norm1.weight"\nit has "visual.blocks.0.norm1.weight"/ });
});

test('integers are not floats', async (t) => {
  await using weights = await openWeights(write(join(folder(t), 'x.safetensors'), fileBytes({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8)));
  await assert.rejects(weights.readF32('a'), { code: 'WEIGHT_SHAPE', message: /"a" is I64/ });
  assert.deepEqual(await weights.read('a'), BigInt64Array.of(0n));
});

/** How many safetensors files this process has open. */
function open(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the one that listed the folder
    }
  });
  return targets.filter((path) => path.endsWith('.safetensors')).length;
}

test('files are closed when disposed, and when opening fails', { skip: process.platform !== 'linux' }, async (t) => {
  const before = open();
  const weights = await openWeights(sharded);
  assert.equal(open(), before + 2);
  await weights.close();
  await weights.close();
  assert.equal(open(), before);
  await assert.rejects(weights.read('lm_head.weight'), { code: 'USAGE', message: /is closed/ });
  await assert.rejects(openWeights(copyWith(folder(t), (map) => (map['made.up'] = shards[1]))));
  assert.equal(open(), before);
});
