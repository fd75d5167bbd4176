/** Model folders that are not whole: each is refused by name before anything runs. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { openWeights, saveSafetensors, type SaveTensor } from '../../src/weights/index.ts';
import { clip, model, stave } from './run.ts';

const folder = await mkdtemp(join(tmpdir(), 'stave-models-'));
after(() => rm(folder, { recursive: true }));

const tensors: SaveTensor[] = [];
{
  await using weights = await openWeights(model);
  for (const { name, dtype, shape } of weights.tensors.values()) tensors.push({ name, dtype: dtype as 'F32', shape, data: await weights.read(name) });
}
const victim = tensors.find(({ name }) => name === 'visual.blocks.1.temp_attn.proj.weight')!;

/** A copy of the model with something done to it. */
async function broken(name: string, harm: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(folder, name);
  await cp(model, dir, { recursive: true, filter: (path) => !/^(cases|expected)\./.test(basename(path)) });
  await harm(dir);
  return dir;
}

const weightsFile = (dir: string) => join(dir, 'model.safetensors');
const save = (list: SaveTensor[]) => (dir: string) => saveSafetensors(weightsFile(dir), list);
const config = (change: object) => async (dir: string) => {
  const file = join(dir, 'config.json');
  await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...change }));
};

/** Two shards and their index, the second one cut short. */
async function cutShard(dir: string): Promise<void> {
  const half = Math.floor(tensors.length / 2);
  const shards = { 'model-00001-of-00002.safetensors': tensors.slice(0, half), 'model-00002-of-00002.safetensors': tensors.slice(half) };
  for (const [file, list] of Object.entries(shards)) await saveSafetensors(join(dir, file), list);
  await writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify({ weight_map: Object.fromEntries(Object.entries(shards).flatMap(([file, list]) => list.map(({ name }) => [name, file]))) }));
  await rm(weightsFile(dir));
  const last = join(dir, 'model-00002-of-00002.safetensors');
  await truncate(last, (await readFile(last)).length - 100);
}

const cases: [name: string, harm: (dir: string) => Promise<void>, message: RegExp][] = [
  ['missing tensor', save(tensors.filter((tensor) => tensor !== victim)), /model\.safetensors has no tensor "visual\.blocks\.1\.temp_attn\.proj\.weight"/],
  ['wrong shape', save(tensors.map((tensor) => (tensor === victim ? { ...tensor, shape: tensor.shape.toReversed() } : tensor))), /tensor "visual\.blocks\.1\.temp_attn\.proj\.weight" is \[\d+, \d+\]\nconfig\.json asks for \[\d+, \d+\]/],
  ['unknown architecture', config({ model_type: 'llama' }), /config\.json: model_type is "llama"/],
  ['impossible config', config({ num_attention_heads: 7 }), /config\.json: num_attention_heads is 7/],
  ['truncated file', (dir) => truncate(weightsFile(dir), 5000), /model\.safetensors: .*\nthe file was cut off/],
  ['truncated shard', cutShard, /model-00002-of-00002\.safetensors: .*\nthe file was cut off/],
  ['no weights', (dir) => rm(weightsFile(dir)), /holds neither model\.safetensors nor/],
  ['no tokenizer', (dir) => rm(join(dir, 'tokenizer.json')), /no tokenizer: the checkpoint has no tokenizer\.json/],
];

for (const [name, harm, message] of cases)
  test(`${name}: one clear error, exit code 1`, async () => {
    const dir = await broken(name, harm);
    for (const argv of [['ask', clip, 'What?', '--model', dir], ['plan', clip, '--model', dir]]) {
      const { code, out, err } = await stave(argv);
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, message);
      assert.ok(err.trim().split('\n').length <= 3, err);
    }
  });
