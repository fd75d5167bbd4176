import assert from 'node:assert/strict';
import { cp, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fingerprint, tokenizerFingerprint } from '../../src/models/fingerprint.ts';
import { openWeights, saveSafetensors } from '../../src/weights/index.ts';

const goldens = fileURLToPath(new URL('../goldens/models/', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'stave-fingerprint-'));
after(() => rm(folder, { recursive: true }));

let copies = 0;
async function copyOf(model: string): Promise<string> {
  const dir = join(folder, String(copies++), model);
  await cp(join(goldens, model), dir, { recursive: true });
  return dir;
}

async function of(dir: string): Promise<string> {
  await using weights = await openWeights(dir);
  return fingerprint(dir, weights);
}

test('a copy has the same fingerprint; a change to any file that decides answers gives another', async () => {
  for (const model of ['staveq2', 'qwen2vl']) {
    const dir = await copyOf(model);
    const first = await of(join(goldens, model));
    assert.match(first, /^[0-9a-f]{16}$/);
    assert.equal(await of(dir), first);
    await writeFile(join(dir, 'README.md'), 'notes');
    assert.equal(await of(dir), first);
    const shard = model === 'qwen2vl' ? 'model-00002-of-00002.safetensors' : 'model.safetensors';
    const seen = new Set([first]);
    for (const name of ['config.json', 'generation_config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json', 'chat_template.json', shard]) {
      const whole = await readFile(join(dir, name));
      const changed = Buffer.from(whole);
      if (name === shard) changed[changed.length - 7] ^= 1;
      await writeFile(join(dir, name), name === shard ? changed : `${whole.toString()} `);
      seen.add(await of(dir));
      await writeFile(join(dir, name), whole);
    }
    assert.equal(seen.size, 8);
  }
});

const zeros = (length: number) => ({ dtype: 'F32' as const, shape: [length], data: new Float32Array(length) });

test('of large files every tensor is looked at', async () => {
  const dir = await copyOf('staveq2');
  const file = join(dir, 'model.safetensors');
  await saveSafetensors(file, [{ name: 'big', ...zeros(5 << 20) }, { name: 'small', ...zeros(3) }, { name: 'middle', ...zeros(5000) }]);
  const seen = new Set([await of(dir)]);
  for (const name of ['big', 'small', 'middle']) {
    await using weights = await openWeights(dir);
    const { offset, byteLength } = weights.info(name);
    await using handle = await open(file, 'r+');
    for (const at of [0, byteLength / 2, byteLength - 1]) {
      await handle.write(Buffer.of(1), 0, 1, offset + at);
      seen.add(await of(dir));
    }
  }
  assert.equal(seen.size, 10);
});

test('a tokenizer is known by its files and its template, wherever it lies', async () => {
  const dir = await copyOf('staveq2');
  const first = await tokenizerFingerprint(dir);
  assert.equal(first, await tokenizerFingerprint(join(goldens, 'staveq2')));
  await writeFile(join(dir, 'config.json'), '{}');
  assert.equal(await tokenizerFingerprint(dir), first);
  await writeFile(join(dir, 'chat_template.jinja'), 'hello');
  assert.notEqual(await tokenizerFingerprint(dir), first);
});
